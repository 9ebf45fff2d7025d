"""Compilation of calls and of their arguments."""

from __future__ import annotations

from typing import Any, NoReturn

from core.sonicpi.interpreter.builtins_registry import BuiltinCall
from core.sonicpi.interpreter.compiled_node_functions_and_step_limit import (
    ArgumentsEvaluation,
    NodeCompiler,
    NodeEvaluation,
    end_thread_at_step_limit,
)
from core.sonicpi.interpreter.control_flow_signals import ThreadEndSignal
from core.sonicpi.interpreter.literal_compilation import (
    HashItemsEvaluation,
    compile_hash_items,
    get_plain_literal,
    is_plain_literal,
)
from core.sonicpi.interpreter.syntax_tree_types import (
    MISSING,
    Block,
    Scope,
    find_variable_or_missing,
)

MAX_CALL_DEPTH = 60  # nested calls


def end_thread_at_call_depth(evaluator: Any) -> NoReturn:
    """End the running thread, whose calls are nested too deeply to be followed."""
    evaluator.record_unfollowed_code("calls that are nested deeply")
    raise ThreadEndSignal


def compile_call(compiler: NodeCompiler, node: list[Any]) -> NodeEvaluation:
    """Compile a call of a function, or of a method of a receiver."""
    receiver_node, name, argument_nodes = node[1:4]
    block = node[4] if len(node) > 4 else None
    is_safe_navigation = len(node) > 5
    evaluate_arguments = compiler.compile_call_arguments(argument_nodes)
    if receiver_node is not None:
        evaluate_receiver = compiler.compile_node(receiver_node)
        return _compile_method_call(
            evaluate_receiver, name, evaluate_arguments, block, is_safe_navigation
        )
    if not argument_nodes and block is None and not is_safe_navigation:
        return _compile_variable_or_call(name)
    return _compile_function_call(name, evaluate_arguments, block)


def _compile_function_call(
    name: str, evaluate_arguments: ArgumentsEvaluation, block: Block
) -> NodeEvaluation:
    def evaluate_function_call(evaluator: Any, scope: Scope) -> Any:
        evaluator.steps_left -= 1
        if evaluator.steps_left <= 0:
            end_thread_at_step_limit(evaluator, 1)
        thread = evaluator.current_thread
        thread.call_depth += 1
        try:
            if thread.call_depth > MAX_CALL_DEPTH:
                end_thread_at_call_depth(evaluator)
            args, options, block_value = evaluate_arguments(evaluator, scope)
            call = BuiltinCall(args, options, block or block_value, scope)
            return evaluator.call_function(name, call)
        finally:
            thread.call_depth -= 1

    return evaluate_function_call


def _compile_variable_or_call(name: str) -> NodeEvaluation:
    """Compile a name, which Ruby knows not to be a variable unless a block's caller sets it."""

    def evaluate_variable_or_call(evaluator: Any, scope: Scope) -> Any:
        evaluator.steps_left -= 1
        if evaluator.steps_left <= 0:
            end_thread_at_step_limit(evaluator, 1)
        value = find_variable_or_missing(scope, name)
        if value is not MISSING:
            return value
        thread = evaluator.current_thread
        thread.call_depth += 1
        try:
            if thread.call_depth > MAX_CALL_DEPTH:
                end_thread_at_call_depth(evaluator)
            return evaluator.call_function(name, BuiltinCall([], {}, None, scope))
        finally:
            thread.call_depth -= 1

    return evaluate_variable_or_call


def _compile_method_call(
    evaluate_receiver: NodeEvaluation,
    name: str,
    evaluate_arguments: ArgumentsEvaluation,
    block: Block,
    is_safe_navigation: bool,
) -> NodeEvaluation:
    def evaluate_method_call(evaluator: Any, scope: Scope) -> Any:
        evaluator.steps_left -= 1
        if evaluator.steps_left <= 0:
            end_thread_at_step_limit(evaluator, 1)
        thread = evaluator.current_thread
        thread.call_depth += 1
        try:
            if thread.call_depth > MAX_CALL_DEPTH:
                end_thread_at_call_depth(evaluator)
            receiver = evaluate_receiver(evaluator, scope)
            if receiver is None and is_safe_navigation:
                return None
            args, options, block_value = evaluate_arguments(evaluator, scope)
            call = BuiltinCall(args, options, block or block_value, scope)
            return evaluator.call_method(receiver, name, call)
        finally:
            thread.call_depth -= 1

    return evaluate_method_call


