"""Built-in functions of Sonic Pi that define functions, and those without effect on the score."""

from __future__ import annotations

from typing import Any

from core.sonicpi.interpreter.builtins_registry import BuiltinCall, register_builtin_function
from core.sonicpi.interpreter.program_interpreter import ProgramInterpreter
from core.sonicpi.interpreter.syntax_tree_types import Block, Scope

MAX_FUNCTIONS = 256
# Functions without an effect on the score.
IGNORED_FUNCTIONS = (
    "puts",
    "print",
    "comment",
    "p",
    "osc",
    "midi",
    "rest",
)


@register_builtin_function("define", "ndefine", "defonce")
def _define_function(interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    has_name_and_block = call.args and isinstance(call.block, list)
    if has_name_and_block and len(interpreter.functions) < MAX_FUNCTIONS:
        interpreter.functions[str(call.args[0])] = (call.block, call.scope)


@register_builtin_function("lambda", "proc")
def _create_lambda(_interpreter: ProgramInterpreter, call: BuiltinCall) -> tuple[Block, Scope]:
    return (call.block, call.scope)


@register_builtin_function("uncomment")
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
