"""The examples in the docstrings of core.programs run and give the documented results."""

from __future__ import annotations

import doctest

import pytest

from core.programs import cli_parameter_syntax, jinja_template, template_variants
from core.programs.grammar import program_composer


@pytest.mark.parametrize(
    "module", [template_variants, jinja_template, cli_parameter_syntax, program_composer]
)
def test_examples_run(module):
    result = doctest.testmod(module)
    assert result.attempted > 0 and result.failed == 0
