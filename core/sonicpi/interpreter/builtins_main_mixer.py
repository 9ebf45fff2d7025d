"""Built-in functions of Sonic Pi that change the main mixer, through which all sound passes."""

from __future__ import annotations

import math
from typing import Any

from core.sonicpi.interpreter.builtins_registry import BuiltinCall, register_builtin_function
from core.sonicpi.interpreter.program_interpreter import ProgramInterpreter
from core.sonicpi.interpreter.sched_ahead_times_and_clip_start import DEFAULT_LEAD_SECONDS
from core.sonicpi.interpreter.values import to_number_or_default
from core.sonicpi.main_mixer import DEFAULT_MIXER_OPTIONS, MAX_VOLUME
from core.sonicpi.sound_options_and_control_changes import OptionChange


def _is_true(value: Any) -> bool:
    """Return whether a value is true in Ruby, where 0 is."""
    return value is not None and value is not False


def _change_mixer(
    interpreter: ProgramInterpreter, values: dict[str, float], *, is_immediate: bool
) -> None:
    """Record new values; immediate ones come ahead of sounds of the same time by their lead."""
    thread = interpreter.current_thread
    if is_immediate:
        seconds = thread.now_seconds - DEFAULT_LEAD_SECONDS
    else:
        seconds = interpreter.clip_start.compute_audible_time_of_change(
            thread.current_seconds, thread.now_seconds, thread.settings.lead_seconds
        )
    if values:
        interpreter.mixer_options.add_change(OptionChange(seconds, values))


@register_builtin_function("set_volume!")
def _set_volume(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    volume = to_number_or_default(call.args[0], math.nan) if call.args else math.nan
    if not math.isnan(volume):
        is_immediate = len(call.args) > 1 and _is_true(call.args[1])
        values = {"pre_amp": min(max(volume, 0.0), MAX_VOLUME)}
        _change_mixer(interpreter, values, is_immediate=is_immediate)


@register_builtin_function("current_volume")
def _get_volume(interpreter: ProgramInterpreter, _call: BuiltinCall) -> float:
    volumes = [
        change.values["pre_amp"]
        for change in interpreter.mixer_options.changes
        if set(change.values) == {"pre_amp"}
    ]
    return volumes[-1] if volumes else 1.0


@register_builtin_function("set_mixer_control!")
def _set_mixer_options(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    options = dict(call.options)
    if call.args and isinstance(call.args[0], dict):
        options = {**call.args[0], **options}
    values = {
        name: to_number_or_default(value, math.nan)
        for name, value in options.items()
        if name in DEFAULT_MIXER_OPTIONS
    }
    known_values = {name: value for name, value in values.items() if not math.isnan(value)}
    # Sonic Pi takes `now: 0`, its default, for true.
    _change_mixer(interpreter, known_values, is_immediate=True)


@register_builtin_function("reset_mixer!")
def _reset_mixer(interpreter: ProgramInterpreter, _call: BuiltinCall) -> None:
    _change_mixer(interpreter, dict(DEFAULT_MIXER_OPTIONS), is_immediate=True)


@register_builtin_function("set_mixer_mono_mode!")
def _mix_channels(interpreter: ProgramInterpreter, _call: BuiltinCall) -> None:
    _change_mixer(interpreter, {"force_mono": 1.0}, is_immediate=True)


@register_builtin_function("set_mixer_stereo_mode!")
def _separate_channels(interpreter: ProgramInterpreter, _call: BuiltinCall) -> None:
    _change_mixer(interpreter, {"force_mono": 0.0}, is_immediate=True)


@register_builtin_function("set_mixer_invert_stereo!", "set_mixer_standard_stereo!")
def _exchange_channels(_interpreter: ProgramInterpreter, _call: BuiltinCall) -> None:
    """Leave the mixer as it is: exchanged channels have the same level and width."""
