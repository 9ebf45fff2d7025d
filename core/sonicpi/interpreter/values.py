"""Values of a program that is read, and what can be done with them: lists, numbers, notes."""

from __future__ import annotations

import math
import random
import re
from typing import Any

from core.sonicpi.score_events import inventory

LONGEST = 512  # elements of any list
STEPS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
NOTE = re.compile(r"([a-gA-G])([sbfSBF#]?)(-?\d+)?")
DEGREES = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6, "vii": 7, "viii": 8}


class Symbol(str):
    """A Ruby symbol."""


class Ring(list):
    """A list whose indices wrap."""


class Unknown:
    """What cannot be known without running the program; whatever is done with it is unknown."""

    def __bool__(self) -> bool:
        return True


UNKNOWN = Unknown()


def number(value: Any, default: float = 0.0) -> float:
    """A finite number for any value."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        found = note(value) if isinstance(value, str) else None
        return default if found is None else found
    return value if math.isfinite(value) else default


def note(value: Any) -> float | None:
    """MIDI note of a number, or of a name such as :e3 or :Fs; None for a rest."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value) if math.isfinite(value) else None
    found = NOTE.fullmatch(value) if isinstance(value, str) else None
    if not found:
        return None
    letter, accident, octave = found.groups()
    shift = {"": 0, "s": 1, "#": 1}.get(accident.lower(), -1)
    return float(12 * (int(octave or 4) + 1) + STEPS[letter.lower()] + shift)


def scale(tonic: Any, name: Any, octaves: int = 1) -> Ring:
    """Notes of a scale, its octave included."""
    start, steps = note(tonic), inventory()["scales"].get(str(name))
    if start is None or steps is None:
        return Ring([start or 60.0])
    found = [start]
    for step in steps * max(1, min(int(octaves), 8)):
        found.append(found[-1] + step)
    return Ring(found)


def chord(tonic: Any, name: Any, octaves: int = 1, invert: int = 0) -> Ring:
    """Notes of a chord."""
    if isinstance(tonic, list):
        return Ring(tonic)
    start, offsets = note(tonic), inventory()["chords"].get(str(name))
    if start is None:
        return Ring([])
    found = [
        start + 12 * octave + offset
        for octave in range(max(1, min(int(octaves), 8)))
        for offset in (offsets or [0, 4, 7])
    ]
    return inverted(found, invert)


def inverted(notes: list, shift: int) -> Ring:
    found = list(notes)
    for _ in range(min(abs(int(shift)), 24)):
        if not found:
            break
        found = found[1:] + [found[0] + 12] if shift > 0 else [found[-1] - 12] + found[:-1]
    return Ring(found)


