"""Which of Sonic Pi's words are known: each a function of (play, given, options, block, scope).

What is not here is passed over, its block followed once.
"""

from __future__ import annotations

from collections.abc import Callable

from core.sonicpi.interpreter.values import number

WORDS: dict[str, Callable] = {}


def word(*names: str) -> Callable:
    """Make the function that follows what these words do."""

    def known(function: Callable) -> Callable:
        WORDS.update(dict.fromkeys(names, function))
        return function

    return known


def first(given: list, default: float = 0.0) -> float:
    """What is given first, as a number."""
    return number(given[0], default) if given else default
