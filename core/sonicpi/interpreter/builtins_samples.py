"""Built-in functions of Sonic Pi for samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from core.sonicpi.interpreter.builtins_play_and_synth import (
    convert_sound_options,
    is_sound_disabled_by_options,
)
from core.sonicpi.interpreter.builtins_registry import BuiltinCall, register_builtin_function
from core.sonicpi.interpreter.control_flow_signals import (
    ProgramErrorSignal,
    raise_program_error,
)
from core.sonicpi.interpreter.missing_names import describe_missing_sample, format_ruby_value
from core.sonicpi.interpreter.option_value_checks import PLAYER, check_option_values
from core.sonicpi.interpreter.program_interpreter import ProgramInterpreter
from core.sonicpi.interpreter.sample_selection import select_sample
from core.sonicpi.interpreter.values import UNKNOWN, SoundNode
from core.sonicpi.sonic_pi_inventory import get_builtin_sample_duration


@register_builtin_function("sample")
def _record_sample_event(interpreter: ProgramInterpreter, call: BuiltinCall) -> SoundNode:
    args, options = call.args, call.options
    if args and isinstance(args[-1], dict):
        args, options = args[:-1], {**args[-1], **options}
    if not args and "path" in options:
        args = [options["path"]]
    name = select_sample(args, interpreter.call_lambda_method_or_block)
    if name is None:
        if is_argument_known(args):
            interpreter.record_problem(describe_missing_sample(args), "silent")
        return SoundNode()
    is_loading = _count_sample_loading_thread(interpreter, name)
    if is_sound_disabled_by_options(options):
        return SoundNode()
    sample_defaults = interpreter.current_thread.settings.sample_defaults
    resolved = convert_sound_options(interpreter, options, sample_defaults)
    if not _check_sample_options(interpreter, options, resolved, is_loading):
        return SoundNode()
    _convert_stretch_and_slice(interpreter, resolved, name)
    return interpreter.add_score_events("sample", name, resolved, [None])


def _convert_stretch_and_slice(
    interpreter: ProgramInterpreter, resolved: dict[str, float], name: str
) -> None:
    """Replace `beat_stretch:`, `rpitch:`, `slice:` and `duration:` by what they stand for."""
    keeps_pitch = "pitch_stretch" in resolved and "beat_stretch" not in resolved
    if stretch := resolved.pop("beat_stretch", None) or resolved.pop("pitch_stretch", None):
        stretch_seconds = max(interpreter.beats_to_seconds(abs(stretch)), 0.01)
        stretch_rate = get_builtin_sample_duration(name) / stretch_seconds
        resolved["rate"] = resolved.get("rate", 1.0) * stretch_rate
        if keeps_pitch:
            resolved["pitch"] = resolved.get("pitch", 0.0) - 12 * math.log2(stretch_rate)
    if pitch := resolved.get("rpitch"):
        resolved["rate"] = resolved.get("rate", 1.0) * 2 ** (min(max(pitch, -60), 60) / 12)
    if "slice" in resolved:
        _replace_slice_by_start_and_finish(resolved)
    if (duration := resolved.pop("duration", None)) is not None:
        envelope_seconds = sum(resolved.get(phase, 0.0) for phase in ("attack", "decay", "release"))
        sustain = max(0.0, interpreter.beats_to_seconds(duration) - envelope_seconds)
        resolved.setdefault("sustain", sustain)


def is_argument_known(values: Sequence[Any]) -> bool:
    """Return whether the arguments of `sample` are all names, numbers and lists of them."""
    return bool(values) and all(
        is_argument_known(value)
        if isinstance(value, list)
        else isinstance(value, (str, int, float))
        for value in values
    )


def _check_sample_options(
    interpreter: ProgramInterpreter,
    options: dict[str, Any],
    resolved: dict[str, float],
    is_loading: bool,
) -> bool:
    """Return whether the options are valid; those of a sample that is loading end no thread.

    Raises
    ------
    ProgramErrorSignal
        When they are not, and Sonic Pi does not wait for the sample in a thread of its own.
    """
    try:
        if interpreter.current_thread.settings.checks_options:
            check_option_values(PLAYER, resolved)
        _check_sample_rate_and_stretch(options, resolved)
    except ProgramErrorSignal as error:
        if not is_loading:
            raise
        interpreter.record_problem(error.message, "silent", error.line)
        return False
    return True


def _check_sample_rate_and_stretch(options: dict[str, Any], resolved: dict[str, float]) -> None:
    for name in ("beat_stretch", "pitch_stretch"):
        value = options.get(name)
        is_positive = not isinstance(value, (int, float)) or value > 0
        if not is_positive or isinstance(value, str):
            raise_program_error(
                f"{name}: must be a positive number, not {format_ruby_value(value)}"
            )
    if resolved.get("rate") == 0:
        raise_program_error("the option rate: must not be 0")


def _replace_slice_by_start_and_finish(options: dict[str, float]) -> None:
    """Set the part of the sample that `slice:` of `num_slices:` names; `start:` is within it."""
    count = max(1, round(options.get("num_slices", 16)))
    first = round(options["slice"]) % count / count
    start, finish = options.get("start", 0.0), options.get("finish", 1.0)
    options["start"] = first + start / count
    options["finish"] = min(first + finish / count, 1.0)


def _count_sample_loading_thread(interpreter: ProgramInterpreter, sample_name: str) -> bool:
    """Count the thread in which Sonic Pi plays a sample that it has to load first.

    Return whether there is one.

    A sample that is loaded at the same time is not yet there.
    """
    seconds = interpreter.current_thread.current_seconds
    loading_seconds = interpreter.sample_loading_times.get(sample_name, math.inf)
    if seconds > loading_seconds:
        return False
    interpreter.sample_loading_times[sample_name] = seconds
    interpreter.current_thread.make_path_for_new_thread()
    interpreter.current_thread.random.create_stream_for_new_thread()
    return True


@register_builtin_function("load_sample", "load_samples", "sample_info", "sample_buffer")
def _load_sample(interpreter: ProgramInterpreter, call: BuiltinCall) -> Any:
    if (name := select_sample(call.args, interpreter.call_lambda_method_or_block)) is not None:
        interpreter.sample_loading_times[name] = -math.inf
    return UNKNOWN
