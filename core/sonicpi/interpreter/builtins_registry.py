"""Which of Sonic Pi's words are known: each a function of (play, given, options, block, scope).

What is not here is passed over, its block followed once.
"""

from __future__ import annotations

from collections.abc import Callable

from core.sonicpi.interpreter.values import to_number

BUILTINS: dict[str, Callable] = {}


def register_builtin(*names: str) -> Callable:
    """Make the function that follows what these words do."""

    def add_to_builtins(function: Callable) -> Callable:
        BUILTINS.update(dict.fromkeys(names, function))
        return function

    return add_to_builtins


def get_first_number(args: list, default: float = 0.0) -> float:
    """What is given first, as a number."""
    return to_number(args[0], default) if args else default
