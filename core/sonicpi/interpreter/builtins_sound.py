"""Sonic Pi's words for sounds, time, threads and settings; `sonicpi_music.py` has the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from core.sonicpi.interpreter import values as values
from core.sonicpi.score_events import load_sonic_pi_inventory
from core.sonicpi.interpreter.scheduler import ProgramInterpreter
from core.sonicpi.interpreter.evaluator import ControlFlowSignal, ThreadEnded
from core.sonicpi.interpreter.values import to_midi_note, to_number
from core.sonicpi.interpreter.builtins_registry import BUILTINS, get_first_number, register_builtin

BEAT_SCALED_OPTIONS = set(load_sonic_pi_inventory()["scaled"])


def resolve_options(interpreter: ProgramInterpreter, options: dict, defaults: dict) -> dict[str, float]:
    """Options as numbers, times in seconds."""
    found = {}
    for name, value in {**defaults, **options}.items():
        if isinstance(value, bool):
            value = int(value)
        if isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, (int, float, str)) and (name == "note" or not isinstance(value, str)):
            value = to_number(value)
            found[name] = interpreter.beats_to_seconds(value) if name in BEAT_SCALED_OPTIONS else value
    return found


def resolve_notes(interpreter: ProgramInterpreter, note_values: Any) -> list:
    """MIDI notes to play at once; none for a rest."""
    note_values = note_values if isinstance(note_values, list) else [note_values]
    found = [to_midi_note(one) for one in note_values]
    return [one + interpreter.current_thread.settings.transpose for one in found if one is not None][:16]


# -- sounds -----------------------------------------------------------------------------------


@register_builtin("play", "play_chord")
def _play_notes(interpreter: ProgramInterpreter, args: list, options: dict, block: Any, scope: dict) -> None:
    if args and isinstance(args[0], dict):
        options = {**args[0], **options}
        args = args[1:]
    options = dict(options)
    if options.get("on", True) in (None, False, 0):
        return
    what = args[0] if args else options.pop("note", 52)
    setting = interpreter.current_thread.settings
    made = resolve_options(interpreter, {k: v for k, v in options.items() if k != "on"}, setting.synth_defaults)
    notes = resolve_notes(interpreter, what)
    if len(notes) > 1:
        made["amp"] = made.get("amp", 1.0) / len(notes)
    interpreter.add_events("synth", setting.synth, made, notes)


@register_builtin("synth")
def _play_synth(interpreter: ProgramInterpreter, args: list, options: dict, block: Any, scope: dict) -> None:
    before = interpreter.current_thread.settings
    interpreter.current_thread.settings = replace(before, synth=str(args[0]) if args else before.synth)
    try:
        what = options.get("notes", options.get("note", 52))
        rest = {k: v for k, v in options.items() if k not in ("note", "notes")}
        _play_notes(interpreter, [what], rest, None, scope)
    finally:
        interpreter.current_thread.settings = before


@register_builtin("sample")
def _play_sample(interpreter: ProgramInterpreter, args: list, options: dict, block: Any, scope: dict) -> None:
    if args and isinstance(args[-1], dict):
        args, options = args[:-1], {**args[-1], **options}
    if options.get("on", True) in (None, False, 0) or not args or args[0] is None:
        return
    name = next((one for one in args if isinstance(one, str)), "unknown")
    made = resolve_options(interpreter, options, interpreter.current_thread.settings.sample_defaults)
    whole = load_sonic_pi_inventory()["samples"].get(name, 1.0)
    if stretch := made.pop("beat_stretch", None) or made.pop("pitch_stretch", None):
        made["rate"] = made.get("rate", 1.0) * whole / max(interpreter.beats_to_seconds(abs(stretch)), 0.01)
    if pitch := made.get("rpitch"):
        made["rate"] = made.get("rate", 1.0) * 2 ** (min(max(pitch, -60), 60) / 12)
    interpreter.add_events("sample", name, made, [None])


@register_builtin("play_pattern", "play_pattern_timed")
def _play_pattern(interpreter: ProgramInterpreter, args: list, options: dict, block: Any, scope: dict) -> None:
    notes = args[0] if args and isinstance(args[0], list) else args[:1]
    times = args[1] if len(args) > 1 else 1
    times = times if isinstance(times, list) and times else [times]
    for place, one in enumerate(notes):
        _play_notes(interpreter, [one], options, None, scope)
        interpreter.sleep_beats(to_number(times[place % len(times)], 1))


@register_builtin("control")
def _control_last_event(interpreter: ProgramInterpreter, args: list, options: dict, block: Any, scope: dict) -> None:
    # A sound that is changed afterwards is also what it is changed to.
    if interpreter.events and interpreter.events[-1].layer == interpreter.current_thread.name:
        for name, value in resolve_options(interpreter, options, {}).items():
            interpreter.events[-1].options.setdefault(name, value)


# -- time, loops and threads ------------------------------------------------------------------


@register_builtin("sleep", "wait")
def _sleep_beats(interpreter: ProgramInterpreter, args: list, options: dict, block: Any, scope: dict) -> None:
    interpreter.sleep_beats(to_number(args[0], 1) if args else 1)


@register_builtin("cue", "set")
def _send_cue(interpreter: ProgramInterpreter, args: list, options: dict, block: Any, scope: dict) -> None:
    if args:
        interpreter.record_cue(args[0])
        if len(args) > 1 and len(interpreter.shared_values) < 256:
            interpreter.shared_values[str(args[0])] = args[1]


@register_builtin("get")
def _get_shared_value(interpreter: ProgramInterpreter, args: list, options: dict, block: Any, scope: dict) -> Any:
    if not args:
        return interpreter.shared_values
    return interpreter.shared_values.get(str(args[0]), args[1] if len(args) > 1 else None)


@register_builtin("sync", "sync_bpm")
def _wait_for_cue(interpreter: ProgramInterpreter, args: list, options: dict, block: Any, scope: dict) -> None:
    if args:
        interpreter.wait_for_cue(args[0])


@register_builtin("stop")
def _stop_thread(interpreter: ProgramInterpreter, *_: Any) -> None:
    raise ThreadEnded


@register_builtin("live_loop")
def _start_live_loop(interpreter: ProgramInterpreter, args: list, options: dict, block: Any, scope: dict) -> None:
    name = str(args[0]) if args else "loop"
    delay, sync = options.get("delay"), options.get("sync")
    if sync is not None or delay is not None:
        start = ["seq"]
        if sync is not None:
            start.append(["call", None, "sync", [["sym", str(sync)]]])
        if delay is not None:
            start.append(["call", None, "sleep", [["num", to_number(delay)]]])
        loop = ["call", None, "loop", [], _prepend_cue(name, block)]
        interpreter.spawn_thread(name, [*start, loop], scope, False)
    else:
        interpreter.spawn_thread(name, block, scope, True)


def _prepend_cue(cue_name: str, block: Any) -> Any:
    if not isinstance(block, list):
        return block
    return ["block", block[1], ["seq", ["call", None, "cue", [["sym", cue_name]]], block[2]]]


@register_builtin("in_thread")
def _start_thread(interpreter: ProgramInterpreter, args: list, options: dict, block: Any, scope: dict) -> None:
    if isinstance(block, list):
        delay = []
        if "delay" in options:
            delay.append(["call", None, "sleep", [["num", to_number(options["delay"])]]])
        name = str(options.get("name") or f"{interpreter.current_thread.name}/{len(interpreter.started_threads)}")
        interpreter.spawn_thread(name, ["seq", *delay, block[2]], scope, False)


@register_builtin("loop")
def _run_loop(interpreter: ProgramInterpreter, args: list, options: dict, block: Any, scope: dict) -> None:
    try:
        for _ in interpreter.limit_iterations(range(10**6)):
            began = interpreter.current_thread.current_seconds
            interpreter.run_block(block, [], scope)
            if interpreter.current_thread.current_seconds <= began:
                return
    except ControlFlowSignal as leaves:
        if leaves.keyword != "break":
            raise


@register_builtin("at", "time_warp")
def _run_at_times(interpreter: ProgramInterpreter, args: list, options: dict, block: Any, scope: dict) -> None:
    times = args[0] if args and isinstance(args[0], list) else args[:1]
    began = interpreter.current_thread.current_seconds
    for place, when in enumerate(times or [0]):
        interpreter.current_thread.current_seconds = began + interpreter.beats_to_seconds(to_number(when))
        more = args[1] if len(args) > 1 and isinstance(args[1], list) and args[1] else [when]
        try:
            interpreter.run_block(block, [more[place % len(more)]], scope)
        except ThreadEnded:
            pass
    interpreter.current_thread.current_seconds = began


@register_builtin("density")
def _run_with_density(interpreter: ProgramInterpreter, args: list, options: dict, block: Any, scope: dict) -> None:
    times = max(1, min(int(to_number(args[0], 1)) if args else 1, 64))
    with _RestoredSettings(interpreter):
        interpreter.current_thread.settings = replace(
            interpreter.current_thread.settings, density=interpreter.current_thread.settings.density * times
        )
        for turn in range(times):
            interpreter.run_block(block, [turn], scope)


# -- settings ---------------------------------------------------------------------------------


class _RestoredSettings:
    """Puts a thread's setting back at the end."""

    def __init__(self, interpreter: ProgramInterpreter):
        self.thread = interpreter.current_thread

    def __enter__(self) -> None:
        self.saved_settings = self.thread.settings

    def __exit__(self, *_: Any) -> None:
        self.thread.settings = self.saved_settings


