"""Classes, structs and objects of interpreted programs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from core.sonicpi.interpreter.syntax_tree_types import BlockScope, Scope

MAX_ATTRIBUTES = 256


@dataclass
class ProgramClass:
    """A class, module or struct that a program defines.

    Attributes
    ----------
    name : str
    functions : dict of str to list
        Methods: blocks by name.
    fields : list of str
        Members of a struct, in the order of its constructor's arguments.
    attributes : set of str
        Names of `attr_reader` and its kind.
    parent : ProgramClass or None
    parent_name : str or None
        Name of the parent, which may be a class of Ruby.
    """

    name: str
    functions: dict[str, list[Any]] = field(default_factory=dict)
    fields: list[str] = field(default_factory=list)
    attributes: set[str] = field(default_factory=set)
    parent: ProgramClass | None = None
    parent_name: str | None = None

    def find_method_of_class(self, name: str, depth: int = 0) -> list[Any] | None:
        """Return a method of the class or of its parents; None without one."""
        if name in self.functions or self.parent is None or depth > 16:
            return self.functions.get(name)
        return self.parent.find_method_of_class(name, depth + 1)


class ObjectScope(BlockScope):
    """Instance variables of an object."""

    holds_instance_variables = True


class ProgramObject:
    """An object of a class of the program.

    Parameters
    ----------
    program_class : ProgramClass
    """

    def __init__(self, program_class: ProgramClass):
        self.program_class = program_class
        outer: Scope = {}
        self.scope = ObjectScope(outer)

    def get_instance_variable(self, name: str) -> Any:
        """Return an instance variable; None where it is not set."""
        return self.scope.get(f"@{name}")

    def has_instance_variable(self, name: str) -> bool:
        """Return whether an instance variable is set."""
        return dict.__contains__(self.scope, f"@{name}")

    def set_instance_variable(self, name: str, value: Any) -> None:
        """Set an instance variable."""
        if len(self.scope) < MAX_ATTRIBUTES:
            dict.__setitem__(self.scope, f"@{name}", value)
