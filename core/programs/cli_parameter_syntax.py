"""Template parameters as text on the command line: "60", "50..55", "saw|beep"."""

from __future__ import annotations

from typing import Any

from core.programs.template_parameters import ChoiceSubset, NumberRange, format_ruby_value


def format_parameter_text(value: Any) -> str:
    """Format a parameter's value for the option ``--set``.

    Parameters
    ----------
    value : object
        A value, a `NumberRange` or a `ChoiceSubset`.

    Examples
    --------
    >>> format_parameter_text(NumberRange(50, 55))
    '50..55'
    """
    if isinstance(value, NumberRange):
        return f"{format_ruby_value(value.lo)}..{format_ruby_value(value.hi)}"
    if isinstance(value, ChoiceSubset):
        return "|".join(format_ruby_value(choice) for choice in value.choices)
    return format_ruby_value(value)


def parse_parameter_text(text: str) -> Any:
    """Parse what `format_parameter_text` returns.

    Examples
    --------
    >>> parse_parameter_text("saw|beep")
    ChoiceSubset(choices=('saw', 'beep'))
    """
    if "|" in text:
        return ChoiceSubset(tuple(_parse_scalar_text(part) for part in text.split("|")))
    low, dots, high = text.partition("..")
    minimum, maximum = _parse_scalar_text(low), _parse_scalar_text(high)
    if dots and isinstance(minimum, (int, float)) and isinstance(maximum, (int, float)):
        return NumberRange(minimum, maximum)
    return _parse_scalar_text(text)


def _parse_scalar_text(text: str) -> str | int | float | bool:
    """Return a number or truth value if the text is one, else the text."""
    if text in ("true", "false"):
        return text == "true"
    for number_type in (int, float):
        try:
            return number_type(text)
        except ValueError:
            pass
    return text
