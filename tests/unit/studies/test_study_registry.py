"""Names and options of studies."""

from __future__ import annotations

import pytest

from core.errors import EarshotError
from core.studies.study_registry import STUDIES, fill_default_study_options, get_study


def test_every_study_has_a_module_that_runs_it():
    for study in STUDIES.values():
        assert callable(study.import_study_module().compute_study_result)
        assert study.title and study.question.endswith("?")


def test_options_keep_their_defaults_unless_given():
    options = fill_default_study_options("correlation", {"seed": 3, "resamples": None})
    assert options["seed"] == 3 and options["resamples"] == 200


def test_an_unknown_study_or_option_is_refused():
    with pytest.raises(EarshotError, match="no study 'correlations'") as error:
        get_study("correlations")
    assert "correlation, perturbation" in error.value.remedy
    with pytest.raises(EarshotError, match="no option 'seeds'"):
        fill_default_study_options("correlation", {"seeds": 3})
