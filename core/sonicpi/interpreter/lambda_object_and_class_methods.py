"""Methods of lambdas, objects, classes and constants of interpreted programs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from core.sonicpi.interpreter.builtins_registry import BuiltinCall
from core.sonicpi.interpreter.control_flow_signals import raise_program_error
from core.sonicpi.interpreter.hash_methods import HashWithDefault
from core.sonicpi.interpreter.list_and_number_methods import call_value_method
from core.sonicpi.interpreter.missing_names import is_constant_defined, is_method_defined
from core.sonicpi.interpreter.program_classes_and_objects import ProgramClass, ProgramObject
from core.sonicpi.interpreter.syntax_tree_types import BlockScope, declare_variable
from core.sonicpi.interpreter.values import (
    MAX_LIST_LENGTH,
    UNKNOWN,
    Symbol,
    to_number_or_default,
)

LAMBDA_CALLS = ("call", "()", "[]", "yield", "===")
SENDING_METHODS = ("send", "public_send", "__send__")
NAMES = ("then", "tap", "yield_self", "instance_exec", "method", *SENDING_METHODS)
ATTRIBUTE_DECLARATIONS = ("attr_reader", "attr_accessor", "attr_writer")
MATH_FUNCTIONS: dict[str, Callable[[float], float]] = {
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "atan": math.atan,
    "sqrt": math.sqrt,
    "cbrt": lambda number: math.copysign(abs(number) ** (1 / 3), number),
    "log": math.log,
    "log2": math.log2,
    "log10": math.log10,
    "exp": math.exp,
}
CONSTANTS: dict[str, float] = {"PI": math.pi, "E": math.e, "INFINITY": float("inf")}

# The first parameter of these functions is the SyntaxTreeEvaluator. Its type is Any here, because
# the evaluator's module imports this one.


def call_object_method(evaluator: Any, receiver: Any, name: str, call: BuiltinCall) -> Any:
    """Call a method of a lambda, object or class, or one that every value has."""
    if name in SENDING_METHODS and call.args:
        sent_call = replace(call, args=call.args[1:])
        return evaluator.call_method(receiver, str(call.args[0]), sent_call)
    if name in ("then", "tap", "yield_self") and call.block is not None:
        value = evaluator.run_block(call.block, [receiver], call.scope)
        return receiver if name == "tap" else value
    if isinstance(receiver, tuple):
        if name in LAMBDA_CALLS:
            args = [*call.args, call.options] if call.options else call.args
            return evaluator.call_lambda_method_or_block(receiver, args)
        return receiver if name in ("to_proc", "curry", "lambda?", "freeze") else UNKNOWN
    if isinstance(receiver, ProgramClass):
        return _call_class_method(evaluator, receiver, name, call)
    if isinstance(receiver, ProgramObject):
        return _call_instance_method(evaluator, receiver, name, call)
    return UNKNOWN


def _call_class_method(
    evaluator: Any, program_class: ProgramClass, name: str, call: BuiltinCall
) -> Any:
    if name == "new":
        return _create_object(evaluator, program_class, call)
    function = program_class.find_method_of_class(name)
    if function is None:
        return UNKNOWN
    return evaluator.call_program_function(function, call, {})


def _create_object(evaluator: Any, program_class: ProgramClass, call: BuiltinCall) -> ProgramObject:
    instance = ProgramObject(program_class)
    declare_variable(instance.scope, "&object", instance)
    parent: ProgramClass | None = program_class
    while parent is not None and not parent.fields:
        parent = parent.parent
    fields = parent.fields if parent else []
    for field, value in zip(fields, call.args):
        instance.set_instance_variable(field, value)
    for field, value in call.options.items():
        instance.set_instance_variable(field, value)
    if (initialize := program_class.find_method_of_class("initialize")) is not None:
        evaluator.call_program_function(initialize, call, instance.scope)
    return instance


def _call_instance_method(
    evaluator: Any, instance: ProgramObject, name: str, call: BuiltinCall
) -> Any:
    function = instance.program_class.find_method_of_class(name)
    if function is not None:
        return evaluator.call_program_function(function, call, instance.scope)
    if name in ("[]", "dig", "fetch") and call.args:
        key = call.args[0]
        fields = instance.program_class.fields
        if isinstance(key, int) and -len(fields) <= key < len(fields):
            return instance.get_instance_variable(fields[key])
        return instance.get_instance_variable(str(key))
    if name in ("to_a", "to_h", "values"):
        values = {
            field: instance.get_instance_variable(field) for field in instance.program_class.fields
        }
        return values if name == "to_h" else list(values.values())
    attribute = name.removesuffix("?").removesuffix("=")
    if instance.has_instance_variable(attribute) or attribute in instance.program_class.fields:
        return instance.get_instance_variable(attribute)
    evaluator.record_unfollowed_code(f"the method {name} of an object")
    return UNKNOWN


def call_class_body_function(
    evaluator: Any, program_class: ProgramClass, name: str, call: BuiltinCall
) -> Any:
    """Call a function in the body of a class, such as `attr_reader`."""
    if name in ATTRIBUTE_DECLARATIONS:
        program_class.attributes.update(map(str, call.args))
    return UNKNOWN if call.block is None else evaluator.run_block(call.block, [], call.scope)


def call_constant_method(evaluator: Any, name: Symbol, method: str, call: BuiltinCall) -> Any:
    """Call a method of a constant that the program does not define, such as `Struct.new`."""
    if method == "new":
        return _construct_builtin_object(evaluator, str(name), call)
    if name == "Math" and method in MATH_FUNCTIONS:
        try:
            return MATH_FUNCTIONS[method](call.get_first_argument_number())
        except (ArithmeticError, ValueError):
            return UNKNOWN
    if name == "Math" and method in ("pow", "hypot") and len(call.args) == 2:
        return math.hypot(*map(to_number_or_default, call.args)) if method == "hypot" else UNKNOWN
    if name in ("Kernel", "Object", "Random") and method in evaluator.builtins:
        return evaluator.call_function(method, call)
    if name == "Hash" and method == "[]":
        return (
            evaluator.call_method(call.args[0], "to_h", replace(call, args=[])) if call.args else {}
        )
    if call.block is not None:
        evaluator.record_unfollowed_code(f"the method {name}.{method}")
    value = call_value_method(name, method, call.args, evaluator.current_thread.random)
    is_symbol = is_method_defined(evaluator, name, method)
    if value is UNKNOWN and not (is_symbol or is_constant_defined(str(name))):
        raise_program_error(f"{name} is not defined")
    return value


def _construct_builtin_object(evaluator: Any, name: str, call: BuiltinCall) -> Any:
    if name in ("Struct", "Class", "Module", "OpenStruct"):
        fields = [str(arg) for arg in call.args if isinstance(arg, str)]
        program_class = ProgramClass(name, fields=fields)
        if name == "OpenStruct":
            return _create_object(evaluator, program_class, call)
        if isinstance(call.block, list):
            body_scope = BlockScope(call.scope)
            declare_variable(body_scope, "&class", program_class)
            evaluator.evaluate_syntax_tree_node(call.block[2], body_scope)
        return program_class
    if name == "Array":
        count = max(0, min(int(call.get_first_argument_number()), MAX_LIST_LENGTH))
        if call.args and isinstance(call.args[0], list):
            return list(call.args[0])
        if call.block is not None:
            return [evaluator.run_block(call.block, [i], call.scope) for i in range(count)]
        return [call.args[1] if len(call.args) > 1 else None] * count
    if name == "Hash":
        created = HashWithDefault()
        created.default = call.args[0] if call.args else None
        created.default_block = None if call.block is None else (call.block, call.scope)
        return created
    if name in ("Set", "String"):
        return call.args[0] if call.args else [] if name == "Set" else ""
    if name == "Proc" and isinstance(call.block, list):
        return (call.block, call.scope)
    return UNKNOWN
