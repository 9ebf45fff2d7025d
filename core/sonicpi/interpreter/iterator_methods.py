"""Ruby methods that call a block for each item, such as `each`, `map` and `select`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from core.sonicpi.interpreter.ranges_and_enumerators import Enumerator, Range
from core.sonicpi.interpreter.values import (
    MAX_LIST_LENGTH,
    Ring,
    convert_to_dict_key,
    restore_value_from_dict_key,
    to_number_or_default,
)

MAX_ITERATIONS = 4_000  # of one loop
ENDLESS_RANGE_ITERATORS = ("each", "each_with_index", "map", "collect", "select", "step")
NUMBER_ITERATORS = ("times", "upto", "downto", "step")
STRING_ITERATORS = ("each_char", "each_line", "each_byte", "chars", "scan", "lines", "bytes")
# Methods that return an enumerator when they are called without a block.
ENUMERATOR_METHODS = (
    *NUMBER_ITERATORS,
    "each_char",
    "each_line",
    "each",
    "map",
    "collect",
    "flat_map",
    "select",
    "filter",
    "reject",
    "each_with_index",
    "each_entry",
    "each_slice",
    "each_cons",
    "reverse_each",
    "each_index",
    "cycle",
    "lazy",
    "each_pair",
    "find_index",
    "sort_by",
    "group_by",
)
INDEX_ITERATORS = ("with_index", "each_with_index")
OBJECT_ITERATORS = ("with_object", "each_with_object")
SELECTING_METHODS = ("select", "filter", "reject", "filter_map", "find_all", "keep_if", "delete_if")


def list_iterator_items(receiver: Any, name: str, args: list[Any]) -> Sequence[Any]:
    """Return the items for which a method calls its block.

    Parameters
    ----------
    receiver : list, number, dict or str
        Receiver of the method.
    name : str
        Name of the method.
    args : list
        Arguments of the method.
    """
    if isinstance(receiver, (int, float)):
        return _list_number_iterator_items(receiver, name, args)
    if isinstance(receiver, str):
        return list_string_iterator_items(receiver, name)
    if isinstance(receiver, Range) and name in ("step", "%") and args:
        return _list_stepped_numbers(
            receiver.first, receiver.last, to_number_or_default(args[0], 1), receiver
        )
    if isinstance(receiver, dict):
        if name == "each_key":
            return [restore_value_from_dict_key(key) for key in receiver]
        if name in ("each_value", "transform_values"):
            return list(receiver.values())
        receiver = [[restore_value_from_dict_key(key), value] for key, value in receiver.items()]
    return _choose_items_of_list_iterator(receiver, name, args)


def _choose_items_of_list_iterator(items: list[Any], name: str, args: list[Any]) -> Sequence[Any]:
    """Return what an iterator of a list gives its block: items, with indices, or in groups."""
    if name in INDEX_ITERATORS:
        offset = int(to_number_or_default(args[0])) if args else 0
        return [[item, index] for index, item in enumerate(items, offset)]
    if name == "each_index":
        return range(len(items))
    if name == "zip":
        others = [arg for arg in args if isinstance(arg, list)]
        return [
            [item, *(other[index] if index < len(other) else None for other in others)]
            for index, item in enumerate(items)
        ]
    if name in OBJECT_ITERATORS:
        return [[item, args[0] if args else None] for item in items]
    if name in ("each_slice", "each_cons", "in_groups_of") and args:
        size = max(1, int(to_number_or_default(args[0])))
        if name == "each_cons":
            return [items[start : start + size] for start in range(len(items) - size + 1)]
        return [items[start : start + size] for start in range(0, len(items), size)]
    if name == "cycle":
        rounds = (
            int(to_number_or_default(args[0])) if args and args[0] is not None else MAX_ITERATIONS
        )
        count = min(len(items) * max(rounds, 0), MAX_ITERATIONS)
        return [items[index % len(items)] for index in range(count)]
    return items[::-1] if name == "reverse_each" else items


def is_iteration_endless(receiver: Any, name: str, args: Sequence[Any]) -> bool:
    """Return whether only the block, or a time limit, can end the iteration.

    Parameters
    ----------
    receiver : object
        What the method is called on, such as ``1..Float::INFINITY``.
    name : str
        Of a method with a block.
    args : sequence of object
        Arguments of the call; options are the last one, a dict.
    """
    if isinstance(receiver, Range):
        return receiver.last == float("inf") and name in ENDLESS_RANGE_ITERATORS
    if isinstance(receiver, list):
        return bool(receiver) and name == "cycle" and (not args or args[0] is None)
    if not isinstance(receiver, (int, float)):
        return False
    if name == "upto":
        return bool(args) and args[0] == float("inf")
    if name != "step":
        return False
    limits = [arg["to"] if isinstance(arg, dict) and "to" in arg else arg for arg in args]
    limits = [limit for limit in limits[:1] if not isinstance(limit, dict)]
    return not limits or limits[0] == float("inf")


def list_string_iterator_items(text: str, name: str) -> list[Any]:
    """Return the items of an iterator of a string."""
    if name in ("each_line", "lines"):
        return text.splitlines(keepends=True)[:MAX_LIST_LENGTH]
    if name in ("each_byte", "bytes"):
        return list(text.encode("utf-8", "replace")[:MAX_LIST_LENGTH])
    return list(text[:MAX_LIST_LENGTH]) if name in ("each_char", "chars") else [text]


def _list_number_iterator_items(number: float, name: str, args: list[Any]) -> Sequence[Any]:
    if name == "step":
        options = args[-1] if args and isinstance(args[-1], dict) else {}
        positional = [arg for arg in args if not isinstance(arg, dict)]
        last = options.get("to", positional[0] if positional else float("inf"))
        step = options.get("by", positional[1] if len(positional) > 1 else 1)
        return _list_stepped_numbers(number, last, to_number_or_default(step, 1))
    first = int(min(number, MAX_ITERATIONS))
    last = int(to_number_or_default(args[0])) if args else 0
    if args and args[0] == float("inf"):
        last = first + MAX_ITERATIONS
    return {
        "times": range(max(0, first)),
        "upto": range(first, min(last, first + MAX_ITERATIONS) + 1),
        "downto": range(first, max(last, first - MAX_ITERATIONS) - 1, -1),
    }.get(name, range(1))


def _list_stepped_numbers(
    first: float, last: Any, step: float, bounds: Range | None = None
) -> Sequence[float]:
    """Return numbers from `first` to `last`; an unknown or infinite `last` ends at the limit."""
    last = last if isinstance(last, (int, float)) else float("inf")
    if step == 0:
        return []
    count = int(min(max((last - first) / step + 1e-9, -1), MAX_ITERATIONS))
    numbers = [first + step * index for index in range(count + 1)]
    is_last_excluded = bounds is not None and bounds.is_exclusive and bool(numbers)
    return numbers[:-1] if is_last_excluded and numbers[-1] == last else numbers


def split_reduce_initial_value(items: Sequence[Any], args: list[Any]) -> tuple[Any, Sequence[Any]]:
    """Return the first total of `inject`, and the items that are added to it."""
    if args:
        return args[0], items
    return items[0] if items else 0, items[1:]


def compute_iterator_method_value(
    receiver: Any, items: Sequence[Any], name: str, results: list[Any]
) -> Any:
    """Return the value of a method from the results of its block.

    Parameters
    ----------
    receiver : object
        Receiver of the method.
    items : sequence
        Items of `list_iterator_items`.
    name : str
        Name of the method.
    results : list
        Values of the block, one per item.
    """
    if name in INDEX_ITERATORS and isinstance(receiver, Enumerator):
        return compute_iterator_method_value(
            list(receiver), list(receiver), receiver.method_name, results
        )
    if name in OBJECT_ITERATORS:
        return items[0][1] if items else None
    name = name.removesuffix("!")
    if name in ("find", "detect", "find_index", "index"):
        index = next((i for i, result in enumerate(results) if result), None)
        return index if "index" in name or index is None else items[index]
    if name in SELECTING_METHODS:
        return _select_items_by_results(receiver, items, name, results)
    if name in _RESULT_SUMMARIES:
        return _RESULT_SUMMARIES[name](results)
    if name in _COMBINERS:
        return _COMBINERS[name](items, results)
    if isinstance(receiver, dict) and name == "transform_values":
        return dict(zip(receiver, results))
    if "map" in name or name == "collect" or name in ("chars", "fill"):
        return Ring(results)
    if isinstance(receiver, (int, float, str, dict)):
        return receiver
    return items if isinstance(items, list) else None


_RESULT_SUMMARIES: dict[str, Callable[[list[Any]], Any]] = {
    "any?": any,
    "all?": all,
    "none?": lambda results: not any(results),
    "count": lambda results: sum(map(bool, results)),
    "sum": lambda results: sum(map(to_number_or_default, results)),
}


def _select_items_by_results(
    receiver: Any, items: Sequence[Any], name: str, results: list[Any]
) -> Any:
    if name == "filter_map":
        return Ring(result for result in results if result)
    is_selected = name not in ("reject", "delete_if")
    selected = [item for item, result in zip(items, results) if bool(result) == is_selected]
    if isinstance(receiver, dict):
        return {convert_to_dict_key(key): value for key, value in selected}
    return Ring(selected)


def _flatten_results(_items: Sequence[Any], results: list[Any]) -> list[Any]:
    nested = (result if isinstance(result, list) else [result] for result in results)
    return [element for elements in nested for element in elements]


def _partition_items_by_results(items: Sequence[Any], results: list[Any]) -> list[Any]:
    pairs = list(zip(items, results))
    return [[item for item, result in pairs if result], [i for i, result in pairs if not result]]


def _group_items_by_results(items: Sequence[Any], results: list[Any]) -> dict[Any, Any]:
    groups: dict[Any, Any] = {}
    for item, result in zip(items, results):
        groups.setdefault(convert_to_dict_key(result), []).append(item)
    return groups


def _sort_items_by_results(items: Sequence[Any], results: list[Any]) -> list[Any]:
    order = sorted(range(len(results)), key=lambda index: _build_sort_key(results[index]))
    return [items[index] for index in order]


def _build_sort_key(value: Any) -> tuple[Any, ...]:
    values = value if isinstance(value, list) else [value]
    return tuple((to_number_or_default(v), str(v) if isinstance(v, str) else "") for v in values)


def _take_items_while_true(items: Sequence[Any], results: list[Any]) -> list[Any]:
    count = next((i for i, result in enumerate(results) if not result), len(results))
    return list(items[:count])


def _drop_items_while_true(items: Sequence[Any], results: list[Any]) -> list[Any]:
    return list(items[len(_take_items_while_true(items, results)) :])


def _take_item_with_largest_result(items: Sequence[Any], results: list[Any]) -> Any:
    return _sort_items_by_results(items, results)[-1] if results else None


def _take_item_with_smallest_result(items: Sequence[Any], results: list[Any]) -> Any:
    return _sort_items_by_results(items, results)[0] if results else None


def _build_hash_from_pairs(_items: Sequence[Any], results: list[Any]) -> dict[Any, Any]:
    pairs = [result for result in results if isinstance(result, list) and len(result) == 2]
    return {convert_to_dict_key(key): value for key, value in pairs}


_COMBINERS: dict[str, Callable[[Sequence[Any], list[Any]], Any]] = {
    "to_h": _build_hash_from_pairs,
    "flat_map": _flatten_results,
    "collect_concat": _flatten_results,
    "partition": _partition_items_by_results,
    "group_by": _group_items_by_results,
    "sort_by": _sort_items_by_results,
    "max_by": _take_item_with_largest_result,
    "min_by": _take_item_with_smallest_result,
    "take_while": _take_items_while_true,
    "drop_while": _drop_items_while_true,
}
