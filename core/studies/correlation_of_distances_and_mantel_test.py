"""Distance matrices: pair distances, their correlation and the Mantel test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from core.evaluation.array_validation_and_normalization import normalize_rows

MIN_PAIRS = 3


@dataclass(frozen=True)
class DistanceCorrelation:
    """Correlation of the distances in two spaces over all pairs of programs.

    Attributes
    ----------
    pearson, spearman : float
        In [-1, 1]; nan where all distances of a space are equal, or with fewer than 3 pairs.
    pearson_p, spearman_p : float
        Parametric p values, two-sided. They treat pairs as independent, although pairs that
        share a program are not.
    pearson_mantel_p, spearman_mantel_p : float
        p values of the Mantel test, two-sided.
    pairs : int
    """

    pearson: float
    pearson_p: float
    pearson_mantel_p: float
    spearman: float
    spearman_p: float
    spearman_mantel_p: float
    pairs: int


def compute_pair_distances(embeddings: np.ndarray) -> np.ndarray:
    """Return the cosine distances of all pairs of rows.

    Parameters
    ----------
    embeddings : array, float [n, d]

    Returns
    -------
    array, float64 [n(n-1)/2]
        In [0, 2], in the order (0, 1), (0, 2) … (1, 2) …
    """
    rows = normalize_rows(embeddings).double().numpy()
    first, second = np.triu_indices(len(rows), 1)
    return 1 - (rows @ rows.T)[first, second]


def correlate_distances(
    a: np.ndarray, b: np.ndarray, *, permutations: int = 9999, seed: int = 0
) -> DistanceCorrelation:
    """Correlate two sets of distances over the same pairs, with both kinds of p value.

    Parameters
    ----------
    a, b : array, float [n(n-1)/2]
        As returned by `compute_pair_distances`.
    permutations : int
        With 0 there is no Mantel test, and its p values are nan.
    seed : int
        Seed of the permutations.

    Notes
    -----
    Mantel, "The detection of disease clustering and a generalized regression approach", Cancer
    Research 1967. Programs of one space are permuted, so the distances of one program stay
    together. p = (1 + number of permutations at least as extreme) / (1 + permutations).
    """
    nan = float("nan")
    if len(a) < MIN_PAIRS or np.ptp(a) == 0 or np.ptp(b) == 0:
        return DistanceCorrelation(nan, nan, nan, nan, nan, nan, len(a))
    pearson, spearman = stats.pearsonr(a, b), stats.spearmanr(a, b)
    pearson_mantel_p = spearman_mantel_p = nan
    if permutations:
        pearson_mantel_p = _run_mantel_test(a, b, permutations, seed)
        ranks_a, ranks_b = stats.rankdata(a), stats.rankdata(b)
        spearman_mantel_p = _run_mantel_test(ranks_a, ranks_b, permutations, seed)
    return DistanceCorrelation(
        pearson=float(pearson.statistic),
        pearson_p=float(pearson.pvalue),
        pearson_mantel_p=pearson_mantel_p,
        spearman=float(spearman.statistic),
        spearman_p=float(spearman.pvalue),
        spearman_mantel_p=spearman_mantel_p,
        pairs=len(a),
    )


def _run_mantel_test(a: np.ndarray, b: np.ndarray, permutations: int, seed: int) -> float:
    n = round((1 + np.sqrt(1 + 8 * len(a))) / 2)
    first, second = np.triu_indices(n, 1)
    square = np.zeros((n, n))
    square[first, second] = square[second, first] = b - b.mean()
    a = a - a.mean()
    # Every permutation has the same variance, so sums of products are ordered as correlations.
    observed = abs(a @ square[first, second])
    rng = np.random.default_rng(seed)
    extreme_count = 0
    for _ in range(permutations):
        order = rng.permutation(n)
        permuted = abs(a @ square[order[first], order[second]])
        extreme_count += int(permuted >= observed * (1 - 1e-12))
    return float((1 + extreme_count) / (1 + permutations))


def list_most_disagreeing_pairs(a: np.ndarray, b: np.ndarray, max_pairs: int) -> np.ndarray:
    """Return pairs that are near in `a` and far in `b`, largest disagreement first: int [count].

    Distances are compared by their rank among all pairs, so scales do not matter.
    """
    rank_difference = stats.rankdata(b) - stats.rankdata(a)
    return np.argsort(-rank_difference, kind="stable")[:max_pairs]
