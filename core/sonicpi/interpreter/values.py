"""Values of a program that is read, and what can be done with them: lists, numbers, notes."""

from __future__ import annotations

import math
import random
import re
from typing import Any

from core.sonicpi.score_events import load_sonic_pi_inventory

MAX_LIST_LENGTH = 512  # elements of any list
SEMITONE_BY_LETTER = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
NOTE_PATTERN = re.compile(r"([a-gA-G])([sbfSBF#]?)(-?\d+)?")
DEGREE_BY_NUMERAL = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6, "vii": 7, "viii": 8}


class Symbol(str):
    """A Ruby symbol."""


class Ring(list):
    """A list whose indices wrap."""


class UnknownValue:
    """What cannot be known without running the program; whatever is done with it is unknown."""

    def __bool__(self) -> bool:
        return True


UNKNOWN = UnknownValue()


def to_number(value: Any, default: float = 0.0) -> float:
    """A finite number for any value."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        found = to_midi_note(value) if isinstance(value, str) else None
        return default if found is None else found
    return value if math.isfinite(value) else default


def to_midi_note(value: Any) -> float | None:
    """MIDI note of a number, or of a name such as :e3 or :Fs; None for a rest."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value) if math.isfinite(value) else None
    found = NOTE_PATTERN.fullmatch(value) if isinstance(value, str) else None
    if not found:
        return None
    letter, accident, octave = found.groups()
    shift = {"": 0, "s": 1, "#": 1}.get(accident.lower(), -1)
    return float(12 * (int(octave or 4) + 1) + SEMITONE_BY_LETTER[letter.lower()] + shift)


def build_scale(tonic: Any, scale_name: Any, octaves: int = 1) -> Ring:
    """Notes of a scale, its octave included."""
    start, steps = to_midi_note(tonic), load_sonic_pi_inventory()["scales"].get(str(scale_name))
    if start is None or steps is None:
        return Ring([start or 60.0])
    found = [start]
    for step in steps * max(1, min(int(octaves), 8)):
        found.append(found[-1] + step)
    return Ring(found)


def build_chord(tonic: Any, chord_name: Any, octaves: int = 1, inversion: int = 0) -> Ring:
    """Notes of a chord."""
    if isinstance(tonic, list):
        return Ring(tonic)
    start, offsets = to_midi_note(tonic), load_sonic_pi_inventory()["chords"].get(str(chord_name))
    if start is None:
        return Ring([])
    found = [
        start + 12 * octave + offset
        for octave in range(max(1, min(int(octaves), 8)))
        for offset in (offsets or [0, 4, 7])
    ]
    return invert_chord(found, inversion)


def invert_chord(notes: list, inversion: int) -> Ring:
    found = list(notes)
    for _ in range(min(abs(int(inversion)), 24)):
        if not found:
            break
        found = found[1:] + [found[0] + 12] if inversion > 0 else [found[-1] - 12] + found[:-1]
    return Ring(found)


