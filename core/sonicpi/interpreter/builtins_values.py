"""Sonic Pi's words for values: chance, ticks, notes, scales, chords, rhythms."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from core.sonicpi.interpreter import values as values
from core.sonicpi.score_events import inventory
from core.sonicpi.interpreter.scheduler import Play
from core.sonicpi.interpreter.values import Ring, Symbol, note, number
from core.sonicpi.interpreter.builtins_registry import WORDS, first, word

# -- chance -----------------------------------------------------------------------------------


@word("rrand", "rand", "rdist")
def _rrand(play: Play, given: list, options: dict, block: Any, scope: dict) -> Any:
    low, high = (number(one) for one in given[:2]) if len(given) > 1 else (0, first(given, 1))
    found = low + (high - low) * play.thread.rng.random()
    step = number(options.get("step", options.get("res", 0)))
    return round(found / step) * step if step > 0 else found


@word("rrand_i", "rand_i", "dice")
def _rrand_i(play: Play, given: list, options: dict, block: Any, scope: dict) -> int:
    low, high = (number(one) for one in given[:2]) if len(given) > 1 else (0, first(given, 6) - 1)
    low, high = sorted((int(low), int(high)))
    return play.thread.rng.randint(low, high)


@word("one_in")
def _one_in(play: Play, given: list, options: dict, block: Any, scope: dict) -> bool:
    return play.thread.rng.random() < 1 / max(1.0, first(given, 1))


def _of_list(name: str) -> Callable:
    def call(play: Play, given: list, options: dict, block: Any, scope: dict) -> Any:
        if given and isinstance(given[0], list):
            return values.list_method(given[0], name, given[1:], play.thread.rng)
        return values.UNKNOWN

    return call


for _name in ("choose", "pick", "shuffle", "stretch", "reverse", "mirror", "repeat", "invert"):
    WORDS[_name] = _of_list(_name)
WORDS["invert_chord"] = WORDS["chord_invert"] = _of_list("invert")


# -- ticks ------------------------------------------------------------------------------------


@word("tick")
def _tick(play: Play, given: list, options: dict, block: Any, scope: dict) -> int:
    name = str(given[0]) if given else ""
    step = int(number(options.get("step", 1), 1))
    play.thread.ticks[name] = play.thread.ticks.get(name, -step) + step
    return play.thread.ticks[name]


@word("look")
def _look(play: Play, given: list, options: dict, block: Any, scope: dict) -> int:
    return max(0, play.thread.ticks.get(str(given[0]) if given else "", 0))


@word("tick_reset", "tick_reset_all")
def _reset(play: Play, given: list, options: dict, block: Any, scope: dict) -> None:
    play.thread.ticks = {}


@word("tick_set")
def _tick_set(play: Play, given: list, options: dict, block: Any, scope: dict) -> None:
    name = str(given[0]) if len(given) > 1 else ""
    play.thread.ticks[name] = int(number(given[-1])) if given else 0


# -- notes and rhythms ------------------------------------------------------------------------


@word("ring", "vector", "ramp")
def _ring(play: Play, given: list, *_: Any) -> Ring:
    return Ring(given[0] if len(given) == 1 and isinstance(given[0], list) else given)


@word("knit")
def _knit(play: Play, given: list, *_: Any) -> Ring:
    pairs = zip(given[::2], given[1::2], strict=False)
    made = Ring(x for x, n in pairs for _ in range(max(0, min(int(number(n)), 256))))
    return made[: values.LONGEST]


@word("bools")
def _bools(play: Play, given: list, *_: Any) -> Ring:
    return Ring(bool(number(one)) for one in given)


@word("spread")
def _spread(play: Play, given: list, options: dict, *_: Any) -> Ring:
    pulses, steps = (number(one, 1) for one in (given + [1, 1])[:2])
    return values.spread(int(pulses), int(steps), int(number(options.get("rotate", 0))))


@word("range")
def _range(play: Play, given: list, options: dict, *_: Any) -> Ring:
    first, last = (number(one) for one in (given + [0, 0])[:2])
    step = number(options.get("step", given[2] if len(given) > 2 else 1), 1)
    return values.ranged(first, last, step, bool(options.get("inclusive", False)))


@word("line")
def _line(play: Play, given: list, options: dict, *_: Any) -> Ring:
    low, high = (number(one) for one in (given + [0, 0])[:2])
    steps = int(number(options.get("steps", 4), 4))
    return values.line(low, high, steps, bool(options.get("inclusive")))


@word("scale")
def _scale(play: Play, given: list, options: dict, *_: Any) -> Ring:
    if len(given) < 2:
        given = [60, *(given or [Symbol("major")])]
    return values.scale(given[0], given[1], int(number(options.get("num_octaves", 1), 1)))


@word("chord")
def _chord(play: Play, given: list, options: dict, *_: Any) -> Ring:
    tonic, name = (given + [60, Symbol("major")])[:2] if given else (60, "major")
    octaves = int(number(options.get("num_octaves", 1), 1))
    return values.chord(
        tonic, name if len(given) > 1 else "major", octaves, int(number(options.get("invert", 0)))
    )


@word("degree")
def _degree(play: Play, given: list, *_: Any) -> float:
    which, tonic, name = (given + [1, 60, Symbol("major")][len(given) :])[:3]
    return values.degree(which, tonic, name)


@word("chord_degree")
def _chord_degree(play: Play, given: list, options: dict, *_: Any) -> Ring:
    which, tonic, name, count = (given + [1, 60, Symbol("major"), 4][len(given) :])[:4]
    place = values.DEGREES.get(str(which).lower()) or int(number(which, 1))
    count = min(int(number(count, 4)), 12)
    notes = [values.degree(place + 2 * k, tonic, name) for k in range(count)]
    return values.inverted(notes, int(number(options.get("invert", 0))))


@word("note")
def _note(play: Play, given: list, *_: Any) -> Any:
    return note(given[0]) if given else None


@word("hz_to_midi")
def _hz_to_midi(play: Play, given: list, *_: Any) -> float:
    return 69 + 12 * math.log2(max(first(given, 440), 1) / 440)


@word("midi_to_hz")
def _midi_to_hz(play: Play, given: list, *_: Any) -> float:
    return 440 * 2 ** ((min(first(given, 69), 200) - 69) / 12)


@word("pitch_to_ratio")
def _pitch_to_ratio(play: Play, given: list, *_: Any) -> float:
    return 2 ** (min(max(first(given), -60), 60) / 12)


@word("octs")
def _octs(play: Play, given: list, *_: Any) -> Ring:
    count = int(number(given[1], 1)) if len(given) > 1 else 1
    return Ring(first(given) + 12 * k for k in range(min(max(count, 1), 10)))


@word("factor?")
def _factor(play: Play, given: list, *_: Any) -> bool:
    value, by = (number(one, 1) for one in (given + [1, 1])[:2])
    return by != 0 and value % by == 0


@word("bt", "rt")
def _beats(play: Play, given: list, *_: Any) -> float:
    return play.seconds(first(given, 1))


@word("sample_duration")
def _duration(play: Play, given: list, options: dict, *_: Any) -> float:
    whole = inventory()["samples"].get(str(given[0]) if given else "", 1.0)
    rate = abs(number(options.get("rate", 1), 1)) or 1
    return whole / rate * play.thread.setting.bpm / 60


@word("sample_names")
def _sample_names(play: Play, given: list, *_: Any) -> Ring:
    group = str(given[0]) if given else ""
    return Ring(Symbol(name) for name in inventory()["samples"] if name.startswith(group))
