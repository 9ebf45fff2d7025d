"""Ruby methods that call a block for each item, such as `each`, `map` and `select`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.sonicpi.interpreter.values import Ring, Symbol, to_number

MAX_ITERATIONS = 4_000  # of one loop


def list_iterator_items(
    receiver: list[Any] | float | dict[str, Any], name: str, args: list[Any]
) -> Sequence[Any]:
    """Return the items for which a method calls its block.

    Parameters
    ----------
    receiver : list, number or dict
        Receiver of the method.
    name : str
        Name of the method.
    args : list
        Arguments of the method.
    """
    if isinstance(receiver, (int, float)):
        return _build_number_iterator_range(receiver, name, args)
    items = receiver
    if isinstance(items, dict):
        items = [[Symbol(key), value] for key, value in items.items()]
    if name == "each_with_index":
        return [[item, index] for index, item in enumerate(items)]
    if name in ("each_slice", "each_cons") and args:
        size = max(1, int(to_number(args[0])))
        return [items[start : start + size] for start in range(0, len(items), size)]
    return items[::-1] if name == "reverse_each" else items


def _build_number_iterator_range(number: float, name: str, args: list[Any]) -> range:
    last = int(to_number(args[0])) if args else 0
    first = int(min(number, MAX_ITERATIONS))
    return {
        "times": range(max(0, first)),
        "upto": range(first, min(last, first + MAX_ITERATIONS) + 1),
        "downto": range(first, max(last, first - MAX_ITERATIONS) - 1, -1),
    }.get(name, range(1))


def split_reduce_initial_value(items: Sequence[Any], args: list[Any]) -> tuple[Any, Sequence[Any]]:
    """Return the first total of `inject`, and the items that are added to it."""
    if args:
        return args[0], items
    return items[0] if items else 0, items[1:]


def combine_block_results(items: Sequence[Any], name: str, results: list[Any]) -> Any:
    """Return the value of a method from the results of its block.

    Parameters
    ----------
    items : sequence
        Items of `list_iterator_items`.
    name : str
        Name of the method.
    results : list
        Values of the block, one per item.
    """
    if name in ("select", "filter", "reject", "find", "detect"):
        is_selected = name != "reject"
        selected = [item for item, result in zip(items, results) if bool(result) == is_selected]
        if name in ("find", "detect"):
            return selected[0] if selected else None
        return Ring(selected)
    if name in ("any?", "all?", "count", "sum"):
        total = sum(map(to_number, results))
        return {"any?": any(results), "all?": all(results)}.get(name, total)
    if name == "flat_map":
        nested = (result if isinstance(result, list) else [result] for result in results)
        return [element for elements in nested for element in elements]
    if "map" in name or name == "collect":
        return Ring(results)
    return items if isinstance(items, list) else None
