"""Retrieval from pools of a fixed size, and among the variants of one template.

Recall among all programs of a split depends on how many there are. A pool of fixed size makes
splits and corpora comparable. Pools are not drawn: the expectation over all pools has a closed
form.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from core.evaluation.retrieval_metrics import count_nearer_rows

POOL_SIZES = (100, 1000)
RECALL_KS = (1, 5, 10)


def compute_pooled_retrieval(
    x: np.ndarray, y: np.ndarray, pool_size: int, ks: Sequence[int] = RECALL_KS
) -> dict[str, np.ndarray]:
    """Compute recall and reciprocal rank of each row's match in random pools of other rows.

    Parameters
    ----------
    x, y : array, float [n, d]
        Queries and searched rows in one space; row i of y is the match of row i of x.
    pool_size : int
        Rows of y in a pool, the match included: 2 to n.
    ks : sequence of int

    Returns
    -------
    dict of str to array, float [n]
        "recall@K" for each k, and "mrr": expectations over all pools with the match and
        ``pool_size - 1`` of the other rows. Equally similar rows count as shuffled.

    Notes
    -----
    If a of the n - 1 other rows are nearer than the match, the number of them in a pool is
    hypergeometric: population n - 1, a successes, pool_size - 1 draws. Because
    C(a, h) / (h + 1) = C(a + 1, h + 1) / (a + 1), the expectation of 1 / (1 + h) is
    n / (pool_size (a + 1)) times the probability that a pool drawn from all n rows has one of the
    a + 1.
    """
    nearer, equal = (counts.astype(int) for counts in count_nearer_rows(x, y))
    n = len(nearer)
    others_in_pool = pool_size - 1
    possible = np.arange(n)  # numbers of nearer rows
    values = {
        f"recall@{k}": _average_over_ties(
            np.asarray(stats.hypergeom.cdf(k - 1, n - 1, possible, others_in_pool)), nearer, equal
        )
        for k in ks
    }
    no_nearer = stats.hypergeom.pmf(0, n, possible + 1, pool_size)
    reciprocal = n / (pool_size * (possible + 1)) * (1 - no_nearer)
    return {**values, "mrr": _average_over_ties(np.asarray(reciprocal), nearer, equal)}


def compute_retrieval_within_groups(
    x: np.ndarray, y: np.ndarray, groups: np.ndarray, ks: Sequence[int] = RECALL_KS
) -> dict[str, np.ndarray]:
    """Compute recall and reciprocal rank of each row's match among the rows of its group.

    Parameters
    ----------
    x, y : array, float [n, d]
        Queries and searched rows in one space.
    groups : array [n]
        Template of each row.
    ks : sequence of int

    Returns
    -------
    dict of str to array, float [n]
        "recall@K" for each k, "mrr", and "chance@K", the recall of a random order. NaN for rows
        that are alone in their group.
    """
    _, indices, sizes = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    nearer, equal = count_nearer_rows(x, y, indices)
    group_sizes = sizes[indices]
    is_alone = group_sizes < 2
    values = {f"recall@{k}": ((k - nearer) / (equal + 1)).clip(0, 1) for k in ks}
    values |= {f"chance@{k}": np.minimum(k / group_sizes, 1.0) for k in ks}
    values["mrr"] = 1 / (1 + nearer + equal / 2)
    return {name: np.where(is_alone, np.nan, numbers) for name, numbers in values.items()}


def _average_over_ties(table: np.ndarray, nearer: np.ndarray, equal: np.ndarray) -> np.ndarray:
    """Average table[a] over a = nearer … nearer + equal."""
    sums = np.concatenate([[0.0], np.cumsum(table)])
    averages: np.ndarray = (sums[nearer + equal + 1] - sums[nearer]) / (equal + 1)
    return averages
