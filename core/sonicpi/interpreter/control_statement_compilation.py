"""Compilation of control statements: if, while, case, begin, and jumps."""

from __future__ import annotations

from typing import Any

from core.sonicpi.interpreter.compiled_node_functions_and_step_limit import (
    NodeCompiler,
    NodeEvaluation,
    end_thread_at_step_limit,
)
from core.sonicpi.interpreter.control_flow_signals import (
    VALUE_ERRORS,
    ControlFlowSignal,
    ThreadEndSignal,
)
from core.sonicpi.interpreter.error_classes import (
    get_value_of_error,
    is_rescued_by_classes,
    list_classes_of_error,
)
from core.sonicpi.interpreter.iterator_methods import MAX_ITERATIONS
from core.sonicpi.interpreter.pattern_matching import match_and_bind_pattern
from core.sonicpi.interpreter.ruby_classes_of_values import is_case_match
from core.sonicpi.interpreter.syntax_tree_types import (
    Node,
    Scope,
    copy_visible_variables,
)
from core.sonicpi.interpreter.values import UNKNOWN, UnknownValue

LOOP_ENDED, LOOP_REPEATS, LOOP_AT_LIMIT = "ended", "repeats", "at limit"
REPETITION_TEST_ITERATION = 100
CALLS_WITHOUT_EFFECT = ("puts", "print", "p")
MAX_RETRIES = 16  # attempts of a body whose `rescue` has a `retry`
PATTERN_KINDS = ("bind", "list", "fields", "guard", "both", "either", "equal")


def compile_if_statement(compiler: NodeCompiler, node: list[Any]) -> NodeEvaluation:
    """Compile an `if`, `unless` or `? :`; of an unknown condition, one branch runs at random."""
    evaluate_condition, evaluate_then, evaluate_else = map(compiler.compile_node, node[1:4])

    def evaluate_if_statement(evaluator: Any, scope: Scope) -> Any:
        evaluator.steps_left -= 1
        if evaluator.steps_left <= 0:
            end_thread_at_step_limit(evaluator, 1)
        condition = evaluate_condition(evaluator, scope)
        if isinstance(condition, UnknownValue):
            evaluator.record_unfollowed_code("a condition that is only known when the program runs")
            condition = evaluator.current_thread.guess_condition()
        return (evaluate_then if condition else evaluate_else)(evaluator, scope)

    return evaluate_if_statement


def compile_while_loop(compiler: NodeCompiler, node: list[Any]) -> NodeEvaluation:
    """Compile a `while` or `until`."""
    run_iterations = _compile_while_iterations(compiler, node[1], node[2])
    is_endless = _is_condition_always_true(node[1])

    def evaluate_while_loop(evaluator: Any, scope: Scope) -> None:
        evaluator.steps_left -= 1
        if evaluator.steps_left <= 0:
            end_thread_at_step_limit(evaluator, 1)
        thread = evaluator.current_thread
        start_seconds = thread.current_seconds
        try:
            outcome = run_iterations(evaluator, scope)
            if outcome == LOOP_ENDED:
                return
        except ThreadEndSignal:
            is_stuck = evaluator.steps_left <= 0 and thread.is_clock_unchanged_since(start_seconds)
            if is_stuck and is_endless:
                evaluator.record_endless_loop()
            raise
        never_ends = is_endless or outcome == LOOP_REPEATS
        if thread.is_clock_unchanged_since(start_seconds) and never_ends:
            evaluator.record_endless_loop()
            raise ThreadEndSignal  # Nothing after such a loop runs.
        evaluator.record_unfollowed_code("a loop of many iterations")

    return evaluate_while_loop