def _register_setting(update_settings: Callable, *names: str) -> None:
    """Make the words use_NAME and with_NAME of a change of the setting."""

    def apply_setting(interpreter: ProgramInterpreter, args: list, options: dict, block: Any, scope: dict) -> None:
        interpreter.current_thread.settings = update_settings(interpreter, interpreter.current_thread.settings, args, options)

    def run_with_setting(interpreter: ProgramInterpreter, args: list, options: dict, block: Any, scope: dict) -> Any:
        with _RestoredSettings(interpreter):
            apply_setting(interpreter, args, options, block, scope)
            return interpreter.run_block(block, [], scope)

    for name in names:
        BUILTINS[f"use_{name}"], BUILTINS[f"with_{name}"] = apply_setting, run_with_setting


def _clamp_bpm(bpm: float) -> float:
    return min(max(bpm, 1.0), 2000.0)


_register_setting(lambda p, s, g, o: replace(s, synth=str(g[0]) if g else s.synth), "synth")
_register_setting(lambda p, s, g, o: replace(s, bpm=_clamp_bpm(get_first_number(g, 60))), "bpm")
_register_setting(lambda p, s, g, o: replace(s, bpm=_clamp_bpm(s.bpm * get_first_number(g, 1))), "bpm_mul")
_register_setting(lambda p, s, g, o: replace(s, transpose=get_first_number(g)), "transpose")
_register_setting(lambda p, s, g, o: replace(s, transpose=s.transpose + 12 * get_first_number(g)), "octave")
_register_setting(lambda p, s, g, o: replace(s, synth_defaults=dict(o)), "synth_defaults")
_register_setting(lambda p, s, g, o: replace(s, sample_defaults=dict(o)), "sample_defaults")
_register_setting(
    lambda p, s, g, o: replace(s, synth_defaults={**s.synth_defaults, **o}), "merged_synth_defaults"
)
_register_setting(
    lambda p, s, g, o: replace(s, sample_defaults={**s.sample_defaults, **o}),
    "merged_sample_defaults",
)
_register_setting(
    lambda p, s, g, o: replace(
        s,
        bpm=_clamp_bpm(
            60
            * to_number(o.get("num_beats", 1), 1)
            / load_sonic_pi_inventory()["samples"].get(str(g[0]) if g else "", 1.0)
        ),
    ),
    "sample_bpm",
)


