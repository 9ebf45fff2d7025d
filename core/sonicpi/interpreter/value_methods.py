"""Ruby methods of interpreted lists, hashes, numbers and strings, without a block."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

from core.sonicpi.interpreter.operators import apply_ruby_operator
from core.sonicpi.interpreter.ring_builders import invert_chord
from core.sonicpi.interpreter.values import (
    MAX_LIST_LENGTH,
    MAX_STRING_CHARS,
    UNKNOWN,
    Ring,
    Symbol,
    to_number,
)

MAX_REPEATS = 64
MAX_FLATTEN_DEPTH = 8


def call_value_method(receiver: Any, name: str, args: list[Any], rng: random.Random) -> Any:
    """Return the value of a method; `UNKNOWN` for a method that is not defined here.

    Parameters
    ----------
    receiver : object
        Receiver of the method.
    name : str
        Name of the method.
    args : list
        Positional arguments.
    rng : random.Random
        Random numbers of the current thread.
    """
    if isinstance(receiver, dict):
        return _call_dict_method(receiver, name, args)
    if isinstance(receiver, list):
        return call_list_method(receiver, name, args, rng)
    if isinstance(receiver, (int, float)) and not isinstance(receiver, bool):
        return _call_number_method(receiver, name, args)
    if isinstance(receiver, str):
        return _call_string_method(receiver, name, args)
    return receiver == args[0] if name == "==" and args else UNKNOWN


def _call_dict_method(receiver: dict[str, Any], name: str, args: list[Any]) -> Any:
    if name in ("[]", "fetch") and args:
        return receiver.get(str(args[0]))
    if name == "keys":
        return list(map(Symbol, receiver))
    return list(receiver.values()) if name == "values" else UNKNOWN


def call_list_method(receiver: list[Any], name: str, args: list[Any], rng: random.Random) -> Any:
    """Return the value of a method of a list or ring, other than `tick` and `look`.

    Parameters
    ----------
    receiver, name, args, rng
        As in `call_value_method`.
    """
    list_type = type(receiver)
    count = int(to_number(args[0], 1)) if args else 1
    length = len(receiver)
    if name in ("choose", "sample"):
        return receiver[rng.randrange(length)] if length else None
    if name == "[]":
        if len(args) == 2:
            return list_type(receiver[count : count + int(to_number(args[1]))])
        if length == 0 or (not isinstance(receiver, Ring) and not -length <= count < length):
            return None
        return receiver[count % length]
    methods: dict[str, Callable[[], Any]] = {
        "first": lambda: list_type(receiver[:count]) if args else (receiver[0] if length else None),
        "last": lambda: (
            list_type(receiver[-count:]) if args else (receiver[-1] if length else None)
        ),
        "size": lambda: length,
        "length": lambda: length,
        "count": lambda: length,
        "empty?": lambda: length == 0,
        "ring": lambda: Ring(receiver),
        "to_a": lambda: list(receiver),
        "reverse": lambda: list_type(receiver[::-1]),
        "shuffle": lambda: list_type(rng.sample(receiver, length)),
        "take": lambda: list_type(
            (receiver * (count // max(length, 1) + 1))[:count]
            if list_type is Ring
            else receiver[:count]
        ),
        "drop": lambda: list_type(receiver[count:]),
        "butlast": lambda: list_type(receiver[:-1]),
        "drop_last": lambda: list_type(receiver[: max(0, length - count)]),
        "take_last": lambda: list_type(receiver[-count:]),
        "mirror": lambda: list_type(receiver + receiver[::-1]),
        "reflect": lambda: list_type(receiver + receiver[::-1][1:]),
        "stretch": lambda: list_type(x for x in receiver for _ in range(min(count, MAX_REPEATS))),
        "repeat": lambda: list_type(receiver * min(count, MAX_REPEATS)),
        "rotate": lambda: (
            list_type(receiver[count % length :] + receiver[: count % length])
            if length
            else receiver
        ),
        "sort": lambda: list_type(sorted(receiver, key=lambda x: to_number(x))),
        "min": lambda: min(receiver, key=to_number) if length else None,
        "max": lambda: max(receiver, key=to_number) if length else None,
        "sum": lambda: sum(to_number(x) for x in receiver),
        "include?": lambda: bool(args) and args[0] in receiver,
        "index": lambda: receiver.index(args[0]) if args and args[0] in receiver else None,
        "pick": lambda: (
            list_type(rng.choices(receiver, k=min(count, MAX_LIST_LENGTH))) if length else receiver
        ),
        "flatten": lambda: list_type(_flatten_list(receiver)),
        "uniq": lambda: list_type(dict.fromkeys(map(_make_hashable, receiver))),
        "compact": lambda: list_type(x for x in receiver if x is not None),
        "zip": lambda: [list(x) for x in zip(receiver, *[a for a in args if isinstance(a, list)])],
        "push": lambda: apply_ruby_operator("<<", receiver, args[0] if args else None),
        "pop": lambda: receiver.pop() if receiver else None,
        "shift": lambda: receiver.pop(0) if receiver else None,
        "join": lambda: "".join(map(str, receiver))[:MAX_STRING_CHARS],
        "dup": lambda: list_type(receiver),
        "scale": lambda: list_type(to_number(x) * to_number(args[0], 1) for x in receiver),
        "invert": lambda: invert_chord(receiver, count),
    }
    result = methods[name]() if name in methods else UNKNOWN
    return type(result)(result[:MAX_LIST_LENGTH]) if isinstance(result, list) else result


def _call_number_method(receiver: float, name: str, args: list[Any]) -> Any:
    methods: dict[str, Callable[[], Any]] = {
        "to_i": lambda: int(receiver),
        "to_int": lambda: int(receiver),
        "floor": lambda: math.floor(receiver),
        "ceil": lambda: math.ceil(receiver),
        "to_f": lambda: float(receiver),
        "abs": lambda: abs(receiver),
        "round": lambda: round(receiver, int(to_number(args[0]))) if args else round(receiver),
        "even?": lambda: receiver % 2 == 0,
        "odd?": lambda: receiver % 2 == 1,
        "zero?": lambda: receiver == 0,
        "positive?": lambda: receiver > 0,
        "negative?": lambda: receiver < 0,
        "to_s": lambda: str(receiver),
        "succ": lambda: receiver + 1,
        "pred": lambda: receiver - 1,
        "clamp": lambda: min(max(receiver, to_number(args[0])), to_number(args[1])),
        "between?": lambda: to_number(args[0]) <= receiver <= to_number(args[1]),
    }
    try:
        return methods[name]() if name in methods else UNKNOWN
    except IndexError:
        return UNKNOWN


def _call_string_method(receiver: str, name: str, args: list[Any]) -> Any:
    methods: dict[str, Callable[[], Any]] = {
        "ring": lambda: Ring(receiver[:MAX_LIST_LENGTH]),
        "chars": lambda: list(receiver[:MAX_LIST_LENGTH]),
        "length": lambda: len(receiver),
        "size": lambda: len(receiver),
        "to_sym": lambda: Symbol(receiver),
        "to_s": lambda: str(receiver),
        "to_i": lambda: int(receiver) if receiver.isdecimal() else 0,
        "split": lambda: (
            receiver.split(str(args[0]) if args else None)
            if not args or args[0]
            else list(receiver)
        ),
        "reverse": lambda: receiver[::-1],
        "strip": lambda: receiver.strip(),
        "downcase": lambda: receiver.lower(),
        "upcase": lambda: receiver.upper(),
        "lines": lambda: receiver.splitlines()[:MAX_LIST_LENGTH],
        "[]": lambda: (
            receiver[int(to_number(args[0])) % len(receiver)] if receiver and args else None
        ),
        "include?": lambda: bool(args) and str(args[0]) in receiver,
    }
    return methods[name]() if name in methods else UNKNOWN


def _flatten_list(elements: list[Any], depth: int = 0) -> list[Any]:
    flat: list[Any] = []
    for element in elements:
        is_nested = isinstance(element, list) and depth < MAX_FLATTEN_DEPTH
        flat += _flatten_list(element, depth + 1) if is_nested else [element]
    return flat


def _make_hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
