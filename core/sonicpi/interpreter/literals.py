"""Evaluation of literals: strings, lists, hashes and ranges."""

from __future__ import annotations

from typing import Any

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

# Positional arguments, options by name, and the number of nodes.
ConstantArguments = tuple[list[Any], dict[str, Any], int]

# The first parameter of these functions is the SyntaxTreeEvaluator. Its type is Any here, because
# the evaluator's module imports this one.


def find_constant_arguments(nodes: list[Any]) -> ConstantArguments | None:
    """Return the arguments of a call whose nodes are all plain numbers, strings and symbols.

    Returns
    -------
    tuple or None
        Positional arguments, options by name, and the number of evaluated nodes. None where a node
        is something else.
    """
    args: list[Any] = []
    options: dict[str, Any] = {}
    count = 0
    for node in nodes:
        if node and node[0] == "hash" and node is nodes[-1]:
            for key, value in node[1:]:
                if not _is_plain_literal(key) or not _is_plain_literal(value) or key[0] == "num":
                    return None
                options[_get_plain_literal(key)] = _get_plain_literal(value)
                count += 2
        elif _is_plain_literal(node):
            args.append(_get_plain_literal(node))
            count += 1
        else:
            return None
    return args, options, count


def _is_plain_literal(node: Any) -> bool:
    return bool(node) and node[0] in ("num", "str", "sym")


def _get_plain_literal(node: list[Any]) -> Any:
    return Symbol(node[1]) if node[0] == "sym" else node[1]


def evaluate_string_literal(evaluator: Any, node: list[Any], scope: Scope) -> str:
    """Evaluate a string, with its interpolated parts."""
    parts = (
        _convert_to_interpolated_text(evaluator.evaluate_syntax_tree_node(part, scope))
        for part in node[1:]
    )
    return "".join(parts)[:MAX_STRING_CHARS]


def evaluate_quoted_symbol(evaluator: Any, node: list[Any], scope: Scope) -> Symbol:
    """Evaluate a symbol that is written like a string."""
    return Symbol(evaluate_string_literal(evaluator, node, scope))


def evaluate_regexp_literal(evaluator: Any, node: list[Any], scope: Scope) -> Pattern:
    """Evaluate a regular expression."""
    return Pattern(evaluate_string_literal(evaluator, node, scope))


def evaluate_array_literal(evaluator: Any, node: list[Any], scope: Scope) -> list[Any]:
    """Evaluate a list literal."""
    elements = node[1:]
    if len(elements) > ELEMENTS_PER_STEP and all(
        element and element[0] in ("num", "str", "sym") for element in elements
    ):
        steps = len(elements) // ELEMENTS_PER_STEP
        evaluator.steps_left -= steps
        evaluator.current_thread.steps_left -= steps
        return [
            Symbol(element[1]) if element[0] == "sym" else element[1]
            for element in elements[:MAX_LITERAL_LENGTH]
        ]
    args, options, _ = evaluator.evaluate_call_arguments(elements, scope)
    return [*args, options][:MAX_LITERAL_LENGTH] if options else args[:MAX_LITERAL_LENGTH]


def evaluate_hash_literal(evaluator: Any, node: list[Any], scope: Scope) -> dict[Any, Any]:
    """Evaluate a hash literal, or the options of a call."""
    items: dict[Any, Any] = {}
    for key, value in node[1:]:
        if key == ["dsplat"]:
            spread = evaluator.evaluate_syntax_tree_node(value, scope)
            items.update(spread if isinstance(spread, dict) else {})
        elif key:
            items[convert_to_dict_key(evaluator.evaluate_syntax_tree_node(key, scope))] = (
                evaluator.evaluate_syntax_tree_node(value, scope)
            )
    return items


def evaluate_range_literal(evaluator: Any, node: list[Any], scope: Scope) -> Any:
    """Evaluate a range."""
    bounds = [
        evaluator.evaluate_syntax_tree_node(bound, scope) if bound else None for bound in node[1:3]
    ]
    letters = [bound for bound in bounds if isinstance(bound, str) and len(bound) == 1]
    if len(letters) == 2:
        codes = range(ord(letters[0]), ord(letters[1]) + (not node[3]))
        return [chr(code) for code in codes][:MAX_LIST_LENGTH]
    first = to_number_or_default(bounds[0])
    last = float("inf") if bounds[1] is None else to_number_or_default(bounds[1])
    return Range(first, last, bool(node[3]))


def _convert_to_interpolated_text(value: Any) -> str:
    """Return a value as interpolation writes it: nil is empty."""
    return "" if value is None else str(value)
