"""Built-in functions of Sonic Pi for settings of a thread: use_X, with_X and with_fx."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.sonicpi.interpreter.builtins_play_and_synth import (
    add_scaled_defaults,
    convert_sound_options,
    name_synth,
)
from core.sonicpi.interpreter.builtins_registry import (
    BUILTINS,
    BuiltinCall,
    register_builtin_function,
)
from core.sonicpi.interpreter.link_tempo import DEFAULT_LINK_BPM
from core.sonicpi.interpreter.missing_names import is_fx_known, raise_for_unknown_fx
from core.sonicpi.interpreter.option_value_checks import check_option_values
from core.sonicpi.interpreter.program_interpreter import ProgramInterpreter
from core.sonicpi.interpreter.program_thread import ProgramThread, SettingsGuard, ThreadSettings
from core.sonicpi.interpreter.sched_ahead_times_and_clip_start import DEFAULT_LEAD_SECONDS
from core.sonicpi.interpreter.values import SoundNode, Symbol, to_number_or_default
from core.sonicpi.score_events import MAX_FX_CHAIN_LENGTH
from core.sonicpi.sonic_pi_inventory import get_builtin_sample_duration
from core.sonicpi.sound_options_and_control_changes import SoundOptions

MAX_FX_REPS = 512
DEFAULT_SYNTH = "beep"
BPM_RANGE = (1.0, 2000.0)
# X of functions use_X and with_X that leave the settings unchanged.
IGNORED_SETTINGS = (
    "debug",
    "tuning",
    "cue_logging",
    "timing_guarantees",
)

SettingsUpdate = Callable[[ProgramThread, BuiltinCall], ThreadSettings]


def _register_thread_setting(update_settings: SettingsUpdate, *names: str) -> None:
    """Register use_NAME and with_NAME for each name.

    Parameters
    ----------
    update_settings : callable
        Returns the new settings of a thread.
    *names : str
        Names of the setting.
    """

    def set_thread_setting(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
        thread = interpreter.current_thread
        thread.settings = update_settings(thread, call)

    def run_block_with_setting(interpreter: ProgramInterpreter, call: BuiltinCall) -> Any:
        with SettingsGuard(interpreter.current_thread):
            set_thread_setting(interpreter, call)
            return interpreter.run_block(call.block, [], call.scope)

    for name in names:
        BUILTINS[f"use_{name}"], BUILTINS[f"with_{name}"] = (
            set_thread_setting,
            run_block_with_setting,
        )


def _set_synth(thread: ProgramThread, call: BuiltinCall) -> ThreadSettings:
    is_named = call.args and call.args[0] is not None
    synth = name_synth(call.args[0]) if is_named else DEFAULT_SYNTH
    return thread.settings.copy_with(synth=synth)


def _clamp_bpm(bpm: float) -> float:
    slowest, fastest = BPM_RANGE
    return min(max(bpm, slowest), fastest)


def _set_bpm(thread: ProgramThread, call: BuiltinCall) -> ThreadSettings:
    if call.args and call.args[0] == "link":
        is_linked = thread.settings.follows_link
        bpm = thread.settings.bpm if is_linked else DEFAULT_LINK_BPM
        return thread.settings.copy_with(bpm=bpm, follows_link=True)
    bpm = _clamp_bpm(call.get_first_argument_number(60))
    return thread.settings.copy_with(bpm=bpm, follows_link=False)


def _multiply_bpm(thread: ProgramThread, call: BuiltinCall) -> ThreadSettings:
    bpm = thread.settings.bpm * call.get_first_argument_number(1)
    return thread.settings.copy_with(bpm=_clamp_bpm(bpm))


def _set_bpm_from_sample(thread: ProgramThread, call: BuiltinCall) -> ThreadSettings:
    beats = to_number_or_default(call.options.get("num_beats", 1), 1)
    sample_seconds = get_builtin_sample_duration(str(call.args[0]) if call.args else "")
    bpm = _clamp_bpm(60 * beats / sample_seconds)
    return thread.settings.copy_with(bpm=bpm, follows_link=False)


def _set_transpose(thread: ProgramThread, call: BuiltinCall) -> ThreadSettings:
    return thread.settings.copy_with(transpose=call.get_first_argument_number())


def _set_cent_tuning(thread: ProgramThread, call: BuiltinCall) -> ThreadSettings:
    return thread.settings.copy_with(cents=call.get_first_argument_number())


def _shift_octave(thread: ProgramThread, call: BuiltinCall) -> ThreadSettings:
    return thread.settings.copy_with(octave_shift=call.get_first_argument_number())


def _set_synth_defaults(thread: ProgramThread, call: BuiltinCall) -> ThreadSettings:
    return thread.settings.copy_with(synth_defaults=dict(call.options))


def _merge_options_into_synth_defaults(thread: ProgramThread, call: BuiltinCall) -> ThreadSettings:
    merged = {**thread.settings.synth_defaults, **call.options}
    return thread.settings.copy_with(synth_defaults=merged)


def _set_sample_defaults(thread: ProgramThread, call: BuiltinCall) -> ThreadSettings:
    return thread.settings.copy_with(sample_defaults=dict(call.options))


def _merge_options_into_sample_defaults(thread: ProgramThread, call: BuiltinCall) -> ThreadSettings:
    merged = {**thread.settings.sample_defaults, **call.options}
    return thread.settings.copy_with(sample_defaults=merged)


def _set_schedule_ahead_time(thread: ProgramThread, call: BuiltinCall) -> ThreadSettings:
    return thread.settings.copy_with(
        lead_seconds=call.get_first_argument_number(DEFAULT_LEAD_SECONDS)
    )


def _set_schedule_ahead_time_to_zero(thread: ProgramThread, _call: BuiltinCall) -> ThreadSettings:
    return thread.settings.copy_with(lead_seconds=0.0)


def _set_option_checks(thread: ProgramThread, call: BuiltinCall) -> ThreadSettings:
    return thread.settings.copy_with(checks_options=_is_first_argument_true(call))


def _allow_unknown_synths(thread: ProgramThread, call: BuiltinCall) -> ThreadSettings:
    return thread.settings.copy_with(allows_unknown_synths=_is_first_argument_true(call))


def _is_first_argument_true(call: BuiltinCall) -> bool:
    return not call.args or call.args[0] not in (None, False)


def _get_unchanged_settings(thread: ProgramThread, _call: BuiltinCall) -> ThreadSettings:
    return thread.settings


_register_thread_setting(_set_synth, "synth")
_register_thread_setting(_set_bpm, "bpm")
_register_thread_setting(_multiply_bpm, "bpm_mul")
_register_thread_setting(_set_bpm_from_sample, "sample_bpm")
_register_thread_setting(_set_transpose, "transpose")
_register_thread_setting(_shift_octave, "octave")
_register_thread_setting(_set_cent_tuning, "cent_tuning")
_register_thread_setting(_set_synth_defaults, "synth_defaults")
_register_thread_setting(_merge_options_into_synth_defaults, "merged_synth_defaults")
_register_thread_setting(_set_sample_defaults, "sample_defaults")
_register_thread_setting(_merge_options_into_sample_defaults, "merged_sample_defaults")
_register_thread_setting(_set_schedule_ahead_time, "sched_ahead_time")
_register_thread_setting(_set_schedule_ahead_time_to_zero, "real_time")
_register_thread_setting(_set_option_checks, "arg_checks")
_register_thread_setting(_allow_unknown_synths, "external_synths")
_register_thread_setting(_get_unchanged_settings, *IGNORED_SETTINGS)


@register_builtin_function("set_sched_ahead_time!")
def _set_schedule_ahead_time_of_program(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    interpreter.clip_start.lead_seconds = call.get_first_argument_number(DEFAULT_LEAD_SECONDS)


@register_builtin_function("set_audio_latency!")
def _set_audio_latency(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    interpreter.clip_start.latency_seconds = call.get_first_argument_number() / 1000


def _takes_parameters(block: Any) -> bool:
    """Return whether a block takes parameters; a lambda or method in its place may take some."""
    return bool(block[1]) if isinstance(block, list) and block else block is not None


@register_builtin_function("with_fx")
def _run_block_with_fx(interpreter: ProgramInterpreter, call: BuiltinCall) -> Any:
    name = name_synth(call.args[0]) if call.args else "none"
    reps = max(1, min(int(to_number_or_default(call.options.get("reps", 1), 1)), MAX_FX_REPS))
    thread = interpreter.current_thread
    settings = thread.settings
    if not is_fx_known(name) and not settings.allows_unknown_synths:
        raise_for_unknown_fx(name)
    options = {k: v for k, v in call.options.items() if k != "reps"}
    fx_options = SoundOptions(convert_sound_options(interpreter, options, {}))
    if settings.checks_options:
        check_option_values(f"fx_{name}", fx_options)
    add_scaled_defaults(interpreter, "fx", name, fx_options)
    fx_options.is_referenced = _takes_parameters(call.block)
    node = SoundNode() if name == "none" else SoundNode((fx_options,))
    value = None
    with SettingsGuard(thread):
        fx_chain = ((name, fx_options), *settings.fx)[:MAX_FX_CHAIN_LENGTH]
        thread.settings = settings.copy_with(fx=settings.fx if name == "none" else fx_chain)
        for _ in range(reps):
            value = interpreter.run_block(call.block, [node], call.scope)
    return value


# -- settings as values -------------------------------------------------------------------------


@register_builtin_function("current_synth")
def _get_synth(interpreter: ProgramInterpreter, _call: BuiltinCall) -> Symbol:
    return Symbol(interpreter.current_thread.settings.synth)


@register_builtin_function("current_octave")
def _get_octave_shift(interpreter: ProgramInterpreter, _call: BuiltinCall) -> float:
    return interpreter.current_thread.settings.octave_shift


@register_builtin_function("current_transpose")
def _get_transposition(interpreter: ProgramInterpreter, _call: BuiltinCall) -> float:
    return interpreter.current_thread.settings.transpose


@register_builtin_function("current_synth_defaults")
def _get_synth_defaults(interpreter: ProgramInterpreter, _call: BuiltinCall) -> dict[str, Any]:
    return dict(interpreter.current_thread.settings.synth_defaults)


@register_builtin_function("current_sample_defaults")
def _get_sample_defaults(interpreter: ProgramInterpreter, _call: BuiltinCall) -> dict[str, Any]:
    return dict(interpreter.current_thread.settings.sample_defaults)


@register_builtin_function("current_beat_duration")
def _get_beat_seconds(interpreter: ProgramInterpreter, _call: BuiltinCall) -> float:
    return interpreter.beats_to_seconds(1)
