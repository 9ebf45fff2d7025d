"""Reliability of probabilities: bins, calibration error and AUC."""

from __future__ import annotations

import math

import numpy as np
import pytest

from core.evaluation.reliability_bins_and_calibration_error import (
    compute_auc,
    compute_chance_calibration_error,
    compute_reliability_bins,
    expected_calibration_error,
)


def test_bins_have_equal_sizes_and_at_least_fifty_predictions() -> None:
    probabilities = np.linspace(0, 1, 220)
    bins = compute_reliability_bins(probabilities, probabilities > 0.5)
    assert bins["predictions"].tolist() == [55, 55, 55, 55]
    assert bins["fraction correct"].tolist() == [0, 0, 1, 1]
    assert bins["predicted probability"].is_monotonic_increasing
    assert len(compute_reliability_bins(probabilities[:9], probabilities[:9] > 2)) == 3
    assert len(compute_reliability_bins(np.linspace(0, 1, 5000), np.ones(5000, bool))) == 10


def test_the_calibration_error_is_the_mean_difference_of_the_bins() -> None:
    probabilities = np.repeat([0.2, 0.5, 0.9], 10)
    outcomes = np.array([True] * 4 + [False] * 6 + [True] * 5 + [False] * 5 + [True] * 9 + [False])
    assert expected_calibration_error(probabilities, outcomes) == pytest.approx(0.2 / 3)


def test_true_probabilities_have_only_the_error_of_chance() -> None:
    rng = np.random.default_rng(4)
    probabilities = rng.uniform(size=4000)
    outcomes = rng.uniform(size=4000) < probabilities
    chance = compute_chance_calibration_error(probabilities)
    assert expected_calibration_error(probabilities, outcomes) < 2 * chance < 0.04
    assert expected_calibration_error(np.sqrt(probabilities), outcomes) > 5 * chance


def test_auc_is_the_share_of_pairs_in_the_right_order() -> None:
    outcomes = np.array([True, False, True, False])
    assert compute_auc(np.array([0.9, 0.1, 0.4, 0.6]), outcomes) == pytest.approx(3 / 4)
    assert math.isnan(compute_auc(np.array([0.9, 0.1]), np.array([True, True])))
