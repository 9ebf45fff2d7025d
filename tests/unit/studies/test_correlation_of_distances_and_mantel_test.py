"""Pair distances and the Mantel test, against SciPy and cases of known answer."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import pdist

from core.studies.correlation_of_distances_and_mantel_test import (
    compute_pair_distances,
    correlate_distances,
    list_most_disagreeing_pairs,
)

RNG = np.random.default_rng(3)


def test_distances_and_their_correlation_equal_scipys():
    x, y = RNG.normal(size=(12, 5)), RNG.normal(size=(12, 7))
    a, b = compute_pair_distances(x), compute_pair_distances(y)
    np.testing.assert_allclose(a, pdist(x, "cosine"), atol=1e-6)
    correlation = correlate_distances(a, b, permutations=99)
    assert correlation.pearson == pytest.approx(stats.pearsonr(a, b).statistic)
    assert correlation.spearman_p == pytest.approx(stats.spearmanr(a, b).pvalue)


def test_mantel_test_separates_equal_spaces_from_unrelated_ones():
    a = compute_pair_distances(RNG.normal(size=(15, 4)))
    b = compute_pair_distances(RNG.normal(size=(15, 4)))
    assert correlate_distances(a, a, permutations=199).pearson_mantel_p == pytest.approx(1 / 200)
    assert correlate_distances(a, -a, permutations=0).spearman == pytest.approx(-1)
    assert correlate_distances(a, b, permutations=199).pearson_mantel_p > 0.01
    assert np.isnan(correlate_distances(a, np.ones_like(a)).pearson)


def test_most_disagreeing_pair_is_near_in_the_first_space_and_far_in_the_second():
    assert list_most_disagreeing_pairs(
        np.array([1, 2, 3.0]), np.array([9, 2, 1.0]), 1
    ).tolist() == [0]
