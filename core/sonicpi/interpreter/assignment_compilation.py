"""Compilation of assignments: `=`, `+=` and its kind, and several targets at once."""

from __future__ import annotations

from typing import Any

from core.sonicpi.interpreter.compiled_node_functions_and_step_limit import (
    NodeCompiler,
    NodeEvaluation,
    end_thread_at_step_limit,
)
from core.sonicpi.interpreter.operators import apply_ruby_operator
from core.sonicpi.interpreter.program_classes_and_objects import ProgramObject
from core.sonicpi.interpreter.syntax_tree_types import Node, Scope
from core.sonicpi.interpreter.values import (
    MAX_LIST_LENGTH,
    convert_to_dict_key,
    to_number_or_default,
)

MAX_CONSTANTS = 1024

# The first parameter of these functions is the SyntaxTreeEvaluator. Its type is Any here, because
# the evaluator's module imports this one.


def compile_assignment(compiler: NodeCompiler, node: list[Any]) -> NodeEvaluation:
    """Compile `target = value`."""
    target, evaluate_value = node[1], compiler.compile_node(node[2])

    def evaluate_assignment(evaluator: Any, scope: Scope) -> Any:
        evaluator.steps_left -= 1
        if evaluator.steps_left <= 0:
            end_thread_at_step_limit(evaluator, 1)
        value = evaluate_value(evaluator, scope)
        assign_target(evaluator, target, value, scope)
        return value

    return evaluate_assignment


def compile_operator_assignment(compiler: NodeCompiler, node: list[Any]) -> NodeEvaluation:
    """Compile `target += value` and its kind."""
    _, target, operator, value_node = node[:4]
    evaluate_target = compiler.compile_node(target)
    evaluate_value = compiler.compile_node(value_node)

    def evaluate_operator_assignment(evaluator: Any, scope: Scope) -> Any:
        evaluator.steps_left -= 1
        if evaluator.steps_left <= 0:
            end_thread_at_step_limit(evaluator, 1)
        before = evaluate_target(evaluator, scope)
        if operator in ("||", "&&"):
            is_unchanged = bool(before) == (operator == "||")
            value = before if is_unchanged else evaluate_value(evaluator, scope)
        else:
            value = apply_ruby_operator(operator, before, evaluate_value(evaluator, scope))
        assign_target(evaluator, target, value, scope)
        return value

    return evaluate_operator_assignment


def compile_multiple_assignment(compiler: NodeCompiler, node: list[Any]) -> NodeEvaluation:
    """Compile `a, b = values`."""
    targets, evaluate_values = node[1], compiler.compile_node(node[2])

    def evaluate_multiple_assignment(evaluator: Any, scope: Scope) -> list[Any]:
        evaluator.steps_left -= 1
        if evaluator.steps_left <= 0:
            end_thread_at_step_limit(evaluator, 1)
        values = evaluate_values(evaluator, scope)
        values = values if isinstance(values, list) else [values]
        assign_targets(evaluator, targets, values, scope)
        return values

    return evaluate_multiple_assignment


def assign_targets(evaluator: Any, targets: list[Any], values: list[Any], scope: Scope) -> None:
    """Assign one value to each target; a target ["rest", target] takes those between."""
    rest_index = next((i for i, target in enumerate(targets) if target and target[0] == "rest"), -1)
    if rest_index >= 0:
        rest_end = max(rest_index, len(values) - (len(targets) - rest_index - 1))
        rest = values[rest_index:rest_end]
        values = [*values[:rest_index], rest, *values[rest_end:]]
    for index, target in enumerate(targets):
        value = values[index] if index < len(values) else None
        assign_target(evaluator, target, value, scope)


def assign_target(evaluator: Any, target: Node, value: Any, scope: Scope) -> None:
    """Assign a value to a variable, an element or an attribute."""
    if not target:
        return
    if target[0] == "var":
        name = target[1]
        is_shared = name[:1].isupper() or name.startswith(("$", "@@"))
        # Outside of classes, all functions of a program share its instance variables.
        is_shared = is_shared or (name.startswith("@") and "&object" not in scope)
        if is_shared and len(evaluator.constants) < MAX_CONSTANTS:
            evaluator.constants[name] = value
        scope[name] = value
    elif target[0] == "rest":
        assign_target(evaluator, target[1], value, scope)
    elif target[0] == "targets":
        elements = value if isinstance(value, list) else [value]
        assign_targets(evaluator, target[1:], elements, scope)
    elif target[0] == "call" and target[1] is not None:
        container = evaluator.evaluate_syntax_tree_node(target[1], scope)
        if target[2] == "[]":
            assign_collection_element(
                container, evaluator.evaluate_call_arguments(target[3], scope)[0], value
            )
        elif isinstance(container, ProgramObject):
            container.set_instance_variable(target[2], value)


def assign_collection_element(container: Any, keys: list[Any], value: Any) -> None:
    """Assign a value to an element of a hash or list."""
    if isinstance(container, ProgramObject) and keys:
        container.set_instance_variable(str(keys[0]), value)
    elif isinstance(container, dict) and keys and len(container) < MAX_LIST_LENGTH:
        container[convert_to_dict_key(keys[0])] = value
    elif isinstance(container, list) and keys:
        index = int(to_number_or_default(keys[0]))
        if len(container) <= index < MAX_LIST_LENGTH:
            container += [None] * (index + 1 - len(container))
        if container:
            container[index % len(container)] = value
