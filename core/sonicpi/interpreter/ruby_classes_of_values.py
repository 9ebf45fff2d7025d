"""Classes of Ruby that interpreted values have, and the patterns of `when`."""

from __future__ import annotations

from typing import Any

from core.sonicpi.interpreter.operators import apply_ruby_operator
from core.sonicpi.interpreter.ranges_and_enumerators import Range
from core.sonicpi.interpreter.string_methods import Pattern, call_string_method
from core.sonicpi.interpreter.values import UNKNOWN, Symbol


def is_case_match(pattern: Any, subject: Any) -> bool:
    """Return whether a value is matched by a pattern of `when`: Ruby's `===`."""
    if isinstance(pattern, Range):
        return pattern.contains_number(subject)
    if isinstance(pattern, Pattern) and isinstance(subject, str):
        return call_string_method(subject, "match?", [pattern]) is True
    if isinstance(pattern, Symbol) and (types := _PYTHON_TYPES.get(str(pattern))):
        is_symbol = isinstance(subject, Symbol)
        if isinstance(subject, bool) or str(pattern) in ("String", "Symbol"):
            return isinstance(subject, str) and is_symbol == (pattern == "Symbol")
        return isinstance(subject, types)
    is_in_list = isinstance(pattern, list) and subject in pattern
    return bool(apply_ruby_operator("===", subject, pattern)) or is_in_list


_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "Integer": (int,),
    "Float": (float,),
    "Numeric": (int, float),
    "String": (str,),
    "Symbol": (str,),
    "Array": (list,),
    "Hash": (dict,),
    "NilClass": (type(None),),
    "Range": (Range,),
}


def get_ruby_class(value: Any) -> Any:
    """Return the class of a value, as the symbol of its name."""
    if value is None or isinstance(value, bool):
        return Symbol("NilClass" if value is None else f"{value}Class")
    if isinstance(value, Symbol):
        return Symbol("Symbol")
    for types, name in ((int, "Integer"), (float, "Float"), (str, "String"), (dict, "Hash")):
        if isinstance(value, types):
            return Symbol(name)
    return Symbol("Array") if type(value) is list else UNKNOWN
