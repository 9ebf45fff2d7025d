"""Ruby operators on interpreted values."""

from __future__ import annotations

import operator as python_operators
from collections.abc import Callable
from typing import Any

from core.sonicpi.interpreter.control_flow_signals import raise_program_error
from core.sonicpi.interpreter.ranges_and_enumerators import Range
from core.sonicpi.interpreter.string_methods import Pattern, call_string_method
from core.sonicpi.interpreter.values import (
    MAX_LIST_LENGTH,
    MAX_STRING_CHARS,
    UNDEFINED,
    UNKNOWN,
    Ring,
    Symbol,
    UndefinedValue,
    to_midi_note,
    to_number_or_default,
)

MAX_MAGNITUDE = 1e15  # of a result
MAX_STRING_REPEATS = 64
REST_NAMES = ("r", "rest")
_NUMBER_TYPES = (int, float)  # A bool is no number.
NIL_OPERATORS = ("+", "-")
NUMBER_OPERATORS = ("+", "-", "*", "/", "%", "**", "<", ">", "<=", ">=")


def apply_ruby_operator(operator: str, left: Any, right: Any) -> Any:
    """Return the result of a Ruby operator; `UNKNOWN` when the operator is not defined here.

    Raises
    ------
    ProgramErrorSignal
        When the operands are known and Ruby has no such operator for them.
    """
    if type(left) in _NUMBER_TYPES and type(right) in _NUMBER_TYPES:
        return _apply_operator_to_numbers(operator, left, right)
    if operator in ("==", "==="):
        both_strings = isinstance(left, str) and isinstance(right, str)
        return left == right or (both_strings and str(left) == str(right))
    if operator == "!=":
        return left != right
    if left is None and operator in NIL_OPERATORS:
        return None  # Sonic Pi defines them, so that a transposed rest is a rest.
    _check_operands(operator, left, right)
    if isinstance(left, list):
        if operator == "%" and isinstance(left, Range) and type(right) in _NUMBER_TYPES:
            return left.list_steps(right)
        return _apply_list_operator(operator, left, right)
    if operator == "=~":
        return _find_match(left, right)
    if isinstance(left, str) and operator in _STRING_OPERATORS and not isinstance(left, Symbol):
        return _STRING_OPERATORS[operator](left, right)[:MAX_STRING_CHARS]
    if isinstance(left, str) and left in REST_NAMES:
        return left  # A transposed rest is a rest.
    return _apply_number_operator(operator, _to_operand(left), _to_operand(right))


def _check_operands(operator: str, left: Any, right: Any) -> None:
    """Raise the error of an operator that Ruby does not have for its operands."""
    is_no_sequence = right is None or type(right) in _NUMBER_TYPES
    if left is None and operator in NUMBER_OPERATORS:
        raise_program_error(f"nil has no operator {operator}", error_class="NoMethodError")
    if type(left) is list and operator in ("+", "-") and (is_no_sequence or type(right) is str):
        raise_program_error(
            f"a list has no operator {operator} for what is no list",
            error_class="TypeError",
        )
    if type(left) is str and operator == "+" and (is_no_sequence or type(right) in (list, Symbol)):
        raise_program_error("only a string can be added to a string", error_class="TypeError")
    if type(left) is str and operator in ("-", "/", "**"):
        raise_program_error(f"a string has no operator {operator}", error_class="NoMethodError")


def _apply_operator_to_numbers(operator: str, left: float, right: float) -> Any:
    """Apply an operator to numbers, which most operands are."""
    if operator in ("==", "==="):
        return left == right
    return left != right if operator == "!=" else _apply_arithmetic_operator(operator, left, right)


def _to_operand(value: Any) -> Any:
    return to_midi_note(value) if isinstance(value, str) else value


def _apply_number_operator(operator: str, left: Any, right: Any) -> Any:
    if isinstance(left, UndefinedValue) or isinstance(right, UndefinedValue):
        return UNDEFINED
    if operator in NUMBER_OPERATORS and right is None:
        raise_program_error(f"the operator {operator} has no use for nil", error_class="TypeError")
    if not (isinstance(left, (int, float)) and isinstance(right, (int, float))):
        return UNKNOWN
    return _apply_arithmetic_operator(operator, left, right)


def _find_match(left: Any, right: Any) -> Any:
    """Return the position of a match; the pattern may stand on either side."""
    text, pattern = (right, left) if isinstance(left, Pattern) else (left, right)
    if not isinstance(pattern, Pattern) or not isinstance(text, str):
        return UNKNOWN
    return call_string_method(text, "=~", [pattern])


_STRING_OPERATORS: dict[str, Callable[[str, Any], str]] = {
    "+": lambda left, right: left + str(right),
    "<<": lambda left, right: left + str(right),
    "*": lambda left, right: left * min(int(to_number_or_default(right)), MAX_STRING_REPEATS),
}


def _apply_list_operator(operator: str, left: list[Any], right: Any) -> Any:
    if type(left) not in (list, Ring) and operator != "<<":
        left = list(left)
    if operator == "+" and isinstance(right, list):
        return type(left)((left + right)[:MAX_LIST_LENGTH])
    if operator == "|" and isinstance(right, list):
        return [*left, *(element for element in right if element not in left)]
    if operator == "&" and isinstance(right, list):
        return [element for element in left if element in right]
    if operator == "*" and isinstance(right, str) and not isinstance(right, Symbol):
        return right.join(map(str, left))[:MAX_STRING_CHARS]
    if operator == "*" and isinstance(right, (int, float)):
        return type(left)((left * min(int(right), MAX_LIST_LENGTH))[:MAX_LIST_LENGTH])
    if operator == "-" and isinstance(right, list):
        return type(left)(element for element in left if element not in right)
    if operator == "<<":
        left.append(right)
        del left[MAX_LIST_LENGTH:]
        return left
    if isinstance(left, Ring) and isinstance(right, (int, float)):
        return Ring(
            apply_ruby_operator(operator, to_number_or_default(element), right) for element in left
        )
    return UNKNOWN


def _apply_arithmetic_operator(operator: str, left: float, right: float) -> Any:
    if operator in "/%" and right == 0 and isinstance(left, int) and isinstance(right, int):
        raise_program_error("a whole number is divided by 0", error_class="ZeroDivisionError")
    try:
        if operator == "/":
            is_integer_division = isinstance(left, int) and isinstance(right, int)
            return left // right if is_integer_division else left / right
        if operator == "**":
            return float(left) ** right if abs(left) < 1e6 and abs(right) < 50 else UNKNOWN
        calculate = _CALCULATIONS.get(operator)
        result = UNKNOWN if calculate is None else calculate(left, right)
    except (ArithmeticError, ValueError, TypeError):
        return UNKNOWN
    is_too_large = isinstance(result, (int, float)) and abs(result) > MAX_MAGNITUDE
    return UNKNOWN if is_too_large else result


_CALCULATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "+": python_operators.add,
    "-": python_operators.sub,
    "*": python_operators.mul,
    "%": python_operators.mod,
    "<": python_operators.lt,
    ">": python_operators.gt,
    "<=": python_operators.le,
    ">=": python_operators.ge,
    "<=>": lambda left, right: (left > right) - (left < right),
    "&": lambda left, right: int(left) & int(right),
    "|": lambda left, right: int(left) | int(right),
    ">>": lambda left, right: int(left) >> min(max(int(right), 0), 64),
    "^": lambda left, right: int(left) ^ int(right),
}
