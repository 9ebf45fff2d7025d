"""Evaluation of control statements: if, while, case, begin, and jumps."""

from __future__ import annotations

from typing import Any

from core.sonicpi.interpreter.control_flow_signals import (
    VALUE_ERRORS,
    ControlFlowSignal,
    ThreadEndSignal,
)
from core.sonicpi.interpreter.iterator_methods import MAX_ITERATIONS
from core.sonicpi.interpreter.list_and_number_methods import is_case_match
from core.sonicpi.interpreter.pattern_matching import match_and_bind_pattern
from core.sonicpi.interpreter.syntax_tree_types import Scope
from core.sonicpi.interpreter.values import UNKNOWN, UnknownValue

# The first parameter of these functions is the SyntaxTreeEvaluator. Its type is Any here, because
# the evaluator's module imports this one.


def evaluate_if_statement(evaluator: Any, node: list[Any], scope: Scope) -> Any:
    """Evaluate an `if`, `unless` or `? :`; of an unknown condition, one branch at random."""
    condition = evaluator.evaluate_syntax_tree_node(node[1], scope)
    if isinstance(condition, UnknownValue):
        evaluator.record_unfollowed_code("a condition that is only known when the program runs")
        condition = evaluator.current_thread.guesses.random() < 0.5
    return evaluator.evaluate_syntax_tree_node(node[2] if condition else node[3], scope)


def evaluate_while_loop(evaluator: Any, node: list[Any], scope: Scope) -> None:
    """Evaluate a `while` or `until`."""
    thread = evaluator.current_thread
    start_seconds = thread.current_seconds
    try:
        for _ in range(MAX_ITERATIONS):
            condition = evaluator.evaluate_syntax_tree_node(node[1], scope)
            if isinstance(condition, UnknownValue):
                evaluator.record_unfollowed_code("a loop whose end is only known at run time")
            if not condition:
                return
            evaluator.evaluate_syntax_tree_node(node[2], scope)
    except ControlFlowSignal as signal:
        if signal.keyword == "break":
            return
        if signal.keyword != "next":
            raise
    except ThreadEndSignal:
        is_stuck = thread.steps_left <= 0 and thread.is_clock_unchanged_since(start_seconds)
        if is_stuck and _is_condition_always_true(node[1]):
            evaluator.record_endless_loop()
        raise
    if thread.is_clock_unchanged_since(start_seconds) and _is_condition_always_true(node[1]):
        evaluator.record_endless_loop()
        raise ThreadEndSignal  # Nothing after such a loop runs.
    evaluator.record_unfollowed_code("a loop of many iterations")


def _is_condition_always_true(condition: list[Any] | None) -> bool:
    return condition is not None and (
        condition[0] in ("true", "num") or condition == ["unary", "!", ["false"]]
    )


def evaluate_case_statement(evaluator: Any, node: list[Any], scope: Scope) -> Any:
    """Evaluate a `case … when` or `case … in`."""
    subject = evaluator.evaluate_syntax_tree_node(node[1], scope)
    if isinstance(subject, UnknownValue):
        evaluator.record_unfollowed_code("a case that is only known when the program runs")
    for patterns, body in node[2]:
        if patterns is None or _matches_any_pattern(evaluator, subject, patterns, scope):
            return evaluator.evaluate_syntax_tree_node(body, scope)
    return None


def _matches_any_pattern(evaluator: Any, subject: Any, patterns: list[Any], scope: Scope) -> bool:
    if patterns and patterns[0] and patterns[0][0] in PATTERN_KINDS:
        return match_and_bind_pattern(evaluator, subject, patterns[0], scope)
    values = evaluator.evaluate_call_arguments(patterns, scope)[0]
    return any(is_case_match(value, subject) for value in values)


PATTERN_KINDS = ("bind", "list", "fields", "guard", "both", "either", "equal")


def evaluate_begin_rescue_block(evaluator: Any, node: list[Any], scope: Scope) -> Any:
    """Evaluate a body with `rescue`, `else` and `ensure`."""
    _, body, handlers, else_body, ensure_body = node
    depth = evaluator.current_thread.call_depth
    try:
        try:
            value = evaluator.evaluate_syntax_tree_node(body, scope)
        except (ControlFlowSignal, *VALUE_ERRORS) as error:
            if isinstance(error, ControlFlowSignal) and error.keyword != "raise" or not handlers:
                raise
            evaluator.current_thread.call_depth = depth
            name, handler = handlers[0]
            if name:
                scope[name] = error.value if isinstance(error, ControlFlowSignal) else UNKNOWN
            return evaluator.evaluate_syntax_tree_node(handler, scope)
        return evaluator.evaluate_syntax_tree_node(else_body, scope) if else_body else value
    except ThreadEndSignal:
        ensure_body = None
        raise
    finally:
        if ensure_body:
            evaluator.evaluate_syntax_tree_node(ensure_body, scope)


def evaluate_break_next_or_return(evaluator: Any, node: list[Any], scope: Scope) -> None:
    """Evaluate a `break`, `next` or `return`."""
    values = evaluator.evaluate_call_arguments(node[1:], scope)[0]
    value = values if len(values) > 1 else values[0] if values else None
    raise ControlFlowSignal(node[0], value)


def evaluate_yield_statement(evaluator: Any, node: list[Any], scope: Scope) -> Any:
    """Call the block of the running function."""
    args = evaluator.evaluate_call_arguments(node[1:], scope)[0]
    block = scope["&"] if "&" in scope else None
    return evaluator.call_lambda_method_or_block(block, args) if block is not None else UNKNOWN


def evaluate_defined_check(evaluator: Any, node: list[Any], scope: Scope) -> Any:
    """Evaluate `defined?`: whether a variable or function exists."""
    target = node[1]
    if not target or target[0] not in ("var", "call"):
        return "expression"
    if target[0] == "call" and target[1] is not None:
        return "method"
    name = target[1] if target[0] == "var" else target[2]
    if name in scope or name in evaluator.constants:
        return "local-variable"
    is_function = name in evaluator.functions or name in evaluator.builtins
    return "method" if is_function else None
