"""Ruby methods of interpreted lists, hashes, numbers and strings, without a block."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from typing import Any

from core.sonicpi.interpreter.hash_methods import call_hash_method
from core.sonicpi.interpreter.iterator_methods import (
    ENUMERATOR_METHODS,
    INDEX_ITERATORS,
    list_iterator_items,
)
from core.sonicpi.interpreter.missing_names import get_method_names_of_value
from core.sonicpi.interpreter.operators import apply_ruby_operator
from core.sonicpi.interpreter.random_stream import RandomStream
from core.sonicpi.interpreter.ranges_and_enumerators import Enumerator, Range
from core.sonicpi.interpreter.ruby_classes_of_values import get_ruby_class, is_case_match
from core.sonicpi.interpreter.scale_chord_and_range_rings import invert_chord
from core.sonicpi.interpreter.string_methods import call_string_method
from core.sonicpi.interpreter.values import (
    MAX_LIST_LENGTH,
    MAX_STRING_CHARS,
    UNKNOWN,
    Ramp,
    Ring,
    UnknownValue,
    convert_to_dict_key,
    get_ring_element,
    to_midi_note,
    to_number_or_default,
)

MAX_REPEATS = 64
OPERATOR_BY_METHOD = {"==": "==", "eql?": "==", "equal?": "==", "!=": "!=", "%": "%"}
MAX_FLATTEN_DEPTH = 8


def call_value_method(
    receiver: Any, name: str, args: list[Any], random_stream: RandomStream
) -> Any:
    """Return the value of a method; `UNKNOWN` for a method that is not defined here.

    Parameters
    ----------
    receiver : object
        Receiver of the method.
    name : str
        Name of the method.
    args : list
        Positional arguments.
    random_stream : RandomStream
        Random numbers of the current thread.
    """
    if name in _COMMON_METHODS:
        return _COMMON_METHODS[name](receiver)
    if name == "respond_to?" and args:
        return str(args[0]) in get_method_names_of_value(receiver)
    if name in OPERATOR_BY_METHOD and args:
        return apply_ruby_operator(OPERATOR_BY_METHOD[name], receiver, args[0])
    if name in ("is_a?", "kind_of?", "instance_of?", "===") and args:
        subject, pattern = (args[0], receiver) if name == "===" else (receiver, args[0])
        return is_case_match(pattern, subject)
    is_search = name == "find_index" and bool(args)  # It needs no block.
    if name in ENUMERATOR_METHODS and is_iterated_by_block_methods(receiver) and not is_search:
        return make_enumerator(receiver, name, args)
    if isinstance(receiver, dict):
        return call_hash_method(receiver, name, args)
    if isinstance(receiver, list):
        return call_list_method(receiver, name, args, random_stream)
    if isinstance(receiver, (int, float)) and not isinstance(receiver, bool):
        return _call_number_method(receiver, name, args)
    if isinstance(receiver, str) and name.removesuffix("!") == "shuffle":
        return type(receiver)("".join(random_stream.shuffle_elements(receiver)))
    return call_string_method(receiver, name, args) if isinstance(receiver, str) else UNKNOWN


def is_iterated_by_block_methods(value: Any) -> bool:
    """Return whether methods with a block run it once per item of a value."""
    return isinstance(value, (list, int, float, dict, str)) and not isinstance(value, bool)


def make_enumerator(receiver: Any, name: str, args: list[Any]) -> Enumerator:
    """Return the enumerator of a method that is called without its block."""
    if isinstance(receiver, Enumerator) and name in INDEX_ITERATORS:
        return Enumerator(list_iterator_items(receiver, name, args), receiver.method_name)
    if name == "cycle" and isinstance(receiver, list) and not args:
        rounds = MAX_LIST_LENGTH // max(len(receiver), 1)
        return Enumerator(list(receiver) * max(rounds, 1), name)
    items = list_iterator_items(receiver, name, args)
    return Enumerator(list(items)[:MAX_LIST_LENGTH], name)


_COMMON_METHODS: dict[str, Callable[[Any], Any]] = {
    "class": lambda value: get_ruby_class(value),
    "nil?": lambda value: UNKNOWN if isinstance(value, UnknownValue) else value is None,
    "freeze": lambda value: value,
    "itself": lambda value: value,
    "clone": lambda value: type(value)(value) if type(value) in (list, dict, Ring) else value,
    "frozen?": lambda _value: False,
    "inspect": lambda value: str(value)[:MAX_STRING_CHARS],
}


def call_list_method(
    receiver: list[Any], name: str, args: list[Any], random_stream: RandomStream
) -> Any:
    """Return the value of a method of a list or ring, other than `tick` and `look`.

    Parameters
    ----------
    receiver, name, args, random_stream
        As in `call_value_method`.
    """
    list_type = type(receiver)
    count = int(to_number_or_default(args[0], 1)) if args else 1
    length = len(receiver)
    if name in ("choose", "sample"):
        return random_stream.choose_random_element(receiver)
    if name == "pick":
        picked = _pick_random_list_elements(receiver, args, random_stream)
        return Ring(picked) if list_type is Ring else picked
    if name in ("tick", "next") and isinstance(receiver, Enumerator):
        return receiver.get_next_item()
    if name == "sum" and args:
        return sum((to_number_or_default(x) for x in receiver), to_number_or_default(args[0]))
    if name in ("inject", "reduce") and args:
        return _reduce_with_operator(receiver, args)
    if name in ("[]", "slice", "fetch", "at", "dig") and args:
        return _get_list_elements(receiver, name, args)
    if list_type not in (list, Ring):  # The elements of a range or enumerator are a list.
        list_type = Ring if isinstance(receiver, Ring) else list
        receiver = list_type(receiver)
    is_in_place, name = name.endswith("!"), name.removesuffix("!")
    methods: dict[str, Callable[[], Any]] = {
        "combination": lambda: _arrange_elements(itertools.combinations(receiver, max(count, 0))),
        "permutation": lambda: _arrange_elements(itertools.permutations(receiver, max(count, 0))),
        "first": lambda: list_type(receiver[:count]) if args else (receiver[0] if length else None),
        "last": lambda: (
            list_type(receiver[-count:]) if args else (receiver[-1] if length else None)
        ),
        "size": lambda: length,
        "length": lambda: length,
        "count": lambda: length,
        "empty?": lambda: length == 0,
        "ring": lambda: Ring(receiver),
        "ramp": lambda: Ramp(receiver),
        "to_a": lambda: list(receiver),
        "reverse": lambda: list_type(receiver[::-1]),
        "shuffle": lambda: list_type(random_stream.shuffle_elements(receiver)),
        "take": lambda: list_type(
            (receiver * (count // max(length, 1) + 1))[:count]
            if list_type is Ring
            else receiver[:count]
        ),
        "drop": lambda: list_type(receiver[count:]),
        "butlast": lambda: list_type(receiver[:-1]),
        "drop_last": lambda: list_type(receiver[: max(0, length - count)]),
        "take_last": lambda: list_type(receiver[-count:]),
        "invert_around": lambda: _mirror_notes_around(receiver, args),
        "mirror": lambda: list_type(receiver + receiver[::-1]),
        "reflect": lambda: list_type(receiver + receiver[::-1][1:]),
        "stretch": lambda: list_type(x for x in receiver for _ in range(min(count, MAX_REPEATS))),
        "repeat": lambda: list_type(receiver * min(count, MAX_REPEATS)),
        "rotate": lambda: (
            list_type(receiver[count % length :] + receiver[: count % length])
            if length
            else receiver
        ),
        "sort": lambda: list_type(sorted(receiver, key=lambda x: to_number_or_default(x))),
        "min": lambda: min(receiver, key=to_number_or_default) if length else None,
        "max": lambda: max(receiver, key=to_number_or_default) if length else None,
        "sum": lambda: sum(to_number_or_default(x) for x in receiver),
        "include?": lambda: bool(args) and args[0] in receiver,
        "member?": lambda: bool(args) and args[0] in receiver,
        "any?": lambda: any(element not in (None, False) for element in receiver),
        "none?": lambda: not any(element not in (None, False) for element in receiver),
        "all?": lambda: all(element not in (None, False) for element in receiver),
        "to_h": lambda: {
            convert_to_dict_key(pair[0]): pair[1] for pair in receiver if len(pair) == 2
        },
        "minmax": lambda: [
            min(receiver, key=to_number_or_default),
            max(receiver, key=to_number_or_default),
        ],
        "second": lambda: receiver[1] if length > 1 else None,
        "third": lambda: receiver[2] if length > 2 else None,
        "transpose": lambda: [list(column) for column in zip(*receiver)],
        "product": lambda: [
            [a, b] for a in receiver for b in (args[0] if args else []) if length <= MAX_REPEATS
        ],
        "concat": lambda: receiver + [x for arg in args for x in arg],
        "append": lambda: apply_ruby_operator("<<", receiver, args[0] if args else None),
        "unshift": lambda: _insert_into_or_clear_list(receiver, 0, args),
        "prepend": lambda: _insert_into_or_clear_list(receiver, 0, args),
        "insert": lambda: _insert_into_or_clear_list(receiver, count, args[1:]),
        "delete_at": lambda: receiver.pop(count) if -length <= count < length else None,
        "delete": lambda: list_type(x for x in receiver if x != args[0]),
        "clear": lambda: _insert_into_or_clear_list(receiver, None, []),
        "fill": lambda: list_type([args[0] if args else None] * length),
        "tally": lambda: {
            convert_to_dict_key(x): receiver.count(x) for x in receiver[:MAX_REPEATS]
        },
        "to_s": lambda: str(receiver)[:MAX_STRING_CHARS],
        "values_at": lambda: [receiver[int(to_number_or_default(a))] for a in args],
        "index": lambda: receiver.index(args[0]) if args and args[0] in receiver else None,
        "find_index": lambda: receiver.index(args[0]) if args and args[0] in receiver else None,
        "flatten": lambda: list_type(_flatten_list(receiver)),
        "uniq": lambda: list_type(dict.fromkeys(map(_make_hashable, receiver))),
        "compact": lambda: list_type(x for x in receiver if x is not None),
        "zip": lambda: [list(x) for x in zip(receiver, *[a for a in args if isinstance(a, list)])],
        "push": lambda: apply_ruby_operator("<<", receiver, args[0] if args else None),
        "pop": lambda: receiver.pop() if receiver else None,
        "shift": lambda: receiver.pop(0) if receiver else None,
        "join": lambda: "".join(map(str, receiver))[:MAX_STRING_CHARS],
        "dup": lambda: list_type(receiver),
        "scale": lambda: list_type(
            to_number_or_default(x) * to_number_or_default(args[0], 1) for x in receiver
        ),
        "invert": lambda: invert_chord(receiver, count),
    }
    result = methods[name]() if name in methods else UNKNOWN
    if isinstance(result, list) and len(result) > MAX_LIST_LENGTH:
        result = type(result)(result[: max(MAX_LIST_LENGTH, length)])
    if is_in_place and isinstance(result, list):
        receiver[:] = result
    return result


def _arrange_elements(arrangements: Iterable[tuple[Any, ...]]) -> list[Any]:
    return [list(elements) for elements in itertools.islice(arrangements, MAX_LIST_LENGTH)]


def _pick_random_list_elements(
    elements: list[Any], args: list[Any], random_stream: RandomStream
) -> list[Any]:
    """Return elements drawn by `pick(count, skip: count)`."""
    options = next((arg for arg in args if isinstance(arg, dict)), {})
    count = to_number_or_default(args[0], 1) if args and not isinstance(args[0], dict) else 1
    skip_count = to_number_or_default(options.get("skip", 0))
    return random_stream.pick_random_elements(elements, int(count), int(skip_count))


def count_draws_from_unknown_list(name: str, args: list[Any], random_stream: RandomStream) -> None:
    """Take the random numbers that a method of an unknown list takes."""
    if name in ("choose", "sample", "shuffle"):
        random_stream.draw_random_number()
    elif name == "pick":
        _pick_random_list_elements([UNKNOWN], args, random_stream)


def _get_list_elements(receiver: list[Any], name: str, args: list[Any]) -> Any:
    """Return the element at an index, or those from an index or in a range."""
    list_type = Ring if isinstance(receiver, Ring) else list
    length = len(receiver)
    if isinstance(args[0], Range):
        return list_type(args[0].get_list_elements_in_range(list(receiver)))
    if isinstance(args[0], UnknownValue):
        return UNKNOWN
    index = int(to_number_or_default(args[0], 1))
    if len(args) == 2 and name in ("[]", "slice"):
        start = max(index + length, 0) if index < 0 else index
        return list_type(receiver[start : start + max(int(to_number_or_default(args[1])), 0)])
    if isinstance(receiver, Ramp):
        return get_ring_element(receiver, index)
    is_outside = length == 0 or not -length <= index < length
    if is_outside and (length == 0 or list_type is list):
        return args[1] if name == "fetch" and len(args) == 2 else None
    element = receiver[index % length]
    if name != "dig" or len(args) == 1:
        return element
    if isinstance(element, dict):
        return call_hash_method(element, "dig", args[1:])
    return _get_list_elements(element, name, args[1:]) if isinstance(element, list) else None


def _call_number_method(receiver: float, name: str, args: list[Any]) -> Any:
    methods: dict[str, Callable[[], Any]] = {
        "to_i": lambda: int(receiver),
        "to_int": lambda: int(receiver),
        "floor": lambda: math.floor(receiver),
        "ceil": lambda: math.ceil(receiver),
        "to_f": lambda: float(receiver),
        "abs": lambda: abs(receiver),
        "round": lambda: (
            round(receiver, int(to_number_or_default(args[0]))) if args else round(receiver)
        ),
        "even?": lambda: receiver % 2 == 0,
        "odd?": lambda: receiver % 2 == 1,
        "zero?": lambda: receiver == 0,
        "positive?": lambda: receiver > 0,
        "negative?": lambda: receiver < 0,
        "to_s": lambda: str(receiver),
        "succ": lambda: receiver + 1,
        "pred": lambda: receiver - 1,
        "chr": lambda: chr(int(receiver)) if 0 <= receiver < 0x110000 else UNKNOWN,
        "next": lambda: receiver + 1,
        "truncate": lambda: int(receiver),
        "to_r": lambda: receiver,
        "fdiv": lambda: receiver / to_number_or_default(args[0], 1),
        "div": lambda: receiver // to_number_or_default(args[0], 1),
        "modulo": lambda: receiver % to_number_or_default(args[0], 1),
        "divmod": lambda: list(divmod(receiver, to_number_or_default(args[0], 1))),
        "pow": lambda: apply_ruby_operator("**", receiver, args[0]),
        "gcd": lambda: math.gcd(int(receiver), int(to_number_or_default(args[0], 1))),
        "lcm": lambda: math.lcm(int(receiver), int(to_number_or_default(args[0], 1))),
        "digits": lambda: [int(digit) for digit in reversed(str(abs(int(receiver))))],
        "nan?": lambda: math.isnan(receiver),
        "infinite?": lambda: math.isinf(receiver),
        "integer?": lambda: isinstance(receiver, int),
        "clamp": lambda: min(
            max(receiver, to_number_or_default(args[0])), to_number_or_default(args[1])
        ),
        "between?": lambda: (
            to_number_or_default(args[0]) <= receiver <= to_number_or_default(args[1])
        ),
    }
    try:
        return methods[name]() if name in methods else UNKNOWN
    except (IndexError, ArithmeticError):
        return UNKNOWN


def _insert_into_or_clear_list(
    elements: list[Any], index: int | None, args: list[Any]
) -> list[Any]:
    """Insert the first argument before an index, or without one remove all; return the list."""
    if index is None:
        elements.clear()
    elif args and len(elements) < MAX_LIST_LENGTH:
        elements.insert(index, args[0])
    return elements


def _reduce_with_operator(receiver: list[Any], args: list[Any]) -> Any:
    """Return the total of `inject(:+)` or `inject(0, :+)`."""
    elements = [*args[:-1], *receiver]
    if not elements:
        return None
    total = elements[0]
    for element in elements[1:]:
        total = apply_ruby_operator(str(args[-1]), total, element)
    return total


def _mirror_notes_around(notes: list[Any], args: list[Any]) -> Ring:
    """Return the notes mirrored at one note."""
    axis = to_midi_note(args[0]) if args else None
    pitches = [to_midi_note(note) for note in notes]
    if axis is None:
        return Ring(pitches)
    return Ring(None if pitch is None else 2 * axis - pitch for pitch in pitches)


def _flatten_list(elements: list[Any], depth: int = 0) -> list[Any]:
    flat: list[Any] = []
    for element in elements:
        is_nested = isinstance(element, list) and depth < MAX_FLATTEN_DEPTH
        flat += _flatten_list(element, depth + 1) if is_nested else [element]
    return flat


def _make_hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
