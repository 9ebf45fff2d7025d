"""Built-in functions of Sonic Pi for values: ticks, notes, scales and rhythms."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from typing import Any

from core.sonicpi.interpreter import scale_chord_and_range_rings
from core.sonicpi.interpreter.builtins_registry import (
    BUILTINS,
    Builtin,
    BuiltinCall,
    register_builtin_function,
)
from core.sonicpi.interpreter.list_and_number_methods import call_list_method
from core.sonicpi.interpreter.operators import apply_ruby_operator
from core.sonicpi.interpreter.program_interpreter import ProgramInterpreter
from core.sonicpi.interpreter.values import (
    MAX_LIST_LENGTH,
    UNKNOWN,
    Ramp,
    Ring,
    Symbol,
    to_midi_note,
    to_number_or_default,
)
from core.sonicpi.newer_sonic_pi_sounds import load_newer_sample_seconds
from core.sonicpi.sonic_pi_inventory import get_builtin_sample_duration, load_sonic_pi_inventory

DEFAULT_TONIC = 60
DEFAULT_SCALE = Symbol("major")
MAX_KNIT_REPEATS = 256
MAX_CHORD_DEGREE_NOTES = 12
MAX_OCTAVES = 10
MAX_NOTE_RANGE = 128  # semitones
# Functions that call the list method of the same name on their first argument.
LIST_FUNCTIONS = ("reverse", "mirror", "repeat", "invert")


def _make_builtin_for_list_method(method_name: str) -> Builtin:
    """Return a built-in function that calls a method of its first argument."""

    def call_method_on_first_argument(interpreter: ProgramInterpreter, call: BuiltinCall) -> Any:
        if call.args and isinstance(call.args[0], list):
            random_stream = interpreter.current_thread.random
            return call_list_method(call.args[0], method_name, call.args[1:], random_stream)
        return UNKNOWN

    return call_method_on_first_argument


for _name in LIST_FUNCTIONS:
    BUILTINS[_name] = _make_builtin_for_list_method(_name)
BUILTINS["invert_chord"] = BUILTINS["chord_invert"] = _make_builtin_for_list_method("invert")


# -- ticks ------------------------------------------------------------------------------------


# A tick has its value, and the value before the next step: `tick_set` makes both the same.


@register_builtin_function("tick")
def _advance_tick(interpreter: ProgramInterpreter, call: BuiltinCall) -> int:
    ticks, name = interpreter.current_thread.ticks, _get_tick_name(call)
    step = int(to_number_or_default(call.options.get("step", 1), 1))
    value = ticks.get(name, (0, 0))[1] + step - 1
    ticks[name] = (value, value + 1)
    return value + int(to_number_or_default(call.options.get("offset", 0)))


@register_builtin_function("look")
def _read_tick(interpreter: ProgramInterpreter, call: BuiltinCall) -> int:
    value = interpreter.current_thread.ticks.get(_get_tick_name(call), (0, 0))[0]
    return value + int(to_number_or_default(call.options.get("offset", 0)))


def _get_tick_name(call: BuiltinCall) -> str:
    return str(call.args[0]) if call.args and isinstance(call.args[0], str) else ""


@register_builtin_function("tick_reset")
def _reset_tick(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    interpreter.current_thread.ticks.pop(_get_tick_name(call), None)


@register_builtin_function("tick_reset_all")
def _reset_all_ticks(interpreter: ProgramInterpreter, _call: BuiltinCall) -> None:
    interpreter.current_thread.ticks = {}


@register_builtin_function("tick_set")
def _set_tick(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    value = int(to_number_or_default(call.args[-1])) if call.args else 0
    interpreter.current_thread.ticks[_get_tick_name(call)] = (value, value)


# -- rings, notes and rhythms -------------------------------------------------------------------


@register_builtin_function("ring", "vector")
def _build_ring(_interpreter: ProgramInterpreter, call: BuiltinCall) -> Ring:
    return Ring(call.args)


@register_builtin_function("ramp")
def _build_ramp(_interpreter: ProgramInterpreter, call: BuiltinCall) -> Ramp:
    return Ramp(call.args)


@register_builtin_function("doubles")
def _build_doubled_numbers(_interpreter: ProgramInterpreter, call: BuiltinCall) -> Ring:
    return _build_geometric_ring(call, 2.0)


@register_builtin_function("halves")
def _build_halved_numbers(_interpreter: ProgramInterpreter, call: BuiltinCall) -> Ring:
    return _build_geometric_ring(call, 0.5)


def _build_geometric_ring(call: BuiltinCall, factor: float) -> Ring:
    start, count = (to_number_or_default(arg, 1) for arg in (call.args + [1, 1])[:2])
    factor = 1 / factor if count < 0 else factor
    exponents = range(min(int(abs(count)), MAX_KNIT_REPEATS))
    return Ring(start * factor**exponent for exponent in exponents)


@register_builtin_function("stretch")
def _build_stretched_ring(_interpreter: ProgramInterpreter, call: BuiltinCall) -> Ring:
    pairs = zip(call.args[::2], call.args[1::2], strict=False)
    stretched = (
        value
        for values, count in pairs
        for value in (values if isinstance(values, list) else [values])
        for _ in range(max(0, min(int(to_number_or_default(count)), MAX_KNIT_REPEATS)))
    )
    return Ring(itertools.islice(stretched, MAX_LIST_LENGTH))


@register_builtin_function("knit")
def _build_repeated_ring(_interpreter: ProgramInterpreter, call: BuiltinCall) -> list[Any]:
    pairs = zip(call.args[::2], call.args[1::2], strict=False)
    ring = Ring(
        value
        for value, count in pairs
        for _ in range(max(0, min(int(to_number_or_default(count)), MAX_KNIT_REPEATS)))
    )
    return ring[:MAX_LIST_LENGTH]


@register_builtin_function("bools")
def _build_bool_ring(_interpreter: ProgramInterpreter, call: BuiltinCall) -> Ring:
    return Ring(bool(to_number_or_default(arg)) for arg in call.args)


@register_builtin_function("spread")
def _build_rhythm_ring(_interpreter: ProgramInterpreter, call: BuiltinCall) -> Ring:
    pulses, steps = (to_number_or_default(arg, 1) for arg in (call.args + [1, 1])[:2])
    rotate = int(to_number_or_default(call.options.get("rotate", 0)))
    return scale_chord_and_range_rings.build_euclidean_rhythm(int(pulses), int(steps), rotate)


@register_builtin_function("range")
def _build_range_ring(_interpreter: ProgramInterpreter, call: BuiltinCall) -> Ring:
    first, last = (to_number_or_default(arg) for arg in (call.args + [0, 0])[:2])
    step_arg = call.args[2] if len(call.args) > 2 else 1
    step = to_number_or_default(call.options.get("step", step_arg), 1)
    inclusive = bool(call.options.get("inclusive", False))
    return scale_chord_and_range_rings.build_number_range(first, last, step, inclusive)


@register_builtin_function("line")
def _build_evenly_spaced_ring(_interpreter: ProgramInterpreter, call: BuiltinCall) -> Ring:
    first, last = (to_number_or_default(arg) for arg in (call.args + [0, 0])[:2])
    steps = int(to_number_or_default(call.options.get("steps", 4), 4))
    inclusive = bool(call.options.get("inclusive"))
    return scale_chord_and_range_rings.build_evenly_spaced_numbers(first, last, steps, inclusive)


@register_builtin_function("scale")
def _build_scale_ring(_interpreter: ProgramInterpreter, call: BuiltinCall) -> Ring:
    args = call.args
    if len(args) < 2:
        args = [DEFAULT_TONIC, *(args or [DEFAULT_SCALE])]
    octaves = int(to_number_or_default(call.options.get("num_octaves", 1), 1))
    return scale_chord_and_range_rings.build_scale_notes(args[0], args[1], octaves)


@register_builtin_function("chord")
def _build_chord_ring(_interpreter: ProgramInterpreter, call: BuiltinCall) -> Ring:
    tonic = call.args[0] if call.args else DEFAULT_TONIC
    name = call.args[1] if len(call.args) > 1 else "major"
    octaves = int(to_number_or_default(call.options.get("num_octaves", 1), 1))
    inversion = int(to_number_or_default(call.options.get("invert", 0)))
    return scale_chord_and_range_rings.build_chord_notes(tonic, name, octaves, inversion)


@register_builtin_function("degree")
def _get_scale_degree_note(_interpreter: ProgramInterpreter, call: BuiltinCall) -> float:
    defaults = [1, DEFAULT_TONIC, DEFAULT_SCALE]
    degree, tonic, scale_name = (call.args + defaults[len(call.args) :])[:3]
    return scale_chord_and_range_rings.get_scale_degree_note(degree, tonic, scale_name)


@register_builtin_function("chord_degree")
def _build_chord_on_degree(_interpreter: ProgramInterpreter, call: BuiltinCall) -> Ring:
    defaults = [1, DEFAULT_TONIC, DEFAULT_SCALE, 4]
    degree, tonic, scale_name, count = (call.args + defaults[len(call.args) :])[:4]
    numeral = scale_chord_and_range_rings.DEGREE_BY_NUMERAL.get(str(degree).lower())
    first_degree = numeral or int(to_number_or_default(degree, 1))
    note_count = min(int(to_number_or_default(count, 4)), MAX_CHORD_DEGREE_NOTES)
    notes = [
        scale_chord_and_range_rings.get_scale_degree_note(
            first_degree + 2 * third, tonic, scale_name
        )
        for third in range(note_count)
    ]
    return scale_chord_and_range_rings.invert_chord(
        notes, int(to_number_or_default(call.options.get("invert", 0)))
    )


@register_builtin_function("note_range")
def _build_note_range(_interpreter: ProgramInterpreter, call: BuiltinCall) -> Ring:
    lowest, highest = (to_number_or_default(arg) for arg in (call.args + [0, 0])[:2])
    pitches = call.options.get("pitches", list(range(12)))
    classes = (
        {round(to_number_or_default(pitch)) % 12 for pitch in pitches}
        if isinstance(pitches, list)
        else ()
    )
    notes = range(round(lowest), round(min(highest, lowest + MAX_NOTE_RANGE)) + 1)
    return Ring(note for note in notes if note % 12 in classes)


@register_builtin_function("note")
def _parse_midi_note(_interpreter: ProgramInterpreter, call: BuiltinCall) -> float | None:
    note = to_midi_note(call.args[0]) if call.args else None
    if note is None or "octave" not in call.options or not isinstance(call.args[0], str):
        return note
    return note % 12 + 12 * (to_number_or_default(call.options["octave"], 4) + 1)


@register_builtin_function("hz_to_midi")
def _hz_to_midi(_interpreter: ProgramInterpreter, call: BuiltinCall) -> float:
    return 69 + 12 * math.log2(max(call.get_first_argument_number(440), 1) / 440)


@register_builtin_function("midi_to_hz")
def _midi_to_hz(_interpreter: ProgramInterpreter, call: BuiltinCall) -> float:
    return 440 * 2 ** ((min(call.get_first_argument_number(69), 200) - 69) / 12)


@register_builtin_function("pitch_to_ratio")
def _pitch_to_ratio(_interpreter: ProgramInterpreter, call: BuiltinCall) -> float:
    return 2 ** (min(max(call.get_first_argument_number(), -60), 60) / 12)


@register_builtin_function("octs")
def _build_octaves(_interpreter: ProgramInterpreter, call: BuiltinCall) -> Ring:
    count = int(to_number_or_default(call.args[1], 1)) if len(call.args) > 1 else 1
    lowest_note = call.get_first_argument_number()
    octave_count = min(max(count, 1), MAX_OCTAVES)
    return Ring(lowest_note + 12 * octave for octave in range(octave_count))


@register_builtin_function("factor?")
def _is_multiple_of_factor(_interpreter: ProgramInterpreter, call: BuiltinCall) -> bool:
    value, factor = (to_number_or_default(arg, 1) for arg in (call.args + [1, 1])[:2])
    return factor != 0 and value % factor == 0


@register_builtin_function("bt", "rt")
def _convert_beats_to_seconds(interpreter: ProgramInterpreter, call: BuiltinCall) -> float:
    return interpreter.beats_to_seconds(call.get_first_argument_number(1))


@register_builtin_function("sample_duration")
def _get_sample_duration_in_beats(interpreter: ProgramInterpreter, call: BuiltinCall) -> float:
    """Return the length of a sample in beats."""
    seconds = get_builtin_sample_duration(str(call.args[0]) if call.args else "")
    rate = abs(to_number_or_default(call.options.get("rate", 1), 1)) or 1
    return seconds / rate * interpreter.get_current_bpm() / 60


def _make_builtin_listing_names(names: Iterable[str]) -> Builtin:
    """Return a built-in function that lists the names of one kind."""
    symbols = [Symbol(name) for name in sorted(names)]
    return lambda _interpreter, _call: Ring(symbols)


for _kind in ("synth", "fx", "chord", "scale"):
    _names = load_sonic_pi_inventory()[_kind if _kind == "fx" else f"{_kind}s"]
    BUILTINS[f"{_kind}_names"] = _make_builtin_listing_names(_names)


@register_builtin_function("sample_names")
def _list_sample_names(_interpreter: ProgramInterpreter, call: BuiltinCall) -> Ring:
    group = str(call.args[0]) if call.args else ""
    # Later samples do not join the groups of 3.2.2, whose programs then choose the same samples.
    for samples in (load_sonic_pi_inventory()["samples"], load_newer_sample_seconds()):
        if names := [Symbol(name) for name in samples if name.startswith(group)]:
            return Ring(names)
    return Ring([])


# -- numbers -----------------------------------------------------------------------------------


@register_builtin_function("inc")
def _add_one(_interpreter: ProgramInterpreter, call: BuiltinCall) -> Any:
    return apply_ruby_operator("+", call.args[0] if call.args else None, 1)


@register_builtin_function("dec")
def _subtract_one(_interpreter: ProgramInterpreter, call: BuiltinCall) -> Any:
    return apply_ruby_operator("-", call.args[0] if call.args else None, 1)


@register_builtin_function("quantise")
def _round_to_step(_interpreter: ProgramInterpreter, call: BuiltinCall) -> float:
    number, step = (to_number_or_default(arg) for arg in (call.args + [0, 0])[:2])
    return math.floor(number / step + 0.5) * step if step > 0 else number


@register_builtin_function("ratio_to_pitch")
def _ratio_to_pitch(_interpreter: ProgramInterpreter, call: BuiltinCall) -> float:
    return 12 * math.log2(abs(call.get_first_argument_number(1)) or 1)


@register_builtin_function("rest?")
def _is_rest(_interpreter: ProgramInterpreter, call: BuiltinCall) -> bool:
    return not call.args or call.args[0] is None or call.args[0] in ("r", "rest")