def get_degree_note(degree: Any, tonic: Any, scale_name: Any) -> float:
    named = isinstance(degree, str)
    place = DEGREE_BY_NUMERAL.get(str(degree).lower(), None) if named else int(to_number(degree, 1))
    notes = build_scale(tonic, scale_name)
    place = (place or 1) - 1
    size = max(1, len(notes) - 1)
    return notes[place % size] + 12 * (place // size)


def build_euclidean_rhythm(pulses: int, steps: int, rotate: int = 0) -> Ring:
    """Euclidean rhythm: pulses spread as evenly as can be over steps (Bjorklund)."""
    steps = max(1, min(int(steps), MAX_LIST_LENGTH))
    pulses = max(0, min(int(pulses), steps))
    hits = [bool(pulses) and (step * pulses) % steps < pulses for step in range(steps)]
    places = [step for step, hit in enumerate(hits) if hit]
    if rotate and places:
        start = places[int(rotate) % len(places)]
        hits = hits[start:] + hits[:start]
    return Ring(hits)


def build_range(first: float, last: float, step: float, inclusive: bool = False) -> Ring:
    step = abs(step) or 1
    count = int(min(abs(last - first) / step + 1e-9, MAX_LIST_LENGTH))
    sign = 1 if last >= first else -1
    found = [first + sign * step * place for place in range(count + 1)]
    if not inclusive and found and abs(found[-1] - last) < 1e-9:
        found.pop()
    return Ring(found[:MAX_LIST_LENGTH])


def build_line(first: float, last: float, steps: int = 4, inclusive: bool = False) -> Ring:
    steps = max(1, min(int(steps), MAX_LIST_LENGTH))
    gap = (last - first) / ((steps - 1 or 1) if inclusive else steps)
    return Ring(first + gap * place for place in range(steps))


def apply_operator(operator: str, left: Any, right: Any) -> Any:
    """The result of a Ruby operator; UNKNOWN where it has none here."""
    if operator in ("==", "==="):
        return left == right or (isinstance(left, str) and isinstance(right, str) and str(left) == str(right))
    if operator == "!=":
        return left != right
    if isinstance(left, list):
        if operator == "+" and isinstance(right, list):
            return type(left)((left + right)[:MAX_LIST_LENGTH])
        if operator == "*" and isinstance(right, (int, float)):
            return type(left)((left * min(int(right), MAX_LIST_LENGTH))[:MAX_LIST_LENGTH])
        if operator == "-" and isinstance(right, list):
            return type(left)(x for x in left if x not in right)
        if operator == "<<":
            left.append(right)
            del left[MAX_LIST_LENGTH:]
            return left
        if isinstance(left, Ring) and isinstance(right, (int, float)):
            return Ring(apply_operator(operator, to_number(x), right) for x in left)
        return UNKNOWN
    if isinstance(left, str) and operator in ("+", "*") and not isinstance(left, Symbol):
        return (left + str(right) if operator == "+" else left * min(int(to_number(right)), 64))[:4096]
    if isinstance(left, str):
        left = to_midi_note(left)
    if isinstance(right, str):
        right = to_midi_note(right)
    if not (isinstance(left, (int, float)) and isinstance(right, (int, float))):
        return UNKNOWN
    return _apply_arithmetic(operator, left, right)


def _apply_arithmetic(operator: str, left: float, right: float) -> Any:
    try:
        if operator == "/":
            return left // right if isinstance(left, int) and isinstance(right, int) else left / right
        if operator == "**":
            return float(left) ** right if abs(left) < 1e6 and abs(right) < 50 else UNKNOWN
        found = {
            "+": lambda: left + right,
            "-": lambda: left - right,
            "*": lambda: left * right,
            "%": lambda: left % right,
            "<": lambda: left < right,
            ">": lambda: left > right,
            "<=": lambda: left <= right,
            ">=": lambda: left >= right,
            "<=>": lambda: (left > right) - (left < right),
            "&": lambda: int(left) & int(right),
            "|": lambda: int(left) | int(right),
            ">>": lambda: int(left) >> min(max(int(right), 0), 64),
            "^": lambda: int(left) ^ int(right),
        }.get(operator, lambda: UNKNOWN)()
    except (ArithmeticError, ValueError, TypeError):
        return UNKNOWN
    return UNKNOWN if isinstance(found, (int, float)) and abs(found) > 1e15 else found


def call_list_method(receiver: list, name: str, args: list, rng: random.Random) -> Any:
    """What a method of a list or ring gives, but for those that take a block or tick."""
    same = type(receiver)
    count = int(to_number(args[0], 1)) if args else 1
    n = len(receiver)
    if name in ("choose", "sample"):
        return receiver[rng.randrange(n)] if n else None
    if name == "[]":
        if len(args) == 2:
            return same(receiver[count : count + int(to_number(args[1]))])
        if n == 0 or (not isinstance(receiver, Ring) and not -n <= count < n):
            return None
        return receiver[count % n]
    made = {
        "first": lambda: same(receiver[:count]) if args else (receiver[0] if n else None),
        "last": lambda: same(receiver[-count:]) if args else (receiver[-1] if n else None),
        "size": lambda: n,
        "length": lambda: n,
        "count": lambda: n,
        "empty?": lambda: n == 0,
        "ring": lambda: Ring(receiver),
        "to_a": lambda: list(receiver),
        "reverse": lambda: same(receiver[::-1]),
        "shuffle": lambda: same(rng.sample(receiver, n)),
        "take": lambda: same(
            (receiver * (count // max(n, 1) + 1))[:count] if same is Ring else receiver[:count]
        ),
        "drop": lambda: same(receiver[count:]),
        "butlast": lambda: same(receiver[:-1]),
        "drop_last": lambda: same(receiver[: max(0, n - count)]),
        "take_last": lambda: same(receiver[-count:]),
        "mirror": lambda: same(receiver + receiver[::-1]),
        "reflect": lambda: same(receiver + receiver[::-1][1:]),
        "stretch": lambda: same(x for x in receiver for _ in range(min(count, 64))),
        "repeat": lambda: same(receiver * min(count, 64)),
        "rotate": lambda: same(receiver[count % n :] + receiver[: count % n]) if n else receiver,
        "sort": lambda: same(sorted(receiver, key=lambda x: to_number(x))),
        "min": lambda: min(receiver, key=to_number) if n else None,
        "max": lambda: max(receiver, key=to_number) if n else None,
        "sum": lambda: sum(to_number(x) for x in receiver),
        "include?": lambda: bool(args) and args[0] in receiver,
        "index": lambda: receiver.index(args[0]) if args and args[0] in receiver else None,
        "pick": lambda: same(rng.choices(receiver, k=min(count, MAX_LIST_LENGTH))) if n else receiver,
        "flatten": lambda: same(_flatten_list(receiver)),
        "uniq": lambda: same(dict.fromkeys(map(_make_hashable, receiver))),
        "compact": lambda: same(x for x in receiver if x is not None),
        "zip": lambda: [list(x) for x in zip(receiver, *[a for a in args if isinstance(a, list)])],
        "push": lambda: apply_operator("<<", receiver, args[0] if args else None),
        "pop": lambda: receiver.pop() if receiver else None,
        "shift": lambda: receiver.pop(0) if receiver else None,
        "join": lambda: "".join(map(str, receiver))[:4096],
        "dup": lambda: same(receiver),
        "scale": lambda: same(to_number(x) * to_number(args[0], 1) for x in receiver),
        "invert": lambda: invert_chord(receiver, count),
    }.get(name)
    found = made() if made else UNKNOWN
    return type(found)(found[:MAX_LIST_LENGTH]) if isinstance(found, list) else found


def call_number_method(receiver: float, name: str, args: list) -> Any:
    """What a method of a number gives, but for those that take a block."""
    made = {
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
    }.get(name)
    try:
        return made() if made else UNKNOWN
    except IndexError:
        return UNKNOWN


def call_string_method(receiver: str, name: str, args: list) -> Any:
    """What a method of a text or symbol gives."""
    made = {
        "ring": lambda: Ring(receiver[:MAX_LIST_LENGTH]),
        "chars": lambda: list(receiver[:MAX_LIST_LENGTH]),
        "length": lambda: len(receiver),
        "size": lambda: len(receiver),
        "to_sym": lambda: Symbol(receiver),
        "to_s": lambda: str(receiver),
        "to_i": lambda: int(receiver) if receiver.isdecimal() else 0,
        "split": lambda: receiver.split(*map(str, args[:1])) if not args or args[0] else list(receiver),
        "reverse": lambda: receiver[::-1],
        "strip": lambda: receiver.strip(),
        "downcase": lambda: receiver.lower(),
        "upcase": lambda: receiver.upper(),
        "lines": lambda: receiver.splitlines()[:MAX_LIST_LENGTH],
        "[]": lambda: receiver[int(to_number(args[0])) % len(receiver)] if receiver and args else None,
        "include?": lambda: bool(args) and str(args[0]) in receiver,
    }.get(name)
    return made() if made else UNKNOWN


def _flatten_list(values: list, depth: int = 0) -> list:
    found: list = []
    for value in values:
        found += _flatten_list(value, depth + 1) if isinstance(value, list) and depth < 8 else [value]
    return found


def _make_hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
