"""Former names of studies and options in requests."""

from __future__ import annotations

import pytest

from core.studies.study_runner import translate_former_study_names


def test_former_names_are_translated_with_a_warning():
    former_options = {"ways": "told", "judge": "log-mel", "seed": 1}
    with pytest.warns(FutureWarning, match="is now called") as warnings:
        study_name, options = translate_former_study_names("foretelling", former_options)
    assert study_name == "retrieval"
    assert options == {"methods": "baselines", "eval_encoder": "log-mel", "seed": 1}
    assert len(warnings) == 4  # the study, two options and a value


@pytest.mark.filterwarnings("error")
def test_present_names_give_no_warning():
    options = {"methods": "all", "eval_encoder": "log-mel"}
    assert translate_former_study_names("retrieval", options) == ("retrieval", options)
