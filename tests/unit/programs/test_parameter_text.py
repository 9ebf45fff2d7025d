"""Tests of template parameters as text of the option --set."""

from __future__ import annotations

import doctest
from typing import Any

import pytest

from core.programs import ChoiceSubset, NumberRange, cli_parameter_syntax


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (60, "60"),
        (0.5, "0.5"),
        (True, "true"),
        ("saw", "saw"),
        (NumberRange(50, 55), "50..55"),
        (NumberRange(0.25, 1), "0.25..1"),
        (ChoiceSubset(("saw", "beep")), "saw|beep"),
        (ChoiceSubset((1, 2)), "1|2"),
    ],
)
def test_a_value_survives_its_text(value: Any, text: str) -> None:
    assert cli_parameter_syntax.format_parameter_text(value) == text
    assert cli_parameter_syntax.parse_parameter_text(text) == value


def test_examples_run() -> None:
    result = doctest.testmod(cli_parameter_syntax)
    assert result.attempted > 0 and result.failed == 0
