"""The examples in docstrings of core.studies that need no corpus run."""

from __future__ import annotations

import doctest
from types import ModuleType

import pytest

from core.corpus import legacy_study_results
from core.studies.experiments import hard_negative_generation, sound_preserving_program_rewriter


@pytest.mark.parametrize(
    "module", [sound_preserving_program_rewriter, hard_negative_generation, legacy_study_results]
)
def test_examples_run(module: ModuleType):
    result = doctest.testmod(module)
    assert result.attempted > 0 and result.failed == 0
