"""Confidence of predictions: its calibration on held-out templates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.alignment import AlignmentConfig
from core.search import confidence_fitting
from core.search.confidence_fitting import (
    CONFIDENCE_KEYS,
    TrainingSet,
    collect_calibration_data,
    fit_confidence_calibrations,
)

CONFIG = AlignmentConfig(width=16, dim=8, layers=2, epochs=3, patience=0, device="cpu")
GROUPS = [f"template-{row % 8}" for row in range(160)]


@pytest.fixture
def training_set() -> TrainingSet:
    rng = np.random.default_rng(0)
    latent = rng.normal(size=(len(GROUPS), 6))
    code, audio = (
        np.tanh(latent @ rng.normal(size=(6, dim))).astype(np.float32) for dim in (24, 12)
    )
    return TrainingSet(code, audio, np.arange(len(GROUPS)) % 5 == 0)


def test_every_pair_is_predicted_once_by_heads_that_did_not_see_its_group(
    training_set: TrainingSet,
) -> None:
    calls = []
    data = collect_calibration_data(training_set, GROUPS, CONFIG, lambda *call: calls.append(call))
    assert set(data) == set(CONFIDENCE_KEYS) == {"code->audio", "audio->code"}
    for features, similarities in data.values():
        assert features.shape == (len(GROUPS), 4) and similarities.shape == (len(GROUPS),)
        assert np.isfinite(features).all() and np.isfinite(similarities).all()
        assert 0 < similarities.mean() < 1
    assert [call[:3] for call in calls] == [("Calibrating confidence", n, 3) for n in range(4)]


def test_calibration_data_are_the_same_for_the_same_seed(training_set: TrainingSet) -> None:
    first, second, other = (
        collect_calibration_data(training_set, GROUPS, replace(CONFIG, seed=seed))
        for seed in (0, 0, 1)
    )
    for direction in CONFIDENCE_KEYS:
        assert np.array_equal(first[direction].features, second[direction].features)
        assert np.array_equal(first[direction].similarities, second[direction].similarities)
        assert not np.array_equal(first[direction].features, other[direction].features)


def test_no_more_than_the_maximum_of_queries_is_predicted_per_fold(
    training_set: TrainingSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confidence_fitting, "MAX_QUERIES_PER_FOLD", 10)
    data = collect_calibration_data(training_set, GROUPS, CONFIG)
    assert [len(part.features) for part in data.values()] == [3 * 10, 3 * 10]


def test_too_few_templates_or_programs_are_not_calibrated(training_set: TrainingSet) -> None:
    assert fit_confidence_calibrations(training_set, ["one"] * len(GROUPS), CONFIG) == {}
    few = TrainingSet(
        training_set.code_embeddings[:50],
        training_set.audio_embeddings[:50],
        training_set.is_validation[:50],
    )
    assert fit_confidence_calibrations(few, GROUPS[:50], CONFIG) == {}
