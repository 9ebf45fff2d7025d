"""Whitening of a shared space by the errors of a prediction."""

from __future__ import annotations

import numpy as np
import pytest

from core.alignment.residual_whitening import find_residual_directions, fit_residual_whitening
from core.errors import EarshotError
from core.evaluation.retrieval_metrics import recall_at_k


def test_errors_become_equally_large_in_all_directions() -> None:
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(4, 4))
    true = rng.normal(size=(5000, 4))
    residuals = rng.normal(size=(5000, 4)) @ mixing
    whitening = fit_residual_whitening(true - residuals, true, shrinkage=1e-9)
    covariance = np.cov((residuals @ whitening.matrix).T)
    np.testing.assert_allclose(covariance, np.eye(4), atol=1e-3)
    np.testing.assert_allclose(whitening.matrix, whitening.matrix.T, atol=1e-9)


def test_much_shrinkage_keeps_the_proportions_of_the_space() -> None:
    rng = np.random.default_rng(1)
    true, predicted = rng.normal(size=(2, 200, 3))
    whitening = fit_residual_whitening(predicted, true, shrinkage=1e6)
    scale = whitening.matrix[0, 0]
    np.testing.assert_allclose(whitening.matrix, scale * np.eye(3), atol=1e-3 * scale)


def test_clips_that_differ_where_the_prediction_is_right_are_found() -> None:
    """Large differences are predicted badly and small ones well, as among variants."""
    rng = np.random.default_rng(2)
    true = rng.normal(size=(600, 6)) * [3, 3, 3, 0.3, 0.3, 0.3]
    predicted = true + rng.normal(size=true.shape) * [3, 3, 3, 0.01, 0.01, 0.01]
    whitening = fit_residual_whitening(predicted[:400], true[:400], shrinkage=1e-3)
    before = recall_at_k(predicted[400:], true[400:], 1)
    after = recall_at_k(
        whitening.transform_to_unit_vectors(predicted[400:]),
        whitening.transform_to_unit_vectors(true[400:]),
        1,
    )
    assert before < 0.2 and after > 0.6


def test_one_program_is_not_enough() -> None:
    with pytest.raises(EarshotError, match="at least 2 programs"):
        fit_residual_whitening(np.zeros((1, 3)), np.zeros((1, 3)))


@pytest.mark.parametrize("count", [5, 40])
def test_whitening_is_the_inverse_root_of_the_shrunken_covariance(count: int) -> None:
    """With fewer programs than dimensions too, where the covariance has no inverse."""
    rng = np.random.default_rng(3)
    predicted, true = rng.normal(size=(2, count, 8))
    residuals = (true - predicted) - (true - predicted).mean(axis=0)
    covariance = residuals.T @ residuals / count
    for shrinkage in (0.1, 3.0):
        matrix = find_residual_directions(predicted, true).build_whitening(shrinkage).matrix
        shrunken = covariance + shrinkage * np.trace(covariance) / 8 * np.eye(8)
        np.testing.assert_allclose(matrix @ shrunken @ matrix, np.eye(8), atol=1e-8)
