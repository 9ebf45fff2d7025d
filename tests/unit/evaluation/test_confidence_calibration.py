"""Confidence: its features, its calibration, and that a higher level is right more often."""

from __future__ import annotations

import numpy as np
import pytest

from core.evaluation import confidence_calibration
from core.evaluation.confidence_calibration import (
    ConfidenceCalibration,
    classify_confidence_level,
    compute_confidence_features,
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def test_features_equal_their_definitions(rng: np.random.Generator) -> None:
    retrieved_audio, similarities = rng.normal(size=(4, 5, 7)), rng.uniform(size=(4, 5))
    features = compute_confidence_features(
        retrieved_audio, similarities, np.arange(4.0), np.arange(4.0) + 9
    )
    unit = retrieved_audio / np.linalg.norm(retrieved_audio, axis=2, keepdims=True)
    pairs = [(a, b) for a in range(5) for b in range(5) if a != b]
    expected = [np.mean([rows[a] @ rows[b] for a, b in pairs]) for rows in unit]
    np.testing.assert_allclose(features[:, 0], expected, atol=1e-6)
    np.testing.assert_allclose(features[:, 1], np.arange(4.0))
    np.testing.assert_allclose(features[:, 2], similarities.mean(axis=1))
    np.testing.assert_allclose(features[:, 3], np.arange(4.0) + 9)


@pytest.fixture
def labelled_features(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features [800, 3], whether each prediction was correct, and the true probability of it."""
    features = rng.normal(size=(800, 3))
    probability = 1 / (1 + np.exp(-2 * features[:, 0]))
    return features, rng.uniform(size=800) < probability, probability


def test_predictions_of_a_higher_level_are_right_more_often(
    labelled_features: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    features, is_correct, probability = labelled_features
    fitted = ConfidenceCalibration.fit_confidence_to_outcomes(features[:400], is_correct[:400])
    assert fitted is not None
    predicted = fitted.predict_correctness_probability(features[400:])
    levels = np.array([classify_confidence_level(p) for p in predicted])
    shares = [
        is_correct[400:][levels == level].mean()
        for level in (
            confidence_calibration.LOW,
            confidence_calibration.MEDIUM,
            confidence_calibration.HIGH,
        )
    ]
    assert shares[0] < 1 / 3 < shares[1] < 2 / 3 < shares[2]
    assert np.abs(predicted - probability[400:]).mean() < 0.08


def test_irrelevant_features_give_the_share_of_all(rng: np.random.Generator) -> None:
    fitted = ConfidenceCalibration.fit_confidence_to_outcomes(
        rng.normal(size=(600, 3)), rng.uniform(size=600) < 0.3
    )
    assert fitted is not None
    assert fitted.predict_correctness_probability(rng.normal(size=(9, 3))) == pytest.approx(
        0.3, abs=0.12
    )


def test_too_few_programs_of_one_outcome_are_not_fitted(rng: np.random.Generator) -> None:
    features = rng.normal(size=(200, 3))
    assert ConfidenceCalibration.fit_confidence_to_outcomes(features, np.arange(200) < 10) is None
    assert ConfidenceCalibration.fit_confidence_to_outcomes(features, np.ones(200, bool)) is None


def test_dict_round_trip_changes_nothing_and_predictions_do_not_extrapolate(
    labelled_features: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    fitted = ConfidenceCalibration.fit_confidence_to_outcomes(*labelled_features[:2])
    assert fitted is not None
    loaded = ConfidenceCalibration.from_dict(fitted.to_dict())
    assert loaded == fitted
    far = np.array([[1e9, 0, 0], [3 * fitted.scale[0] + fitted.mean[0], 0, 0]])
    probabilities = loaded.predict_correctness_probability(far)
    assert probabilities[0] == pytest.approx(probabilities[1])
    assert 0 < probabilities[0] < 1


def test_transformed_log_odds_are_steeper_and_higher() -> None:
    calibration = ConfidenceCalibration((0.0, 1.0), (1.0, 2.0), (0.5, -0.2), 0.1, 100, 0.5)
    features = np.array([[0.3, 0.7], [-1.0, 2.0], [9.0, -9.0]])
    before = calibration.predict_correctness_probability(features)
    after = calibration.scale_and_shift_log_odds(1.6, 0.5).predict_correctness_probability(features)
    expected = 1.6 * np.log(before / (1 - before)) + 0.5
    np.testing.assert_allclose(np.log(after / (1 - after)), expected, rtol=1e-9)