def _compile_while_iterations(
    compiler: NodeCompiler, condition_node: Node, body: Node
) -> NodeEvaluation:
    """Compile the iterations of a loop; their value is how the loop came to its end here."""
    evaluate_condition, evaluate_body = map(compiler.compile_node, (condition_node, body))

    def run_while_iterations(evaluator: Any, scope: Scope) -> str:
        state: tuple[Any, ...] | None = None
        try:
            for index in range(MAX_ITERATIONS):
                if REPETITION_TEST_ITERATION <= index <= REPETITION_TEST_ITERATION + 1:
                    previous_state, state = state, _describe_state(evaluator, scope)
                    if state == previous_state and not evaluator.unfollowed_code:
                        return LOOP_REPEATS
                condition = evaluate_condition(evaluator, scope)
                if not _evaluate_loop_condition(evaluator, condition):
                    return LOOP_ENDED
                try:
                    evaluate_body(evaluator, scope)
                except ControlFlowSignal as signal:
                    if signal.keyword not in ("next", "redo"):
                        raise
        except ControlFlowSignal as signal:
            if signal.keyword != "break":
                raise
            return LOOP_ENDED
        return LOOP_AT_LIMIT

    return run_while_iterations


def _evaluate_loop_condition(evaluator: Any, condition: Any) -> bool:
    """Return whether the condition of a loop holds; note one that cannot be followed."""
    if isinstance(condition, UnknownValue):
        evaluator.record_unfollowed_code("a loop whose end is only known at run time")
    return bool(condition)


def _describe_state(evaluator: Any, scope: Scope) -> tuple[Any, ...]:
    """Return all that an iteration can depend on; equal before and after one, it never ends."""
    counts = {
        name: count
        for name, count in evaluator.call_counts.items()
        if name not in CALLS_WITHOUT_EFFECT
    }
    variables = repr(sorted(copy_visible_variables(scope).items(), key=lambda item: str(item[0])))
    thread = evaluator.current_thread
    random_position = repr(vars(thread.random))
    return variables, counts, repr(evaluator.constants), random_position, thread.current_seconds


def _is_condition_always_true(condition: list[Any] | None) -> bool:
    if not condition:
        return False
    return condition[0] in ("true", "num") or condition == ["unary", "!", ["false"]]


def compile_case_statement(compiler: NodeCompiler, node: list[Any]) -> NodeEvaluation:
    """Compile a `case … when` or `case … in`."""
    evaluate_subject = compiler.compile_node(node[1])
    branches = [(patterns, compiler.compile_node(body)) for patterns, body in node[2]]

    def evaluate_case_statement(evaluator: Any, scope: Scope) -> Any:
        evaluator.steps_left -= 1
        if evaluator.steps_left <= 0:
            end_thread_at_step_limit(evaluator, 1)
        subject = evaluate_subject(evaluator, scope)
        if isinstance(subject, UnknownValue):
            evaluator.record_unfollowed_code("a case that is only known when the program runs")
        for patterns, evaluate_body in branches:
            if patterns is None or _matches_any_pattern(evaluator, subject, patterns, scope):
                return evaluate_body(evaluator, scope)
        return None

    return evaluate_case_statement


def _matches_any_pattern(evaluator: Any, subject: Any, patterns: list[Any], scope: Scope) -> bool:
    if patterns and patterns[0] and patterns[0][0] in PATTERN_KINDS:
        return match_and_bind_pattern(evaluator, subject, patterns[0], scope)
    values = evaluator.evaluate_call_arguments(patterns, scope)[0]
    return any(is_case_match(value, subject) for value in values)


