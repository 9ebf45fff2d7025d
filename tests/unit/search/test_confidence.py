"""Confidence of predictions: its calibration on held-out templates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.alignment import AlignmentConfig
from core.search import confidence
from core.search.confidence import TrainingSet, collect_calibration_data, fit_confidence_calibration

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
    features, similarities = collect_calibration_data(
        training_set, GROUPS, CONFIG, lambda *call: calls.append(call)
    )
    assert features.shape == (len(GROUPS), 3) and similarities.shape == (len(GROUPS),)
    assert np.isfinite(features).all() and (similarities <= 1 + 1e-6).all()
    assert [call[:3] for call in calls] == [("Calibrating confidence", n, 3) for n in range(4)]


def test_calibration_data_are_the_same_for_the_same_seed(training_set: TrainingSet) -> None:
    first, second, other = (
        collect_calibration_data(training_set, GROUPS, replace(CONFIG, seed=seed))
        for seed in (0, 0, 1)
    )
    assert np.array_equal(first[0], second[0]) and np.array_equal(first[1], second[1])
    assert not np.array_equal(first[0], other[0])


def test_no_more_than_the_maximum_of_queries_is_predicted_per_fold(
    training_set: TrainingSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confidence, "MAX_QUERIES_PER_FOLD", 10)
    features, _ = collect_calibration_data(training_set, GROUPS, CONFIG)
    assert len(features) == 3 * 10


def test_too_few_templates_or_programs_are_not_calibrated(training_set: TrainingSet) -> None:
    assert fit_confidence_calibration(training_set, ["one"] * len(GROUPS), CONFIG) is None
    few = TrainingSet(*(values[:50] for values in vars(training_set).values()))
    assert fit_confidence_calibration(few, GROUPS[:50], CONFIG) is None