def degree(value: Any, tonic: Any, name: Any) -> float:
    named = isinstance(value, str)
    place = DEGREES.get(str(value).lower(), None) if named else int(number(value, 1))
    notes = scale(tonic, name)
    place = (place or 1) - 1
    size = max(1, len(notes) - 1)
    return notes[place % size] + 12 * (place // size)


def spread(pulses: int, steps: int, rotate: int = 0) -> Ring:
    """Euclidean rhythm: pulses spread as evenly as can be over steps (Bjorklund)."""
    steps = max(1, min(int(steps), LONGEST))
    pulses = max(0, min(int(pulses), steps))
    hits = [bool(pulses) and (step * pulses) % steps < pulses for step in range(steps)]
    places = [step for step, hit in enumerate(hits) if hit]
    if rotate and places:
        start = places[int(rotate) % len(places)]
        hits = hits[start:] + hits[:start]
    return Ring(hits)


def ranged(first: float, last: float, step: float, inclusive: bool = False) -> Ring:
    step = abs(step) or 1
    count = int(min(abs(last - first) / step + 1e-9, LONGEST))
    sign = 1 if last >= first else -1
    found = [first + sign * step * place for place in range(count + 1)]
    if not inclusive and found and abs(found[-1] - last) < 1e-9:
        found.pop()
    return Ring(found[:LONGEST])


def line(first: float, last: float, steps: int = 4, inclusive: bool = False) -> Ring:
    steps = max(1, min(int(steps), LONGEST))
    gap = (last - first) / ((steps - 1 or 1) if inclusive else steps)
    return Ring(first + gap * place for place in range(steps))


def operated(sign: str, a: Any, b: Any) -> Any:
    """The result of a Ruby operator; UNKNOWN where it has none here."""
    if sign in ("==", "==="):
        return a == b or (isinstance(a, str) and isinstance(b, str) and str(a) == str(b))
    if sign == "!=":
        return a != b
    if isinstance(a, list):
        if sign == "+" and isinstance(b, list):
            return type(a)((a + b)[:LONGEST])
        if sign == "*" and isinstance(b, (int, float)):
            return type(a)((a * min(int(b), LONGEST))[:LONGEST])
        if sign == "-" and isinstance(b, list):
            return type(a)(x for x in a if x not in b)
        if sign == "<<":
            a.append(b)
            del a[LONGEST:]
            return a
        if isinstance(a, Ring) and isinstance(b, (int, float)):
            return Ring(operated(sign, number(x), b) for x in a)
        return UNKNOWN
    if isinstance(a, str) and sign in ("+", "*") and not isinstance(a, Symbol):
        return (a + str(b) if sign == "+" else a * min(int(number(b)), 64))[:4096]
    if isinstance(a, str):
        a = note(a)
    if isinstance(b, str):
        b = note(b)
    if not (isinstance(a, (int, float)) and isinstance(b, (int, float))):
        return UNKNOWN
    return _arithmetic(sign, a, b)


def _arithmetic(sign: str, a: float, b: float) -> Any:
    try:
        if sign == "/":
            return a // b if isinstance(a, int) and isinstance(b, int) else a / b
        if sign == "**":
            return float(a) ** b if abs(a) < 1e6 and abs(b) < 50 else UNKNOWN
        found = {
            "+": lambda: a + b,
            "-": lambda: a - b,
            "*": lambda: a * b,
            "%": lambda: a % b,
            "<": lambda: a < b,
            ">": lambda: a > b,
            "<=": lambda: a <= b,
            ">=": lambda: a >= b,
            "<=>": lambda: (a > b) - (a < b),
            "&": lambda: int(a) & int(b),
            "|": lambda: int(a) | int(b),
            ">>": lambda: int(a) >> min(max(int(b), 0), 64),
            "^": lambda: int(a) ^ int(b),
        }.get(sign, lambda: UNKNOWN)()
    except (ArithmeticError, ValueError, TypeError):
        return UNKNOWN
    return UNKNOWN if isinstance(found, (int, float)) and abs(found) > 1e15 else found


def list_method(on: list, name: str, args: list, rng: random.Random) -> Any:
    """What a method of a list or ring gives, but for those that take a block or tick."""
    same = type(on)
    count = int(number(args[0], 1)) if args else 1
    n = len(on)
    if name in ("choose", "sample"):
        return on[rng.randrange(n)] if n else None
    if name == "[]":
        if len(args) == 2:
            return same(on[count : count + int(number(args[1]))])
        if n == 0 or (not isinstance(on, Ring) and not -n <= count < n):
            return None
        return on[count % n]
    made = {
        "first": lambda: same(on[:count]) if args else (on[0] if n else None),
        "last": lambda: same(on[-count:]) if args else (on[-1] if n else None),
        "size": lambda: n,
        "length": lambda: n,
        "count": lambda: n,
        "empty?": lambda: n == 0,
        "ring": lambda: Ring(on),
        "to_a": lambda: list(on),
        "reverse": lambda: same(on[::-1]),
        "shuffle": lambda: same(rng.sample(on, n)),
        "take": lambda: same(
            (on * (count // max(n, 1) + 1))[:count] if same is Ring else on[:count]
        ),
        "drop": lambda: same(on[count:]),
        "butlast": lambda: same(on[:-1]),
        "drop_last": lambda: same(on[: max(0, n - count)]),
        "take_last": lambda: same(on[-count:]),
        "mirror": lambda: same(on + on[::-1]),
        "reflect": lambda: same(on + on[::-1][1:]),
        "stretch": lambda: same(x for x in on for _ in range(min(count, 64))),
        "repeat": lambda: same(on * min(count, 64)),
        "rotate": lambda: same(on[count % n :] + on[: count % n]) if n else on,
        "sort": lambda: same(sorted(on, key=lambda x: number(x))),
        "min": lambda: min(on, key=number) if n else None,
        "max": lambda: max(on, key=number) if n else None,
        "sum": lambda: sum(number(x) for x in on),
        "include?": lambda: bool(args) and args[0] in on,
        "index": lambda: on.index(args[0]) if args and args[0] in on else None,
        "pick": lambda: same(rng.choices(on, k=min(count, LONGEST))) if n else on,
        "flatten": lambda: same(_flat(on)),
        "uniq": lambda: same(dict.fromkeys(map(_frozen, on))),
        "compact": lambda: same(x for x in on if x is not None),
        "zip": lambda: [list(x) for x in zip(on, *[a for a in args if isinstance(a, list)])],
        "push": lambda: operated("<<", on, args[0] if args else None),
        "pop": lambda: on.pop() if on else None,
        "shift": lambda: on.pop(0) if on else None,
        "join": lambda: "".join(map(str, on))[:4096],
        "dup": lambda: same(on),
        "scale": lambda: same(number(x) * number(args[0], 1) for x in on),
        "invert": lambda: inverted(on, count),
    }.get(name)
    found = made() if made else UNKNOWN
    return type(found)(found[:LONGEST]) if isinstance(found, list) else found


def number_method(on: float, name: str, args: list) -> Any:
    """What a method of a number gives, but for those that take a block."""
    made = {
        "to_i": lambda: int(on),
        "to_int": lambda: int(on),
        "floor": lambda: math.floor(on),
        "ceil": lambda: math.ceil(on),
        "to_f": lambda: float(on),
        "abs": lambda: abs(on),
        "round": lambda: round(on, int(number(args[0]))) if args else round(on),
        "even?": lambda: on % 2 == 0,
        "odd?": lambda: on % 2 == 1,
        "zero?": lambda: on == 0,
        "positive?": lambda: on > 0,
        "negative?": lambda: on < 0,
        "to_s": lambda: str(on),
        "succ": lambda: on + 1,
        "pred": lambda: on - 1,
        "clamp": lambda: min(max(on, number(args[0])), number(args[1])),
        "between?": lambda: number(args[0]) <= on <= number(args[1]),
    }.get(name)
    try:
        return made() if made else UNKNOWN
    except IndexError:
        return UNKNOWN


def text_method(on: str, name: str, args: list) -> Any:
    """What a method of a text or symbol gives."""
    made = {
        "ring": lambda: Ring(on[:LONGEST]),
        "chars": lambda: list(on[:LONGEST]),
        "length": lambda: len(on),
        "size": lambda: len(on),
        "to_sym": lambda: Symbol(on),
        "to_s": lambda: str(on),
        "to_i": lambda: int(on) if on.isdecimal() else 0,
        "split": lambda: on.split(*map(str, args[:1])) if not args or args[0] else list(on),
        "reverse": lambda: on[::-1],
        "strip": lambda: on.strip(),
        "downcase": lambda: on.lower(),
        "upcase": lambda: on.upper(),
        "lines": lambda: on.splitlines()[:LONGEST],
        "[]": lambda: on[int(number(args[0])) % len(on)] if on and args else None,
        "include?": lambda: bool(args) and str(args[0]) in on,
    }.get(name)
    return made() if made else UNKNOWN


def _flat(values: list, depth: int = 0) -> list:
    found: list = []
    for value in values:
        found += _flat(value, depth + 1) if isinstance(value, list) and depth < 8 else [value]
    return found


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
