"""Functions of Ruby's Kernel: conversions, errors, jumps and method objects."""

from __future__ import annotations

from typing import Any

from core.sonicpi.interpreter.builtins_registry import BuiltinCall, register_builtin_function
from core.sonicpi.interpreter.control_flow_signals import (
    ControlFlowSignal,
    raise_program_error,
)
from core.sonicpi.interpreter.missing_names import format_ruby_value
from core.sonicpi.interpreter.program_classes_and_objects import ProgramClass
from core.sonicpi.interpreter.program_interpreter import ProgramInterpreter
from core.sonicpi.interpreter.string_methods import NUMBER_PREFIX, parse_leading_float
from core.sonicpi.interpreter.values import MAX_STRING_CHARS, UNKNOWN, Symbol, UnknownValue

MAX_FORMAT_WIDTH_CHARS = 64
# Functions that run code which is not in the program, or not followed.
UNFOLLOWED_FUNCTIONS = (
    "run_file",
    "run_code",
    "run_buffer",
    "run_example",
    "load_example",
    "load_buffer",
    "eval_file",
    "eval",
    "instance_eval",
    "class_eval",
    "binding",
    "load",
    "require",
    "require_relative",
    "define_method",
    "live_audio",
    "include",
    "extend",
    "super",
)


@register_builtin_function(*UNFOLLOWED_FUNCTIONS)
def _record_unfollowed_function(interpreter: ProgramInterpreter, call: BuiltinCall) -> Any:
    interpreter.record_unfollowed_code("code outside the program")
    return UNKNOWN if call.block is None else interpreter.run_block(call.block, [], call.scope)


@register_builtin_function("exit", "exit!", "abort")
def _exit_program(_interpreter: ProgramInterpreter, _call: BuiltinCall) -> None:
    raise_program_error("the program exits", error_class="SystemExit")


@register_builtin_function("raise", "fail")
def _raise_error(_interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    value = call.args[-1] if call.args else None
    error_class = _get_name_of_class(call.args[0]) if call.args else None
    shown = error_class if error_class == value or isinstance(value, ProgramClass) else value
    text = shown if shown is error_class else format_ruby_value(shown)
    message = None if shown is error_class else value
    raise_program_error(f"the program raises {text}", message, error_class or "RuntimeError")


def _get_name_of_class(value: Any) -> str | None:
    """Return the name of a class; None for another value."""
    if isinstance(value, ProgramClass):
        return value.name
    return str(value) if isinstance(value, Symbol) and value[:1].isupper() else None


@register_builtin_function("catch")
def _run_until_throw(interpreter: ProgramInterpreter, call: BuiltinCall) -> Any:
    try:
        return interpreter.run_block(call.block, call.args[:1], call.scope)
    except ControlFlowSignal as signal:
        if signal.keyword != "throw" or signal.tag != (call.args[0] if call.args else None):
            raise
        return signal.value


@register_builtin_function("throw")
def _throw_tag(_interpreter: ProgramInterpreter, call: BuiltinCall) -> None:
    tag, value = [*call.args, None, None][:2]
    raise ControlFlowSignal("throw", value, tag)


@register_builtin_function("Integer", "Float")
def _convert_to_number(_interpreter: ProgramInterpreter, call: BuiltinCall) -> Any:
    value = call.args[0] if call.args else None
    if isinstance(value, (int, float, UnknownValue)):
        return value
    if not isinstance(value, str) or not NUMBER_PREFIX.fullmatch(value.strip()):
        raise_program_error(
            f"{format_ruby_value(value)} is no number", "invalid value", "ArgumentError"
        )
    number = parse_leading_float(value.strip())
    return int(number) if number.is_integer() and "." not in value else number


@register_builtin_function("Array")
def _convert_to_list(_interpreter: ProgramInterpreter, call: BuiltinCall) -> list[Any]:
    value = call.args[0] if call.args else None
    return value if isinstance(value, list) else [] if value is None else [value]


@register_builtin_function("String")
def _convert_to_string(_interpreter: ProgramInterpreter, call: BuiltinCall) -> str:
    return str(call.args[0])[:MAX_STRING_CHARS] if call.args else ""


@register_builtin_function("Rational", "Complex")
def _divide_numbers(_interpreter: ProgramInterpreter, call: BuiltinCall) -> Any:
    numbers = [arg for arg in call.args if isinstance(arg, (int, float))]
    if len(numbers) == 2 and numbers[1]:
        return numbers[0] / numbers[1]
    return numbers[0] if numbers else UNKNOWN


@register_builtin_function("format", "sprintf")
def _evaluate_format_call(_interpreter: ProgramInterpreter, call: BuiltinCall) -> Any:
    if not call.args or not isinstance(call.args[0], str):
        return UNKNOWN
    if any(char.isdigit() for char in call.args[0]) and len(call.args[0]) > MAX_FORMAT_WIDTH_CHARS:
        return UNKNOWN
    return UNKNOWN if len(call.args) > 1 else str(call.args[0])


@register_builtin_function("method")
def _get_method_object(_interpreter: ProgramInterpreter, call: BuiltinCall) -> Any:
    return (str(call.args[0]), {}) if call.args else UNKNOWN


@register_builtin_function("send", "public_send", "__send__")
def _call_function_by_name(interpreter: ProgramInterpreter, call: BuiltinCall) -> Any:
    if not call.args:
        return UNKNOWN
    if isinstance(call.args[0], UnknownValue):
        interpreter.record_unfollowed_code("a function whose name is unknown")
        return UNKNOWN
    sent_call = BuiltinCall(call.args[1:], call.options, call.block, call.scope)
    return interpreter.call_function(str(call.args[0]), sent_call)


@register_builtin_function("block_given?")
def _is_block_given(_interpreter: ProgramInterpreter, call: BuiltinCall) -> bool:
    return "&" in call.scope and call.scope["&"] is not None


@register_builtin_function("gets", "srand", "caller", "vt", "beat")
def _return_unknown_value(_interpreter: ProgramInterpreter, _call: BuiltinCall) -> Any:
    return UNKNOWN
