"""Built-in functions of Sonic Pi that add score events: notes and synths."""

from __future__ import annotations

from functools import lru_cache
from math import isfinite
from typing import Any

from core.sonicpi.interpreter.builtins_registry import BuiltinCall, register_builtin_function
from core.sonicpi.interpreter.control_flow_signals import raise_program_error
from core.sonicpi.interpreter.missing_names import (
    format_ruby_value,
    is_synth_known,
    raise_for_unknown_synth,
)
from core.sonicpi.interpreter.option_value_checks import (
    check_note_name,
    check_note_values,
    check_option_values,
)
from core.sonicpi.interpreter.program_interpreter import ProgramInterpreter
from core.sonicpi.interpreter.program_thread import ThreadSettings
from core.sonicpi.interpreter.values import (
    SoundNode,
    UndefinedValue,
    UnknownValue,
    to_midi_note,
    to_number_or_default,
)
from core.sonicpi.sonic_pi_inventory import get_default_synth_options, load_sonic_pi_inventory


def _list_beat_scaled_options() -> set[str]:
    """Return the options whose values are beats: stages of envelopes, phases and slides."""
    inventory = load_sonic_pi_inventory()
    sounds = [*inventory["synths"].values(), *inventory["fx"].values(), inventory["player"]]
    slides = {f"{option}_slide" for options in sounds for option in options}
    return {*inventory["scaled"], "slide", *slides}


BEAT_SCALED_OPTIONS = _list_beat_scaled_options()
UNSCALED_OPTIONS = {("gverb", "release")}  # seconds, unlike those of the same name
DEFAULT_NOTE = 52
UNKNOWN_SYNTH = "unknown"
"""Name of a synth that is only known when the program runs."""
MAX_CHORD_NOTES = 16


def convert_sound_options(
    interpreter: ProgramInterpreter, options: dict[str, Any], defaults: dict[str, Any]
) -> dict[str, float]:
    """Return options as numbers, with times in seconds.

    Parameters
    ----------
    interpreter : ProgramInterpreter
        Its current thread sets the tempo.
    options, defaults : dict
        Options of the call, and of the thread, which the call's options override.
    """
    resolved = {}
    for name, value in ({**defaults, **options} if defaults else options).items():
        if type(value) in (float, int) and isfinite(value):  # Most of them are.
            is_time = name in BEAT_SCALED_OPTIONS
            resolved[name] = interpreter.beats_to_seconds(value) if is_time else value
            continue
        if isinstance(value, bool):
            value = int(value)
        if isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, (int, float, str)) and (name == "note" or not isinstance(value, str)):
            number = to_number_or_default(value)
            is_time = name in BEAT_SCALED_OPTIONS
            resolved[name] = interpreter.beats_to_seconds(number) if is_time else number
    return resolved


def add_scaled_defaults(
    interpreter: ProgramInterpreter, kind: str, name: str, options: dict[str, float]
) -> None:
    """Add the default times of a synth or FX at the current tempo: they are beats as well.

    Parameters
    ----------
    interpreter : ProgramInterpreter
    kind : {"synth", "fx"}
    name : str
    options : dict of str to float
        Those that the program sets, in seconds.
    """
    beat_seconds = interpreter.beats_to_seconds(1.0)
    if beat_seconds == 1.0:
        return
    for option, beats in _list_default_options_in_beats(kind, name):
        options.setdefault(option, beats * beat_seconds)


@lru_cache(maxsize=512)
def _list_default_options_in_beats(kind: str, name: str) -> tuple[tuple[str, float], ...]:
    """Return the default options in beats that are not 0."""
    fx = load_sonic_pi_inventory()["fx"]
    defaults = get_default_synth_options(name) if kind == "synth" else fx.get(name, {})
    return tuple(
        (option, float(value))
        for option, value in defaults.items()
        if option in BEAT_SCALED_OPTIONS and value > 0 and (name, option) not in UNSCALED_OPTIONS
    )


def convert_to_transposed_notes(
    interpreter: ProgramInterpreter, note_values: Any
) -> list[float | None]:
    """Return the transposed MIDI notes of one note or of a list of notes, without rests.

    An unknown note is None: it sounds at an unknown pitch.
    """
    note_values = note_values if isinstance(note_values, list) else [note_values]
    settings = interpreter.current_thread.settings
    transpose = settings.transpose + 12 * settings.octave_shift + settings.cents / 100
    notes: list[float | None] = []
    for value in note_values[:MAX_CHORD_NOTES]:
        if type(value) in (float, int) and isfinite(value):  # Most of them are.
            notes.append(value + transpose)
            continue
        check_note_name(value)
        if value is False:
            value = DEFAULT_NOTE
        if value is True or (
            isinstance(value, UnknownValue) and not isinstance(value, UndefinedValue)
        ):
            notes.append(None)
        elif (note := to_midi_note(value)) is not None:
            notes.append(note + transpose)
    return notes


