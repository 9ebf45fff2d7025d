"""Built-in functions of Sonic Pi for sounds, time, threads and functions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from core.sonicpi.interpreter.builtins_registry import BuiltinCall, register_builtin_function
from core.sonicpi.interpreter.control_flow_signals import ControlFlowSignal, ThreadEndSignal
from core.sonicpi.interpreter.evaluator import limit_iterations
from core.sonicpi.interpreter.program_interpreter import ProgramInterpreter
from core.sonicpi.interpreter.program_thread import SettingsGuard
from core.sonicpi.interpreter.syntax_tree_types import Block, Scope
from core.sonicpi.interpreter.values import (
    UndefinedValue,
    UnknownValue,
    to_midi_note,
    to_number_or_default,
)
from core.sonicpi.inventory import (
    get_builtin_sample_duration,
    get_default_synth_options,
    load_sonic_pi_inventory,
)

BEAT_SCALED_OPTIONS = set(load_sonic_pi_inventory()["scaled"])
DEFAULT_NOTE = 52
MAX_CHORD_NOTES = 16
MAX_FUNCTIONS = 256
MAX_DENSITY = 64
MAX_STUCK_ROUNDS = 256  # rounds of a loop in which no time passes
# Functions without an effect on the score.
IGNORED_FUNCTIONS = (
    "puts",
    "print",
    "load_sample",
    "load_samples",
    "set_volume!",
    "comment",
    "p",
    "set_mixer_control!",
    "reset_mixer!",
    "osc",
    "midi",
    "rest",
)


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
    for name, value in {**defaults, **options}.items():
        if isinstance(value, bool):
            value = int(value)
        if isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, (int, float, str)) and (name == "note" or not isinstance(value, str)):
            number = to_number_or_default(value)
            is_time = name in BEAT_SCALED_OPTIONS
            resolved[name] = interpreter.beats_to_seconds(number) if is_time else number
    return resolved


def convert_to_transposed_notes(
    interpreter: ProgramInterpreter, note_values: Any
) -> list[float | None]:
    """Return the transposed MIDI notes of one note or of a list of notes, without rests.

    An unknown note is None: it sounds at an unknown pitch.
    """
    note_values = note_values if isinstance(note_values, list) else [note_values]
    settings = interpreter.current_thread.settings
    transpose = settings.transpose + 12 * settings.octave_shift
    notes: list[float | None] = []
    for value in note_values[:MAX_CHORD_NOTES]:
        if isinstance(value, UnknownValue) and not isinstance(value, UndefinedValue):
            notes.append(None)
        elif (note := to_midi_note(value)) is not None:
            notes.append(note + transpose)
    return notes


# -- sounds -----------------------------------------------------------------------------------


@register_builtin_function("play", "play_chord")
def _record_note_events(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    args, options = list(call.args), dict(call.options)
    for position in (0, -1):
        if args and isinstance(args[position], dict):
            options = {**args.pop(position), **options}
    if _is_sound_disabled_by_options(options):
        return
    settings = interpreter.current_thread.settings
    note_values = args[0] if args else options.pop("note", get_default_note(settings.synth))
    options.pop("on", None)
    resolved = convert_sound_options(interpreter, options, settings.synth_defaults)
    notes = convert_to_transposed_notes(interpreter, note_values)
    if len(notes) > 1:
        resolved["amp"] = resolved.get("amp", 1.0) / len(notes)
    interpreter.add_score_events("synth", settings.synth, resolved, notes)


def get_default_note(synth: str) -> float:
    """Return the note that a synth plays when a program names none."""
    return get_default_synth_options(synth).get("note", DEFAULT_NOTE)


def _is_sound_disabled_by_options(options: dict[str, Any]) -> bool:
    return options.get("on", True) in (None, False, 0)


@register_builtin_function("synth")
def _record_synth_call_events(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    settings = interpreter.current_thread.settings
    synth = str(call.args[0]) if call.args else settings.synth
    interpreter.current_thread.settings = replace(settings, synth=synth)
    try:
        default_note = get_default_note(synth)
        note_values = call.options.get("notes", call.options.get("note", default_note))
        options = {k: v for k, v in call.options.items() if k not in ("note", "notes")}
        _record_note_events(interpreter, BuiltinCall([note_values], options, None, call.scope))
    finally:
        interpreter.current_thread.settings = settings


@register_builtin_function("sample")
def _record_sample_event(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    args, options = call.args, call.options
    if args and isinstance(args[-1], dict):
        args, options = args[:-1], {**args[-1], **options}
    if _is_sound_disabled_by_options(options) or not args or args[0] is None:
        return
    name = next((arg for arg in args if isinstance(arg, str)), "unknown")
    sample_defaults = interpreter.current_thread.settings.sample_defaults
    resolved = convert_sound_options(interpreter, options, sample_defaults)
    if stretch := resolved.pop("beat_stretch", None) or resolved.pop("pitch_stretch", None):
        stretch_seconds = max(interpreter.beats_to_seconds(abs(stretch)), 0.01)
        rate = resolved.get("rate", 1.0)
        resolved["rate"] = rate * get_builtin_sample_duration(name) / stretch_seconds
    if pitch := resolved.get("rpitch"):
        resolved["rate"] = resolved.get("rate", 1.0) * 2 ** (min(max(pitch, -60), 60) / 12)
    if (duration := resolved.pop("duration", None)) is not None:
        envelope_seconds = sum(resolved.get(phase, 0.0) for phase in ("attack", "decay", "release"))
        sustain = max(0.0, interpreter.beats_to_seconds(duration) - envelope_seconds)
        resolved.setdefault("sustain", sustain)
    interpreter.add_score_events("sample", name, resolved, [None])


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
        _record_note_events(interpreter, BuiltinCall([note], options, None, call.scope))
        interpreter.sleep_beats(to_number_or_default(times[index % len(times)], 1))


@register_builtin_function("control")
def _add_control_options_to_last_event(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    # A control that is set later describes the event as well, unless it is set at the start.
    if interpreter.events and interpreter.events[-1].layer == interpreter.current_thread.name:
        for name, value in convert_sound_options(interpreter, call.options, {}).items():
            interpreter.events[-1].options.setdefault(name, value)


# -- time, loops and threads ------------------------------------------------------------------


@register_builtin_function("sleep", "wait")
def _sleep_beats(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    interpreter.sleep_beats(call.get_first_argument_number(1))


@register_builtin_function("cue", "set")
def _send_cue(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    if call.args:
        interpreter.record_cue(call.args[0], call.options or call.args[1:])
        if len(call.args) > 1:
            interpreter.set_time_state_value(str(call.args[0]), call.args[1])


@register_builtin_function("get")
def _get_time_state_value(interpreter: ProgramInterpreter, call: BuiltinCall) -> Any:
    if not call.args:
        return {name: interpreter.get_time_state_value(name) for name in interpreter.shared_values}
    default = call.args[1] if len(call.args) > 1 else None
    return interpreter.get_time_state_value(str(call.args[0]), default)


@register_builtin_function("sync", "sync_bpm")
def _wait_for_cue(interpreter: ProgramInterpreter, call: BuiltinCall) -> Any:
    return interpreter.wait_for_cue(call.args[0]) if call.args else None


@register_builtin_function("stop")
def _stop_thread(_interpreter: ProgramInterpreter, _call: BuiltinCall) -> None:
    raise ThreadEndSignal


@register_builtin_function("live_loop")
def _start_live_loop(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    name = str(call.args[0]) if call.args else "loop"
    delay, sync = call.options.get("delay"), call.options.get("sync")
    seed = call.options.get("seed")
    if sync is None and delay is None and seed is None:
        interpreter.spawn_program_thread(name, call.block, call.scope, True)
        return
    body: list[Any] = ["seq"]
    if sync is not None:
        body.append(["call", None, "sync", [["sym", str(sync)]]])
    if delay is not None:
        body.append(_build_sleep_node(delay))
    if seed is not None:
        body.append(["call", None, "use_random_seed", [["num", to_number_or_default(seed)]]])
    body.append(["call", None, "loop", [], _prepend_cue_to_block(name, call.block)])
    interpreter.spawn_program_thread(name, body, call.scope, False)


def _build_sleep_node(beats: Any) -> list[Any]:
    return ["call", None, "sleep", [["num", to_number_or_default(beats)]]]


def _prepend_cue_to_block(cue_name: str, block: Block) -> Block:
    """Return a block that sends a cue first."""
    if not isinstance(block, list):
        return block
    cue_node = ["call", None, "cue", [["sym", cue_name]]]
    return ["block", block[1], ["seq", cue_node, block[2]]]


@register_builtin_function("in_thread")
def _start_program_thread(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    if isinstance(call.block, list):
        delay = [_build_sleep_node(call.options["delay"])] if "delay" in call.options else []
        default_name = f"{interpreter.current_thread.name}/{len(interpreter.started_threads)}"
        name = str(call.options.get("name") or default_name)
        seed = to_number_or_default(call.options["seed"]) if "seed" in call.options else None
        body = ["seq", *delay, call.block[2]]
        interpreter.spawn_program_thread(name, body, call.scope, False, seed)


@register_builtin_function("loop")
def _run_block_in_loop(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    stuck_count = 0
    try:
        for _ in limit_iterations(range(10**6)):
            iteration_start = interpreter.current_thread.current_seconds
            interpreter.run_block(call.block, [], call.scope)
            if interpreter.current_thread.has_no_time_passed_since(iteration_start):
                stuck_count += 1
                if stuck_count == MAX_STUCK_ROUNDS:
                    interpreter.record_endless_loop()
                    raise ThreadEndSignal  # Nothing after such a loop runs.
            else:
                stuck_count = 0
    except ControlFlowSignal as signal:
        if signal.keyword != "break":
            raise


@register_builtin_function("time_warp")
def _run_block_in_time_warp(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    thread = interpreter.current_thread
    is_nested, thread.is_in_time_warp = thread.is_in_time_warp, True
    try:
        _run_block_at_times(interpreter, call)
    finally:
        thread.is_in_time_warp = is_nested


@register_builtin_function("at")
def _run_block_at_times(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    args = call.args
    times = args[0] if args and isinstance(args[0], list) else args[:1]
    thread = interpreter.current_thread
    start, now_seconds = thread.current_seconds, thread.now_seconds
    for index, beats in enumerate(times or [0]):
        thread.now_seconds = now_seconds
        thread.move_clock_to_time(start + interpreter.beats_to_seconds(to_number_or_default(beats)))
        has_values = len(args) > 1 and isinstance(args[1], list) and args[1]
        values = args[1] if has_values else []
        try:
            block_args = _choose_at_block_arguments(call.block, beats, values, index)
            interpreter.run_block(call.block, block_args, call.scope)
        except ThreadEndSignal:
            pass
    thread.current_seconds, thread.now_seconds = start, now_seconds


def _choose_at_block_arguments(
    block: Block, beats: Any, values: list[Any], index: int
) -> list[Any]:
    """Return the arguments of the block of `at`, which depend on the number of its parameters."""
    value = values[index % len(values)] if values else beats
    parameter_count = len(block[1]) if isinstance(block, list) else 1
    if parameter_count == 1:
        return [value]
    first_two = [beats, value] if values else [beats, index]
    return [*first_two, index][:parameter_count]


@register_builtin_function("density")
def _run_block_with_density(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    repetitions = max(1, min(int(call.get_first_argument_number(1)), MAX_DENSITY))
    thread = interpreter.current_thread
    with SettingsGuard(thread):
        density = thread.settings.density * repetitions
        thread.settings = replace(thread.settings, density=density)
        for repetition in range(repetitions):
            interpreter.run_block(call.block, [repetition], call.scope)


# -- functions and the rest ---------------------------------------------------------------------


@register_builtin_function("define", "ndefine", "defonce")
def _define_function(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    has_name_and_block = call.args and isinstance(call.block, list)
    if has_name_and_block and len(interpreter.functions) < MAX_FUNCTIONS:
        interpreter.functions[str(call.args[0])] = (call.block, call.scope)


@register_builtin_function("current_bpm")
def _get_current_bpm(interpreter: ProgramInterpreter, _call: BuiltinCall) -> float:
    return interpreter.get_current_bpm()


@register_builtin_function("lambda", "proc")
def _create_lambda(_interpreter: ProgramInterpreter, call: BuiltinCall) -> tuple[Block, Scope]:
    return (call.block, call.scope)


@register_builtin_function("uncomment")
def _run_uncommented_block(interpreter: ProgramInterpreter, call: BuiltinCall) -> Any:
    return interpreter.run_block(call.block, [], call.scope)


@register_builtin_function(*IGNORED_FUNCTIONS)
def _ignore_call(_interpreter: ProgramInterpreter, _call: BuiltinCall) -> None:
    return None
