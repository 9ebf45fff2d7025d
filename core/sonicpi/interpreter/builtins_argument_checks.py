"""Checks of the arguments of Sonic Pi's functions, which raise the errors that Sonic Pi raises.

They come before the functions of the other `builtins_…` modules. What is only known when the
program runs passes every check.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

from core.sonicpi.interpreter.builtins_registry import BUILTINS, BuiltinCall
from core.sonicpi.interpreter.builtins_samples import is_argument_known
from core.sonicpi.interpreter.control_flow_signals import raise_program_error
from core.sonicpi.interpreter.missing_names import (
    describe_missing_sample,
    describe_suggestions,
    format_ruby_value,
)
from core.sonicpi.interpreter.newer_scales_and_chords import (
    load_newer_chord_offsets,
    load_newer_scale_steps,
)
from core.sonicpi.interpreter.option_value_checks import check_note_name
from core.sonicpi.interpreter.sample_selection import select_sample
from core.sonicpi.interpreter.values import Symbol, UnknownValue
from core.sonicpi.sonic_pi_inventory import load_sonic_pi_inventory

ArgumentCheck = Callable[[str, BuiltinCall], None]
SETTINGS_WITH_BLOCK = (
    "with_synth with_bpm with_bpm_mul with_sample_bpm with_transpose with_octave with_cent_tuning"
    " with_synth_defaults with_merged_synth_defaults with_sample_defaults with_arg_checks"
    " with_merged_sample_defaults with_debug with_tuning with_timing_guarantees with_cue_logging"
    " with_sched_ahead_time with_real_time with_random_seed"
).split()

CLOCK_NAMES = ("link", "midi")
"""Clocks outside of Sonic Pi, which later versions accept in place of a tempo."""


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _check_block(name: str, call: BuiltinCall) -> None:
    if call.block is None:
        raise_program_error(f"{name} needs a block: {name} … do … end")


def _check_positive_number(name: str, call: BuiltinCall) -> None:
    value = call.args[0] if call.args else UnknownValue()
    if isinstance(value, UnknownValue) or (value in CLOCK_NAMES and "bpm" in name):
        return
    if not _is_number(value) or value <= 0:
        raise_program_error(f"{name} needs a positive number, not {format_ruby_value(value)}")


def _check_number(name: str, call: BuiltinCall) -> None:
    value: Any = call.args[0] if call.args else UnknownValue()
    if type(value) in (float, int) and isfinite(value):  # As in most pauses.
        return
    is_valid = isinstance(value, UnknownValue) or (_is_number(value) and isfinite(value))
    if not is_valid:
        raise_program_error(f"{name} needs a number, not {format_ruby_value(value)}")


def _check_note_list(name: str, call: BuiltinCall) -> None:
    value = call.args[0] if call.args else []
    if value is None or _is_number(value) or isinstance(value, str):
        raise_program_error(f"{name} needs a list of notes, not {format_ruby_value(value)}")


def _check_synth_name(name: str, call: BuiltinCall) -> None:
    if call.options:
        raise_program_error(f"{name} takes no options; {name}_defaults does")
    value = call.args[0] if call.args else None
    if isinstance(value, str) and not isinstance(value, Symbol):
        text = format_ruby_value(value)
        raise_program_error(f"{name} needs a symbol such as :saw, not {text}")


def _check_sample_name(_name: str, call: BuiltinCall) -> None:
    args = [arg for arg in call.args if not isinstance(arg, dict)]
    if (
        is_argument_known(args)
        and select_sample(args, lambda _value, _args: UnknownValue()) is None
    ):
        raise_program_error(describe_missing_sample(args))


def _check_fx_block(_name: str, call: BuiltinCall) -> None:
    parameters = call.block[1] if isinstance(call.block, list) and call.block else None
    if parameters and len(parameters) > 1:
        raise_program_error("the block of with_fx takes at most one parameter")


def _check_loop_name(name: str, call: BuiltinCall) -> None:
    if not call.args:
        raise_program_error(f"{name} needs a name: {name} :foo do … end")
    _check_block(name, call)


def _check_pairs(name: str, call: BuiltinCall) -> None:
    if len(call.args) % 2:
        raise_program_error(f"{name} needs values and counts in pairs")


def _check_scale_name(_name: str, call: BuiltinCall) -> None:
    _check_tonic_and_name(call, "scale", _get_inventory_names("scales") | load_newer_scale_steps())


def _check_chord_name(_name: str, call: BuiltinCall) -> None:
    _check_tonic_and_name(
        call, "chord", _get_inventory_names("chords") | load_newer_chord_offsets()
    )


def _get_inventory_names(kind: str) -> dict[str, Any]:
    names: dict[str, Any] = load_sonic_pi_inventory()[kind]
    return names


def _check_tonic_and_name(call: BuiltinCall, kind: str, known: dict[str, Any]) -> None:
    if len(call.args) < 2:
        return
    tonic, name = call.args[:2]
    if isinstance(name, str) and str(name) not in known:
        suggestions = describe_suggestions(str(name), known, ":")
        raise_program_error(f"there is no {kind} :{name}{suggestions}")
    check_note_name(tonic)


def _add_check_before(name: str, check: ArgumentCheck) -> None:
    builtin = BUILTINS[name]

    def call_checked_builtin(interpreter: Any, call: BuiltinCall) -> Any:
        check(name, call)
        return builtin(interpreter, call)

    BUILTINS[name] = call_checked_builtin


def _add_all_checks() -> None:
    """Put each check before its function."""
    checks: dict[ArgumentCheck, tuple[str, ...]] = {
        _check_block: (
            *(name for name in SETTINGS_WITH_BLOCK if name in BUILTINS),
            "with_fx",
            "at",
            "density",
            "time_warp",
            "loop",
            "define",
            "defonce",
            "uncomment",
        ),
        _check_positive_number: ("use_bpm", "with_bpm", "use_bpm_mul", "with_bpm_mul", "density"),
        _check_number: (
            "use_transpose",
            "with_transpose",
            "use_octave",
            "with_octave",
            "use_cent_tuning",
            "with_cent_tuning",
            "sleep",
        ),
        _check_synth_name: ("use_synth", "with_synth"),
        _check_sample_name: (
            "load_sample",
            "sample_duration",
            "sample_info",
            "sample_buffer",
            "use_sample_bpm",
            "with_sample_bpm",
        ),
        _check_note_list: ("play_chord",),
        _check_fx_block: ("with_fx",),
        _check_loop_name: ("live_loop",),
        _check_pairs: ("knit", "stretch"),
        _check_scale_name: ("scale",),
        _check_chord_name: ("chord",),
    }
    for check, names in checks.items():
        for name in names:
            _add_check_before(name, check)


_add_all_checks()