@register_builtin_function("play", "play_chord")
def _record_note_events(interpreter: ProgramInterpreter, call: BuiltinCall) -> SoundNode:
    args, options = list(call.args), dict(call.options)
    for position in (0, -1):
        if args and isinstance(args[position], dict):
            options = {**args.pop(position), **options}
    if len(args) > 1:
        options = {**_pair_trailing_arguments(args[1:]), **options}
    settings = interpreter.current_thread.settings
    _check_synth_exists(settings)
    if is_sound_disabled_by_options(options):
        return SoundNode()
    note_values = args[0] if args else options.pop("note", get_default_note(settings.synth))
    options.pop("on", None)
    resolved = convert_sound_options(interpreter, options, settings.synth_defaults)
    _replace_duration_by_sustain(interpreter, resolved)
    if settings.checks_options:
        check_option_values(settings.synth, resolved)
    add_scaled_defaults(interpreter, "synth", settings.synth, resolved)
    pitch = resolved.get("pitch", 0.0)
    notes = [
        None if note is None else note + pitch
        for note in convert_to_transposed_notes(interpreter, note_values)
    ]
    if settings.checks_options:
        check_note_values(settings.synth, notes)
    if len(notes) > 1:
        resolved["amp"] = resolved.get("amp", 1.0) / len(notes)
    return interpreter.add_score_events("synth", settings.synth, resolved, notes)


def _check_synth_exists(settings: ThreadSettings) -> None:
    if not is_synth_known(settings.synth) and not settings.allows_unknown_synths:
        raise_for_unknown_synth(settings.synth)


def _pair_trailing_arguments(args: list[Any]) -> dict[str, Any]:
    """Return options that are given as a list of names and values."""
    if len(args) % 2 and not any(isinstance(arg, (UnknownValue, list)) for arg in args):
        raise_program_error(f"{format_ruby_value(args[0])} is an option without a name")
    for name in args[::2]:
        if not isinstance(name, (str, UnknownValue, list)):
            raise_program_error(f"{format_ruby_value(name)} is no name of an option")
    return {str(name): value for name, value in zip(args[::2], args[1::2])}


def _replace_duration_by_sustain(
    interpreter: ProgramInterpreter, options: dict[str, float]
) -> None:
    """Make the stages of the envelope that a program sets add up to its `duration:`."""
    if "duration" in options and "sustain" not in options:
        stage_seconds = sum(options.get(stage, 0.0) for stage in ("attack", "decay", "release"))
        seconds = interpreter.beats_to_seconds(options.pop("duration"))
        options["sustain"] = max(0.0, seconds - stage_seconds)


def get_default_note(synth: str) -> float:
    """Return the note that a synth plays when a program names none."""
    return get_default_synth_options(synth).get("note", DEFAULT_NOTE)


def is_sound_disabled_by_options(options: dict[str, Any]) -> bool:
    """Return whether the option `on:` disables a sound."""
    return options.get("on", True) in (False, 0)


def name_synth(value: Any) -> str:
    """Return the name of a synth that a program gives as a symbol or string."""
    if isinstance(value, str):
        return str(value)
    return UNKNOWN_SYNTH if isinstance(value, UnknownValue) else format_ruby_value(value)


@register_builtin_function("synth")
def _record_synth_call_events(interpreter: ProgramInterpreter, call: BuiltinCall) -> SoundNode:
    settings = interpreter.current_thread.settings
    synth = settings.synth
    if call.args and call.args[0] is not None:
        synth = name_synth(call.args[0])
    interpreter.current_thread.settings = settings.copy_with(synth=synth)
    try:
        default_note = get_default_note(synth)
        note_values = call.options.get("notes", call.options.get("note", default_note))
        options = {k: v for k, v in call.options.items() if k not in ("note", "notes")}
        return _record_note_events(
            interpreter, BuiltinCall([note_values], options, None, call.scope)
        )
    finally:
        interpreter.current_thread.settings = settings


@register_builtin_function("play_pattern", "play_pattern_timed")
def _record_note_pattern_events(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    args = call.args
    notes = args[0] if args and isinstance(args[0], list) else args[:1]
    times = args[1] if len(args) > 1 else 1
    times = times if isinstance(times, list) and times else [times]
    for index, note in enumerate(notes):
        # Each note takes the next value of an option that is a list.
        options = {
            name: value[index % len(value)] if isinstance(value, list) and value else value
            for name, value in call.options.items()
        }
        beats = to_number_or_default(times[index % len(times)], 1)
        options["duration"] = beats  # Each note lasts until the next one.
        _record_note_events(interpreter, BuiltinCall([note], options, None, call.scope))
        interpreter.sleep_beats(beats)
