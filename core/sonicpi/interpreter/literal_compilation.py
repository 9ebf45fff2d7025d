"""Compilation of literals: numbers, strings, symbols, lists, hashes and ranges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.sonicpi.interpreter.compiled_node_functions_and_step_limit import (
    NodeCompiler,
    NodeEvaluation,
    end_thread_at_step_limit,
    make_constant_evaluation,
)
from core.sonicpi.interpreter.ranges_and_enumerators import Range
from core.sonicpi.interpreter.string_methods import Pattern
from core.sonicpi.interpreter.syntax_tree_types import Scope
from core.sonicpi.interpreter.values import (
    MAX_LIST_LENGTH,
    MAX_LITERAL_LENGTH,
    MAX_STRING_CHARS,
    Symbol,
    convert_to_dict_key,
    to_number_or_default,
)

ELEMENTS_PER_STEP = 16  # of a list of plain numbers, strings and symbols

# Adds the items of a hash literal to a dict.
HashItemsEvaluation = Callable[[Any, Scope, dict[Any, Any]], None]


def is_plain_literal(node: Any) -> bool:
    """Return whether a node is a number, a string or a symbol without interpolation."""
    return bool(node) and node[0] in ("num", "str", "sym")


def get_plain_literal(node: list[Any]) -> Any:
    """Return the value of a plain number, string or symbol."""
    return Symbol(node[1]) if node[0] == "sym" else node[1]


def compile_plain_literal(_compiler: NodeCompiler, node: list[Any]) -> NodeEvaluation:
    """Compile a number, string or symbol."""
    return make_constant_evaluation(get_plain_literal(node))


def compile_true_false_or_nil(_compiler: NodeCompiler, node: list[Any]) -> NodeEvaluation:
    """Compile `true`, `false` or `nil`."""
    return make_constant_evaluation({"true": True, "false": False}.get(node[0]))


def compile_string_literal(compiler: NodeCompiler, node: list[Any]) -> NodeEvaluation:
    """Compile a string with interpolated parts."""
    parts = [compiler.compile_node(part) for part in node[1:]]

    def evaluate_string_literal(evaluator: Any, scope: Scope) -> str:
        evaluator.steps_left -= 1
        if evaluator.steps_left <= 0:
            end_thread_at_step_limit(evaluator, 1)
        texts = [_convert_to_interpolated_text(part(evaluator, scope)) for part in parts]
        return "".join(texts)[:MAX_STRING_CHARS]

    return evaluate_string_literal


def compile_quoted_symbol(compiler: NodeCompiler, node: list[Any]) -> NodeEvaluation:
    """Compile a symbol that is written like a string."""
    evaluate_text = compile_string_literal(compiler, node)
    return lambda evaluator, scope: Symbol(evaluate_text(evaluator, scope))


def compile_regexp_literal(compiler: NodeCompiler, node: list[Any]) -> NodeEvaluation:
    """Compile a regular expression."""
    evaluate_text = compile_string_literal(compiler, node)
    return lambda evaluator, scope: Pattern(evaluate_text(evaluator, scope))


def compile_array_literal(compiler: NodeCompiler, node: list[Any]) -> NodeEvaluation:
    """Compile a list literal."""
    nodes = node[1:]
    if len(nodes) > ELEMENTS_PER_STEP and all(map(is_plain_literal, nodes)):
        return _compile_long_plain_list(nodes)
    evaluate_arguments = compiler.compile_call_arguments(nodes)

    def evaluate_array_literal(evaluator: Any, scope: Scope) -> list[Any]:
        evaluator.steps_left -= 1
        if evaluator.steps_left <= 0:
            end_thread_at_step_limit(evaluator, 1)
        args, options, _ = evaluate_arguments(evaluator, scope)
        return [*args, options][:MAX_LITERAL_LENGTH] if options else args[:MAX_LITERAL_LENGTH]

    return evaluate_array_literal


def _compile_long_plain_list(nodes: list[Any]) -> NodeEvaluation:
    """Compile a list of many plain literals, such as a recorded melody, to few steps."""
    values = [get_plain_literal(node) for node in nodes[:MAX_LITERAL_LENGTH]]
    step_count = len(nodes) // ELEMENTS_PER_STEP

    def evaluate_long_plain_list(evaluator: Any, _scope: Scope) -> list[Any]:
        evaluator.steps_left -= 1
        if evaluator.steps_left <= 0:
            end_thread_at_step_limit(evaluator, 1)
        evaluator.steps_left -= step_count
        return values.copy()

    return evaluate_long_plain_list


def compile_hash_literal(compiler: NodeCompiler, node: list[Any]) -> NodeEvaluation:
    """Compile a hash literal."""
    add_items = compile_hash_items(compiler, node)

    def evaluate_hash_literal(evaluator: Any, scope: Scope) -> dict[Any, Any]:
        evaluator.steps_left -= 1
        if evaluator.steps_left <= 0:
            end_thread_at_step_limit(evaluator, 1)
        items: dict[Any, Any] = {}
        add_items(evaluator, scope, items)
        return items

    return evaluate_hash_literal


def compile_hash_items(compiler: NodeCompiler, node: list[Any]) -> HashItemsEvaluation:
    """Compile the items of a hash literal, or of the options of a call."""
    additions = [
        addition
        for key, value in node[1:]
        if (addition := _compile_hash_item(compiler, key, value))
    ]

    def add_hash_items(evaluator: Any, scope: Scope, items: dict[Any, Any]) -> None:
        for add_item in additions:
            add_item(evaluator, scope, items)

    return add_hash_items


def _compile_hash_item(
    compiler: NodeCompiler, key: Any, value_node: Any
) -> HashItemsEvaluation | None:
    """Compile one item; None for an item without a key."""
    evaluate_value = compiler.compile_node(value_node)
    if key == ["dsplat"]:

        def add_items_of_hash(evaluator: Any, scope: Scope, items: dict[Any, Any]) -> None:
            spread = evaluate_value(evaluator, scope)
            items.update(spread if isinstance(spread, dict) else {})

        return add_items_of_hash
    if not key:
        return None
    evaluate_key = compiler.compile_node(key)

    def add_hash_item(evaluator: Any, scope: Scope, items: dict[Any, Any]) -> None:
        value = evaluate_value(evaluator, scope)
        items[convert_to_dict_key(evaluate_key(evaluator, scope))] = value

    return add_hash_item


def compile_range_literal(compiler: NodeCompiler, node: list[Any]) -> NodeEvaluation:
    """Compile a range."""
    bound_evaluations = [compiler.compile_node(bound) for bound in node[1:3]]
    is_end_excluded = bool(node[3])

    def evaluate_range_literal(evaluator: Any, scope: Scope) -> Any:
        evaluator.steps_left -= 1
        if evaluator.steps_left <= 0:
            end_thread_at_step_limit(evaluator, 1)
        bounds = [evaluate(evaluator, scope) for evaluate in bound_evaluations]
        letters = [bound for bound in bounds if isinstance(bound, str) and len(bound) == 1]
        if len(letters) == 2:
            codes = range(ord(letters[0]), ord(letters[1]) + (not is_end_excluded))
            return [chr(code) for code in codes][:MAX_LIST_LENGTH]
        first = to_number_or_default(bounds[0])
        is_endless = bounds[1] is None or bounds[1] == float("inf")
        last = float("inf") if is_endless else to_number_or_default(bounds[1])
        return Range(first, last, is_end_excluded)

    return evaluate_range_literal


def _convert_to_interpolated_text(value: Any) -> str:
    """Return a value as interpolation writes it: nil is empty."""
    return "" if value is None else str(value)
