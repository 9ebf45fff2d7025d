"""Names that older versions saved are read as today's names."""

from __future__ import annotations

import pytest

from core.corpus.legacy_saved_names import (
    translate_legacy_alignment_config,
    translate_legacy_alignment_fields,
    translate_legacy_metrics,
    translate_legacy_study_options,
    translate_legacy_sweep_settings,
)
from core.errors import EarshotError


def test_all_fields_of_an_alignment_config_get_todays_names():
    old = {
        "penalty": 1.0,
        "kept_mean": 0.1,
        "kernel_weight": 2.0,
        "soft_weight": 0.5,
        "soft_temperature": 0.4,
        "whiten": 3,
        "warmup": 0.05,
        "objective": "weighted",
        "layers": 2,
    }
    translated = translate_legacy_alignment_config({"alignment": old, "corpus": {"name": "a"}})
    assert translated == {
        "alignment": {
            "l2": 1.0,
            "mean_fraction": 0.1,
            "cka_weight": 2.0,
            "soft_target_weight": 0.5,
            "soft_target_temperature": 0.4,
            "whitening_components": 3,
            "warmup_fraction": 0.05,
            "objective": "weighted_infonce",
            "layers": 2,
        },
        "corpus": {"name": "a"},
    }
    assert translate_legacy_alignment_config(translated) == translated


def test_a_field_under_both_names_is_refused():
    with pytest.raises(EarshotError, match="'l2' is set twice") as error:
        translate_legacy_alignment_fields({"penalty": 1.0, "l2": 2.0}, "my.json")
    assert error.value.where == "my.json" and error.value.remedy == "Remove 'penalty'."


def test_metrics_get_todays_names_and_keep_the_rest():
    old = {
        "epochs": 3,
        "stopped": "asked",
        "readings": [
            {"metric": "foretold@5", "value": 0.5, "reading": "before"},
            {"metric": "cka", "value": 0.1, "reading": "before"},
        ],
        "sureness": {"mean": [1.0], "programs": 33, "right": 0.25},
    }
    translated = translate_legacy_metrics(old)
    assert translated == {
        "epochs": 3,
        "stopped": "cancelled",
        "readings": [
            {"metric": "normalized_similarity@5", "value": 0.5, "reading": "before"},
            {"metric": "cka", "value": 0.1, "reading": "before"},
        ],
        "confidence": {"mean": [1.0], "program_count": 33, "correct_fraction": 0.25},
    }
    assert translate_legacy_metrics(translated) == translated
    assert old["stopped"] == "asked"
    assert translate_legacy_metrics({"sureness": None})["confidence"] is None


def test_sweeps_and_study_options_get_todays_names():
    assert translate_legacy_sweep_settings(
        {"grid": "trade", "trials": [["a", {"penalty": 1.0}]]}
    ) == {
        "grid": "tradeoff",
        "trials": [["a", {"l2": 1.0}]],
    }
    assert translate_legacy_study_options({"ways": "networks", "other_ear": None, "seed": 0}) == {
        "methods": "mlp",
        "holdout_audio_encoder": None,
        "seed": 0,
    }
