"""Patterns of `case … in`."""

from __future__ import annotations

from typing import Any

from core.sonicpi.interpreter.ruby_classes_of_values import is_case_match
from core.sonicpi.interpreter.syntax_tree_types import Scope


def match_and_bind_pattern(
    evaluator: Any, value: Any, pattern: list[Any] | None, scope: Scope
) -> bool:
    """Return whether a value matches a pattern, and assign the pattern's variables.

    Parameters
    ----------
    evaluator : SyntaxTreeEvaluator
    value : object
    pattern : list or None
        A node of `parser.rb`'s `simplify_pattern`; None matches everything.
    scope : Scope
        Receives the variables.
    """
    if pattern is None:
        return True
    kind = pattern[0]
    if kind == "bind":
        if pattern[1]:
            scope[pattern[1]] = value
        return True
    if kind == "equal":
        return is_case_match(evaluator.evaluate_syntax_tree_node(pattern[1], scope), value)
    if kind == "both":
        parts = (match_and_bind_pattern(evaluator, value, part, scope) for part in pattern[1:3])
        return all(parts)
    if kind == "either":
        return any(match_and_bind_pattern(evaluator, value, part, scope) for part in pattern[1:3])
    if kind == "guard":
        is_match = match_and_bind_pattern(evaluator, value, pattern[1], scope)
        return is_match and bool(evaluator.evaluate_syntax_tree_node(pattern[2], scope))
    if kind == "list":
        return _match_list_pattern(evaluator, value, pattern, scope)
    return _match_hash_pattern(evaluator, value, pattern[1], scope)


def _match_list_pattern(evaluator: Any, value: Any, pattern: list[Any], scope: Scope) -> bool:
    _, first, rest, last = pattern
    if not isinstance(value, list) or len(value) < len(first) + len(last):
        return False
    if rest is None and len(value) != len(first) + len(last):
        return False
    middle_end = len(value) - len(last)
    pairs = [*zip(value, first), *zip(value[middle_end:], last)]
    if rest is not None:
        pairs.append((value[len(first) : middle_end], rest))
    return all(match_and_bind_pattern(evaluator, element, part, scope) for element, part in pairs)


def _match_hash_pattern(evaluator: Any, value: Any, fields: list[Any], scope: Scope) -> bool:
    if not isinstance(value, dict):
        return False
    for name, part in fields:
        if name not in value:
            return False
        part = ["bind", name] if part is None else part
        if not match_and_bind_pattern(evaluator, value[name], part, scope):
            return False
    return True
