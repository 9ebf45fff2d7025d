"""Do two kinds of distances between the same programs agree, and could that be chance?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from core.evaluation.validation import normalize_rows


@dataclass(frozen=True)
class DistanceCorrelation:
    """How distances in two spaces correlate over all pairs of programs.

    Attributes
    ----------
    pearson, spearman : float
        In [-1, 1]; nan where all distances of a space are equal, or for fewer than 3 rows.
    pearson_p, spearman_p : float
        Parametric, two-sided. They take the pairs for independent, which they aren't.
    pearson_mantel_p, spearman_mantel_p : float
        Of the permutation test, two-sided.
    pairs : int
    """

    pearson: float
    pearson_p: float
    pearson_mantel_p: float
    spearman: float
    spearman_p: float
    spearman_mantel_p: float
    pairs: int


def compute_pair_distances(x: np.ndarray) -> np.ndarray:
    """Cosine distances of all pairs of rows [n, d]: float64 [n(n-1)/2], in the order of (0, 1),
    (0, 2) … (1, 2) …; each in [0, 2]."""
    rows = normalize_rows(x).double().numpy()
    first, second = np.triu_indices(len(rows), 1)
    return 1 - (rows @ rows.T)[first, second]


def correlate_distances(
    a: np.ndarray, b: np.ndarray, *, permutations: int = 9999, seed: int = 0
) -> DistanceCorrelation:
    """Correlate two sets of distances over the same pairs, with both kinds of p.

    Parameters
    ----------
    a, b : array, float [n(n-1)/2]
        As of `pair_distances`.
    permutations : int
        0 leaves the permutation test out (its p values are nan).
    seed : int
        Of the permutations.

    Notes
    -----
    The permutation test is Mantel, "The detection of disease clustering and a generalized
    regression approach", Cancer Research 1967: programs of one space are relabelled, so
    that the distances of one program stay together. p = (1 + as extreme) / (1 + permutations).
    """
    nan = float("nan")
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return DistanceCorrelation(nan, nan, nan, nan, nan, nan, len(a))
    pearson, spearman = stats.pearsonr(a, b), stats.spearmanr(a, b)
    mantel = [nan, nan]
    if permutations:
        ranked = stats.rankdata(a), stats.rankdata(b)
        mantel = [_run_mantel_test(*pair, permutations, seed) for pair in ((a, b), ranked)]
    return DistanceCorrelation(
        float(pearson.statistic),
        float(pearson.pvalue),
        mantel[0],
        float(spearman.statistic),
        float(spearman.pvalue),
        mantel[1],
        len(a),
    )


def _run_mantel_test(a: np.ndarray, b: np.ndarray, permutations: int, seed: int) -> float:
    n = round((1 + np.sqrt(1 + 8 * len(a))) / 2)
    first, second = np.triu_indices(n, 1)
    square = np.zeros((n, n))
    square[first, second] = square[second, first] = b - b.mean()
    a = a - a.mean()
    # Every permutation has the same spread, so the sum of products orders them as r does.
    found = abs(a @ square[first, second])
    rng = np.random.default_rng(seed)
    extreme = 0
    for _ in range(permutations):
        order = rng.permutation(n)
        extreme += abs(a @ square[order[first], order[second]]) >= found * (1 - 1e-12)
    return float((1 + extreme) / (1 + permutations))


def rank_disagreeing_pairs(a: np.ndarray, b: np.ndarray, max_pairs: int) -> np.ndarray:
    """Pairs that are near in `a` and far in `b`, the most so first: int [count].

    Nearness is by rank among all pairs, so the two spaces' scales don't matter.
    """
    gap = stats.rankdata(b) - stats.rankdata(a)
    return np.argsort(-gap, kind="stable")[:max_pairs]