def compile_begin_rescue_block(compiler: NodeCompiler, node: list[Any]) -> NodeEvaluation:
    """Compile a body with `rescue`, `else` and `ensure`."""
    _, body, handlers, else_body, ensure_body = node
    evaluate_body, evaluate_else, evaluate_ensure = map(
        compiler.compile_node, (body, else_body, ensure_body)
    )
    compiled_handlers = [
        (name, compiler.compile_node(handler), classes) for name, handler, classes in handlers
    ]

    def evaluate_with_rescue(evaluator: Any, scope: Scope) -> Any:
        thread = evaluator.current_thread
        depth, rescue_depth = thread.call_depth, thread.rescue_depth
        thread.rescue_depth += bool(handlers)
        try:
            value = evaluate_body(evaluator, scope)
        except (ControlFlowSignal, *VALUE_ERRORS) as error:
            thread.rescue_depth = rescue_depth  # An error of the handler itself is not rescued.
            if isinstance(error, ControlFlowSignal) and error.keyword != "raise":
                raise
            ancestors = list_classes_of_error(evaluator, error)
            chosen = (h for h in compiled_handlers if is_rescued_by_classes(ancestors, h[2]))
            name, evaluate_handler, _ = next(chosen, (None, None, None))
            if evaluate_handler is None:
                raise
            thread.call_depth = depth
            if name:
                scope[name] = get_value_of_error(error)
            return evaluate_handler(evaluator, scope)
        finally:
            thread.rescue_depth = rescue_depth
        return evaluate_else(evaluator, scope) if else_body else value

    def evaluate_begin_rescue_block(evaluator: Any, scope: Scope) -> Any:
        evaluator.steps_left -= 1
        if evaluator.steps_left <= 0:
            end_thread_at_step_limit(evaluator, 1)
        has_ended = False
        try:
            return _evaluate_until_no_retry(evaluate_with_rescue, evaluator, scope)
        except ThreadEndSignal:
            has_ended = True
            raise
        finally:
            if not has_ended:
                evaluate_ensure(evaluator, scope)

    return evaluate_begin_rescue_block


def _evaluate_until_no_retry(evaluate: NodeEvaluation, evaluator: Any, scope: Scope) -> Any:
    """Return the value of a body with `rescue`; a `retry` evaluates it again."""
    for _ in range(MAX_RETRIES):
        try:
            return evaluate(evaluator, scope)
        except ControlFlowSignal as signal:
            if signal.keyword != "retry":
                raise
    return None


def compile_break_next_or_return(compiler: NodeCompiler, node: list[Any]) -> NodeEvaluation:
    """Compile a `break`, `next` or `return`."""
    keyword, evaluate_arguments = node[0], compiler.compile_call_arguments(node[1:])

    def evaluate_break_next_or_return(evaluator: Any, scope: Scope) -> None:
        evaluator.steps_left -= 1
        if evaluator.steps_left <= 0:
            end_thread_at_step_limit(evaluator, 1)
        values = evaluate_arguments(evaluator, scope)[0]
        value = values if len(values) > 1 else values[0] if values else None
        raise ControlFlowSignal(keyword, value)

    return evaluate_break_next_or_return


def compile_yield_statement(compiler: NodeCompiler, node: list[Any]) -> NodeEvaluation:
    """Compile a call of the running function's block."""
    evaluate_arguments = compiler.compile_call_arguments(node[1:])

    def evaluate_yield_statement(evaluator: Any, scope: Scope) -> Any:
        evaluator.steps_left -= 1
        if evaluator.steps_left <= 0:
            end_thread_at_step_limit(evaluator, 1)
        args = evaluate_arguments(evaluator, scope)[0]
        block = scope["&"] if "&" in scope else None
        if block is None:
            return UNKNOWN
        return evaluator.call_lambda_method_or_block(block, args)

    return evaluate_yield_statement


def compile_defined_check(_compiler: NodeCompiler, node: list[Any]) -> NodeEvaluation:
    """Compile `defined?`: whether a variable or function exists."""
    target = node[1]

    def evaluate_defined_check(evaluator: Any, scope: Scope) -> str | None:
        evaluator.steps_left -= 1
        if evaluator.steps_left <= 0:
            end_thread_at_step_limit(evaluator, 1)
        if not target or target[0] not in ("var", "call"):
            return "expression"
        if target[0] == "call" and target[1] is not None:
            return "method"
        name = target[1] if target[0] == "var" else target[2]
        if name in scope or name in evaluator.constants:
            return "local-variable"
        is_function = name in evaluator.functions or name in evaluator.builtins
        return "method" if is_function else None

    return evaluate_defined_check