def _seed_rng(interpreter: ProgramInterpreter, settings: Any, args: list, options: dict) -> Any:
    interpreter.current_thread.rng.seed(int(get_first_number(args)))
    return settings


_register_setting(_seed_rng, "random_seed")
_register_setting(
    lambda p, s, g, o: s,
    "debug",
    "tuning",
    "cue_logging",
    "arg_checks",
    "random_source",
    "timing_guarantees",
    "real_time",
    "sched_ahead_time",
    "cent_tuning",
)


@register_builtin("with_fx")
def _run_with_fx(interpreter: ProgramInterpreter, args: list, options: dict, block: Any, scope: dict) -> Any:
    name = str(args[0]) if args else "none"
    reps = max(1, min(int(to_number(options.get("reps", 1), 1)), 512))
    setting = interpreter.current_thread.settings
    made = resolve_options(interpreter, {k: v for k, v in options.items() if k != "reps"}, {})
    found = None
    with _RestoredSettings(interpreter):
        fx = setting.fx if name == "none" else ((name, made), *setting.fx)[:16]
        interpreter.current_thread.settings = replace(setting, fx=fx)
        for _ in range(reps):
            found = interpreter.run_block(block, [values.UNKNOWN], scope)
    return found


@register_builtin("define", "ndefine", "defonce")
def _define_function(interpreter: ProgramInterpreter, args: list, options: dict, block: Any, scope: dict) -> None:
    if args and isinstance(block, list) and len(interpreter.functions) < 256:
        interpreter.functions[str(args[0])] = (block, scope)


# -- the rest ------------------------------------------------------------------------------------


def _ignore_call(*_: Any) -> None:
    return None


@register_builtin("current_bpm")
def _get_current_bpm(interpreter: ProgramInterpreter, *_: Any) -> float:
    return interpreter.current_thread.settings.bpm


@register_builtin("lambda", "proc")
def _create_lambda(interpreter: ProgramInterpreter, args: list, options: dict, block: Any, scope: dict) -> Any:
    return (block, scope)


for _name in (
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
    "rand_reset",
):
    BUILTINS[_name] = _ignore_call


@register_builtin("uncomment")
def _run_uncommented_block(interpreter: ProgramInterpreter, args: list, options: dict, block: Any, scope: dict) -> Any:
    return interpreter.run_block(block, [], scope)