def compile_call_arguments(compiler: NodeCompiler, nodes: list[Any]) -> ArgumentsEvaluation:
    """Compile the arguments of a call, of a list literal, or of a jump."""
    if not nodes:
        return _return_no_arguments
    option_nodes = None
    if nodes[-1] and nodes[-1][0] == "hash":
        has_names = all(is_plain_literal(key) and key[0] != "num" for key, _ in nodes[-1][1:])
        option_nodes = nodes[-1][1:] if has_names else None
    positional_nodes = nodes if option_nodes is None else nodes[:-1]
    if all(map(is_plain_literal, positional_nodes)):
        if all(is_plain_literal(value) for _, value in option_nodes or []):
            return _compile_plain_arguments(positional_nodes, option_nodes or [])
    if any(node and node[0] in ("splat", "pass", "hash") for node in positional_nodes):
        return _compile_spread_arguments(compiler, nodes)
    evaluations = [compiler.compile_node(node) for node in positional_nodes]
    add_options = _compile_named_options(compiler, option_nodes or [])
    if not option_nodes:
        return _compile_positional_arguments(evaluations)

    def evaluate_arguments(evaluator: Any, scope: Scope) -> tuple[list[Any], dict[str, Any], Any]:
        args = [evaluate(evaluator, scope) for evaluate in evaluations]
        options: dict[str, Any] = {}
        add_options(evaluator, scope, options)
        return args, options, None

    return evaluate_arguments


def _return_no_arguments(_evaluator: Any, _scope: Scope) -> tuple[list[Any], dict[str, Any], Any]:
    return [], {}, None


def _compile_positional_arguments(evaluations: list[NodeEvaluation]) -> ArgumentsEvaluation:
    if len(evaluations) == 1:
        evaluate_argument = evaluations[0]
        return lambda evaluator, scope: ([evaluate_argument(evaluator, scope)], {}, None)
    return lambda evaluator, scope: (
        [evaluate(evaluator, scope) for evaluate in evaluations],
        {},
        None,
    )


def _compile_plain_arguments(
    positional_nodes: list[Any], option_nodes: list[Any]
) -> ArgumentsEvaluation:
    """Compile arguments that are all plain literals; the steps are counted as if one by one."""
    args = [get_plain_literal(node) for node in positional_nodes]
    options = {get_plain_literal(key): get_plain_literal(value) for key, value in option_nodes}
    step_count = len(positional_nodes) + 2 * len(option_nodes)
    if not step_count:
        return _return_no_arguments

    def copy_literal_arguments(
        evaluator: Any, _scope: Scope
    ) -> tuple[list[Any], dict[str, Any], Any]:
        evaluator.steps_left -= step_count
        if evaluator.steps_left <= 0:
            end_thread_at_step_limit(evaluator, step_count)
        return args.copy(), options.copy(), None

    return copy_literal_arguments


def _compile_named_options(compiler: NodeCompiler, option_nodes: list[Any]) -> HashItemsEvaluation:
    """Compile options with names; those before a computed value are counted and added at once."""
    segments: list[tuple[int, dict[str, Any], str, NodeEvaluation]] = []
    step_count, constants = 0, {}
    for key, value in option_nodes:
        if is_plain_literal(value):
            step_count += 2
            constants[get_plain_literal(key)] = get_plain_literal(value)
        else:
            name, evaluate_value = get_plain_literal(key), compiler.compile_node(value)
            segments.append((step_count, constants, name, evaluate_value))
            step_count, constants = 1, {}  # The name is evaluated after the value.

    def add_named_options(evaluator: Any, scope: Scope, options: dict[Any, Any]) -> None:
        for steps, plain_options, name, evaluate_value in segments:
            if steps:
                evaluator.steps_left -= steps
                if evaluator.steps_left <= 0:
                    end_thread_at_step_limit(evaluator, steps)
                options.update(plain_options)
            options[name] = evaluate_value(evaluator, scope)
        if step_count:
            evaluator.steps_left -= step_count
            if evaluator.steps_left <= 0:
                end_thread_at_step_limit(evaluator, step_count)
            options.update(constants)

    return add_named_options


def _compile_spread_arguments(compiler: NodeCompiler, nodes: list[Any]) -> ArgumentsEvaluation:
    """Compile arguments with a splat, a passed block, or options whose names are computed."""
    parts: list[tuple[str, Any]] = []
    for index, node in enumerate(nodes):
        kind = node[0] if node else None
        if kind in ("splat", "pass"):
            parts.append((kind, compiler.compile_node(node[1])))
        elif kind == "hash" and index == len(nodes) - 1:
            parts.append((kind, compile_hash_items(compiler, node)))
        else:
            parts.append(("", compiler.compile_node(node)))

    def evaluate_spread_arguments(
        evaluator: Any, scope: Scope
    ) -> tuple[list[Any], dict[str, Any], Any]:
        args: list[Any] = []
        options: dict[str, Any] = {}
        block_value = None
        for kind, evaluate in parts:
            if kind == "splat":
                elements = evaluate(evaluator, scope)
                args += elements if isinstance(elements, list) else [elements]
            elif kind == "pass":
                block_value = evaluate(evaluator, scope)
            elif kind == "hash":
                items: dict[Any, Any] = {}
                evaluate(evaluator, scope, items)
                if all(isinstance(name, str) for name in items):
                    options = items
                else:
                    args.append(items)
            else:
                args.append(evaluate(evaluator, scope))
        return args, options, block_value

    return evaluate_spread_arguments
