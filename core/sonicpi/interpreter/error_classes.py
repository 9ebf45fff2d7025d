"""Classes of the errors of a program, by which a `rescue` chooses."""

from __future__ import annotations

from typing import Any

from core.sonicpi.interpreter.control_flow_signals import ControlFlowSignal, ProgramErrorSignal
from core.sonicpi.interpreter.program_classes_and_objects import ProgramClass
from core.sonicpi.interpreter.values import UNKNOWN, ErrorValue

PARENT_BY_ERROR_CLASS = {
    "NoMethodError": "NameError",
    "KeyError": "IndexError",
    "StopIteration": "IndexError",
    "FloatDomainError": "RangeError",
    "FrozenError": "RuntimeError",
    "StandardError": "Exception",
    "ScriptError": "Exception",
    "SystemExit": "Exception",
    "LoadError": "ScriptError",
    "NotImplementedError": "ScriptError",
    "Exception": "Object",
}
MAX_ANCESTORS = 16


def list_classes_of_error(evaluator: Any, error: Exception) -> list[str]:
    """Return the names of an error's class and its ancestors; none where they are not known."""
    if not isinstance(error, ProgramErrorSignal):
        return []
    classes = [error.error_class]
    while classes[-1] != "Object" and len(classes) < MAX_ANCESTORS:
        defined = evaluator.constants.get(classes[-1])
        parent = defined.parent_name if isinstance(defined, ProgramClass) else None
        classes.append(parent or PARENT_BY_ERROR_CLASS.get(classes[-1], "StandardError"))
    return classes


def is_rescued_by_classes(ancestors: list[str], classes: list[str]) -> bool:
    """Return whether a handler of these classes rescues an error; none are StandardError."""
    if not ancestors:
        return True
    return any(name in ancestors for name in classes or ["StandardError"])


def get_value_of_error(error: Exception) -> Any:
    """Return what `rescue => e` binds: an object that may have a message."""
    value = error.value if isinstance(error, ControlFlowSignal) else None
    if isinstance(value, str) and isinstance(error, ProgramErrorSignal):
        return ErrorValue(value)
    return ErrorValue(UNKNOWN) if value is None or value is UNKNOWN else value
