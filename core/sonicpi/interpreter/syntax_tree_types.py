"""Types of syntax trees, blocks and variable scopes."""

from __future__ import annotations

import re
from typing import Any

from core.sonicpi.interpreter.values import Symbol

# A node as `parser.rb` builds it: its kind, then its parts, such as
# ["call", receiver, name, arguments, block]. None is an empty node.
Node = list[Any] | None

# Values of variables by name.
Scope = dict[str, Any]

# What a call receives as its block: a node ["block", parameters, body], the name of a method
# (`&:choose`), a block with the scope in which it was created (a lambda), or nothing.
Block = Node | Symbol | tuple[Any, Scope]


def may_tree_contain_text(node: Any, pattern: re.Pattern[str]) -> bool:
    """Return whether the text of a tree matches a pattern, where each string is in quotes.

    It takes a tenth of the time of a walk over all nodes. True for a tree too deep to have a text.
    """
    try:
        return pattern.search(repr(node)) is not None
    except RecursionError:
        return True


MISSING = object()  # stands for a variable that is not set


class BlockScope(Scope):
    """Variables of a block, and those of the scopes around it, which the block may change.

    Parameters
    ----------
    outer_scope : dict
        Scope around the block.
    """

    __slots__ = ("outer_scope",)

    # Whether names such as @note are set here, not in the scope that sets them.
    holds_instance_variables = False

    def __init__(self, outer_scope: Scope):
        self.outer_scope = outer_scope

    def __contains__(self, name: object) -> bool:
        return find_variable_or_missing(self, name) is not MISSING

    def __missing__(self, name: str) -> Any:
        return self.outer_scope[name]

    def __setitem__(self, name: str, value: Any) -> None:
        scope: Scope = self
        while isinstance(scope, BlockScope):
            is_instance_variable = scope.holds_instance_variables and name.startswith("@")
            if is_instance_variable or dict.__contains__(scope, name):
                return dict.__setitem__(scope, name, value)
            scope = scope.outer_scope
        if name in scope:
            scope[name] = value
        else:
            super().__setitem__(name, value)
        return None


def find_variable_or_missing(scope: Scope, name: Any) -> Any:
    """Return the value of a variable that a scope can see, or `MISSING`."""
    while True:
        value = scope.get(name, MISSING)  # Of this scope alone.
        if value is not MISSING or not isinstance(scope, BlockScope):
            return value
        scope = scope.outer_scope


def declare_variable(scope: Scope, name: str, value: Any) -> None:
    """Set a variable of a scope, and leave one of the same name in the scopes around it alone."""
    dict.__setitem__(scope, name, value)


def copy_visible_variables(scope: Scope) -> Scope:
    """Return all variables that a scope can see, in a scope of their own."""
    chain: list[Scope] = [scope]
    while isinstance(chain[-1], BlockScope):
        chain.append(chain[-1].outer_scope)
    variables: Scope = {}
    for visible in reversed(chain):
        variables.update(visible)
    return variables
