"""Built-in functions of Sonic Pi that define functions, and those without effect on the score."""

from __future__ import annotations

from typing import Any

from core.sonicpi.interpreter.builtins_registry import BuiltinCall, register_builtin_function
from core.sonicpi.interpreter.program_interpreter import ProgramInterpreter
from core.sonicpi.interpreter.syntax_tree_types import Block, Scope
from core.sonicpi.interpreter.values import UNKNOWN, UnknownValue

MAX_FUNCTIONS = 256
# Functions without an effect on the score.
IGNORED_FUNCTIONS = (
    "puts",
    "print",
    "comment",
    "p",
    "rest",
    "assert",
    "assert_equal",
    "assert_error",
    "assert_not",
    "assert_not_equal",
    "assert_similar",
    "osc",
    "osc_send",
    "use_osc",
    "use_osc_logging",
    "midi",
    "midi_all_notes_off",
    "midi_cc",
    "midi_channel_pressure",
    "midi_clock_beat",
    "midi_clock_tick",
    "midi_continue",
    "midi_local_control_off",
    "midi_local_control_on",
    "midi_mode",
    "midi_note_off",
    "midi_note_on",
    "midi_pc",
    "midi_pitch_bend",
    "midi_poly_pressure",
    "midi_raw",
    "midi_reset",
    "midi_sound_off",
    "midi_start",
    "midi_stop",
    "midi_sysex",
    "use_merged_midi_defaults",
    "use_midi_defaults",
    "use_midi_logging",
    "recording_delete",
    "recording_save",
    "recording_start",
    "recording_stop",
    "sample_free",
    "sample_free_all",
    "set_recording_bit_depth!",
    "spark",
    "spark_graph",
)
# Functions whose value is only known when the program runs.
FUNCTIONS_OF_THE_RUN = (
    "all_sample_names",
    "block_duration",
    "current_time",
    "map",
    "note_info",
    "sample_groups",
    "sample_loaded?",
    "sample_paths",
    "scsynth_info",
    "status",
    "version",
)
# Functions that change only what leaves by MIDI or OSC while their block runs.
IGNORED_FUNCTIONS_WITH_BLOCK = (
    "with_merged_midi_defaults",
    "with_midi_defaults",
    "with_midi_logging",
    "with_osc",
    "with_osc_logging",
)


@register_builtin_function("define", "ndefine", "defonce")
def _define_function(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    has_name_and_block = call.args and isinstance(call.block, list)
    if has_name_and_block and len(interpreter.functions) < MAX_FUNCTIONS:
        interpreter.functions[str(call.args[0])] = (call.block, call.scope)


@register_builtin_function("lambda", "proc")
def _create_lambda(_interpreter: ProgramInterpreter, call: BuiltinCall) -> tuple[Block, Scope]:
    return (call.block, call.scope)


@register_builtin_function("uncomment", *IGNORED_FUNCTIONS_WITH_BLOCK)
def _run_uncommented_block(interpreter: ProgramInterpreter, call: BuiltinCall) -> Any:
    return interpreter.run_block(call.block, [], call.scope)


@register_builtin_function("on")
def _run_block_on_condition(interpreter: ProgramInterpreter, call: BuiltinCall) -> Any:
    condition = call.args[0] if call.args else None
    if isinstance(condition, tuple):
        condition = interpreter.call_lambda_method_or_block(condition, [])
    if condition is None or condition is False or condition == 0:
        return None
    return interpreter.run_block(call.block, [], call.scope)


@register_builtin_function(*IGNORED_FUNCTIONS)
def _ignore_call(_interpreter: ProgramInterpreter, _call: BuiltinCall) -> None:
    return None


@register_builtin_function(*FUNCTIONS_OF_THE_RUN)
def _return_unknown_value(_interpreter: ProgramInterpreter, _call: BuiltinCall) -> UnknownValue:
    return UNKNOWN
