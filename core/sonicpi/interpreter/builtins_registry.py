"""Registry of the built-in functions of Sonic Pi that the interpreter knows.

A call of a function that is not registered has the unknown value; its block is run once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from core.sonicpi.interpreter.syntax_tree_types import Block, Scope
from core.sonicpi.interpreter.values import to_number_or_default


# Not frozen: every call of a program makes one, and a frozen class takes three times as long.
@dataclass(slots=True)
class BuiltinCall:
    """One call of a function or method. It is not changed.

    Attributes
    ----------
    args : list
        Values of the positional arguments.
    options : dict
        Values of the options by name.
    block : Block
        Block of the call.
    scope : Scope
        Variables of the caller.
    """

    args: list[Any]
    options: dict[str, Any]
    block: Block
    scope: Scope

    def get_first_argument_number(self, default: float = 0.0) -> float:
        """Return the first argument as a number; without arguments, the default."""
        return to_number_or_default(self.args[0], default) if self.args else default


# The first parameter of a built-in is the ProgramInterpreter. Its type is Any here, because the
# interpreter's module imports this one.
Builtin = Callable[[Any, BuiltinCall], Any]
AnyBuiltin = TypeVar("AnyBuiltin", bound=Builtin)

BUILTINS: dict[str, Builtin] = {}


def register_builtin_function(*names: str) -> Callable[[AnyBuiltin], AnyBuiltin]:
    """Return a decorator that registers a function as built-in under all names."""

    def register_under_all_names(function: AnyBuiltin) -> AnyBuiltin:
        BUILTINS.update(dict.fromkeys(names, function))
        return function

    return register_under_all_names
