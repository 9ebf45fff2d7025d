"""Sonic Pi's words for values: chance, ticks, notes, scales, chords, rhythms."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from core.sonicpi.interpreter import values as values
from core.sonicpi.score_events import load_sonic_pi_inventory
from core.sonicpi.interpreter.scheduler import ProgramInterpreter
from core.sonicpi.interpreter.values import Ring, Symbol, to_midi_note, to_number
from core.sonicpi.interpreter.builtins_registry import BUILTINS, get_first_number, register_builtin

# -- chance -----------------------------------------------------------------------------------


@register_builtin("rrand", "rand", "rdist")
def _draw_random_float(interpreter: ProgramInterpreter, args: list, options: dict, block: Any, scope: dict) -> Any:
    low, high = (to_number(one) for one in args[:2]) if len(args) > 1 else (0, get_first_number(args, 1))
    found = low + (high - low) * interpreter.current_thread.rng.random()
    step = to_number(options.get("step", options.get("res", 0)))
    return round(found / step) * step if step > 0 else found


@register_builtin("rrand_i", "rand_i", "dice")
def _draw_random_integer(interpreter: ProgramInterpreter, args: list, options: dict, block: Any, scope: dict) -> int:
    low, high = (to_number(one) for one in args[:2]) if len(args) > 1 else (0, get_first_number(args, 6) - 1)
    low, high = sorted((int(low), int(high)))
    return interpreter.current_thread.rng.randint(low, high)


@register_builtin("one_in")
def _draw_with_chance(interpreter: ProgramInterpreter, args: list, options: dict, block: Any, scope: dict) -> bool:
    return interpreter.current_thread.rng.random() < 1 / max(1.0, get_first_number(args, 1))


def _make_list_builtin(method_name: str) -> Callable:
    def call_on_list(interpreter: ProgramInterpreter, args: list, options: dict, block: Any, scope: dict) -> Any:
        if args and isinstance(args[0], list):
            return values.call_list_method(args[0], method_name, args[1:], interpreter.current_thread.rng)
        return values.UNKNOWN

    return call_on_list


for _name in ("choose", "pick", "shuffle", "stretch", "reverse", "mirror", "repeat", "invert"):
    BUILTINS[_name] = _make_list_builtin(_name)
BUILTINS["invert_chord"] = BUILTINS["chord_invert"] = _make_list_builtin("invert")


# -- ticks ------------------------------------------------------------------------------------


@register_builtin("tick")
def _advance_tick(interpreter: ProgramInterpreter, args: list, options: dict, block: Any, scope: dict) -> int:
    name = str(args[0]) if args else ""
    step = int(to_number(options.get("step", 1), 1))
    interpreter.current_thread.ticks[name] = interpreter.current_thread.ticks.get(name, -step) + step
    return interpreter.current_thread.ticks[name]


@register_builtin("look")
def _read_tick(interpreter: ProgramInterpreter, args: list, options: dict, block: Any, scope: dict) -> int:
    return max(0, interpreter.current_thread.ticks.get(str(args[0]) if args else "", 0))


@register_builtin("tick_reset", "tick_reset_all")
def _reset_ticks(interpreter: ProgramInterpreter, args: list, options: dict, block: Any, scope: dict) -> None:
    interpreter.current_thread.ticks = {}


@register_builtin("tick_set")
def _set_tick(interpreter: ProgramInterpreter, args: list, options: dict, block: Any, scope: dict) -> None:
    name = str(args[0]) if len(args) > 1 else ""
    interpreter.current_thread.ticks[name] = int(to_number(args[-1])) if args else 0


# -- notes and rhythms ------------------------------------------------------------------------


@register_builtin("ring", "vector", "ramp")
def _build_ring(interpreter: ProgramInterpreter, args: list, *_: Any) -> Ring:
    return Ring(args[0] if len(args) == 1 and isinstance(args[0], list) else args)


@register_builtin("knit")
def _build_repeated_ring(interpreter: ProgramInterpreter, args: list, *_: Any) -> Ring:
    pairs = zip(args[::2], args[1::2], strict=False)
    made = Ring(x for x, n in pairs for _ in range(max(0, min(int(to_number(n)), 256))))
    return made[: values.MAX_LIST_LENGTH]


@register_builtin("bools")
def _build_bool_ring(interpreter: ProgramInterpreter, args: list, *_: Any) -> Ring:
    return Ring(bool(to_number(one)) for one in args)


@register_builtin("spread")
def _build_rhythm_ring(interpreter: ProgramInterpreter, args: list, options: dict, *_: Any) -> Ring:
    pulses, steps = (to_number(one, 1) for one in (args + [1, 1])[:2])
    return values.build_euclidean_rhythm(int(pulses), int(steps), int(to_number(options.get("rotate", 0))))


@register_builtin("range")
def _build_range_ring(interpreter: ProgramInterpreter, args: list, options: dict, *_: Any) -> Ring:
    first, last = (to_number(one) for one in (args + [0, 0])[:2])
    step = to_number(options.get("step", args[2] if len(args) > 2 else 1), 1)
    return values.build_range(first, last, step, bool(options.get("inclusive", False)))


@register_builtin("line")
def _build_line_ring(interpreter: ProgramInterpreter, args: list, options: dict, *_: Any) -> Ring:
    low, high = (to_number(one) for one in (args + [0, 0])[:2])
    steps = int(to_number(options.get("steps", 4), 4))
    return values.build_line(low, high, steps, bool(options.get("inclusive")))


@register_builtin("scale")
def _build_scale_ring(interpreter: ProgramInterpreter, args: list, options: dict, *_: Any) -> Ring:
    if len(args) < 2:
        args = [60, *(args or [Symbol("major")])]
    return values.build_scale(args[0], args[1], int(to_number(options.get("num_octaves", 1), 1)))


@register_builtin("chord")
def _build_chord_ring(interpreter: ProgramInterpreter, args: list, options: dict, *_: Any) -> Ring:
    tonic, name = (args + [60, Symbol("major")])[:2] if args else (60, "major")
    octaves = int(to_number(options.get("num_octaves", 1), 1))
    return values.build_chord(
        tonic, name if len(args) > 1 else "major", octaves, int(to_number(options.get("invert", 0)))
    )


@register_builtin("degree")
def _get_scale_degree(interpreter: ProgramInterpreter, args: list, *_: Any) -> float:
    which, tonic, name = (args + [1, 60, Symbol("major")][len(args) :])[:3]
    return values.get_degree_note(which, tonic, name)


@register_builtin("chord_degree")
def _build_chord_on_degree(interpreter: ProgramInterpreter, args: list, options: dict, *_: Any) -> Ring:
    which, tonic, name, count = (args + [1, 60, Symbol("major"), 4][len(args) :])[:4]
    place = values.DEGREE_BY_NUMERAL.get(str(which).lower()) or int(to_number(which, 1))
    count = min(int(to_number(count, 4)), 12)
    notes = [values.get_degree_note(place + 2 * k, tonic, name) for k in range(count)]
    return values.invert_chord(notes, int(to_number(options.get("invert", 0))))


@register_builtin("note")
def _parse_note(interpreter: ProgramInterpreter, args: list, *_: Any) -> Any:
    return to_midi_note(args[0]) if args else None


@register_builtin("hz_to_midi")
def _hz_to_midi(interpreter: ProgramInterpreter, args: list, *_: Any) -> float:
    return 69 + 12 * math.log2(max(get_first_number(args, 440), 1) / 440)


@register_builtin("midi_to_hz")
def _midi_to_hz(interpreter: ProgramInterpreter, args: list, *_: Any) -> float:
    return 440 * 2 ** ((min(get_first_number(args, 69), 200) - 69) / 12)


@register_builtin("pitch_to_ratio")
def _pitch_to_ratio(interpreter: ProgramInterpreter, args: list, *_: Any) -> float:
    return 2 ** (min(max(get_first_number(args), -60), 60) / 12)


@register_builtin("octs")
def _build_octaves(interpreter: ProgramInterpreter, args: list, *_: Any) -> Ring:
    count = int(to_number(args[1], 1)) if len(args) > 1 else 1
    return Ring(get_first_number(args) + 12 * k for k in range(min(max(count, 1), 10)))


@register_builtin("factor?")
def _is_multiple(interpreter: ProgramInterpreter, args: list, *_: Any) -> bool:
    value, by = (to_number(one, 1) for one in (args + [1, 1])[:2])
    return by != 0 and value % by == 0


@register_builtin("bt", "rt")
def _convert_beats_to_seconds(interpreter: ProgramInterpreter, args: list, *_: Any) -> float:
    return interpreter.beats_to_seconds(get_first_number(args, 1))


@register_builtin("sample_duration")
def _get_sample_duration(interpreter: ProgramInterpreter, args: list, options: dict, *_: Any) -> float:
    whole = load_sonic_pi_inventory()["samples"].get(str(args[0]) if args else "", 1.0)
    rate = abs(to_number(options.get("rate", 1), 1)) or 1
    return whole / rate * interpreter.current_thread.settings.bpm / 60


@register_builtin("sample_names")
def _list_sample_names(interpreter: ProgramInterpreter, args: list, *_: Any) -> Ring:
    group = str(args[0]) if args else ""
    return Ring(Symbol(name) for name in load_sonic_pi_inventory()["samples"] if name.startswith(group))
