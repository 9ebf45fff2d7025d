"""Metrics of two embedding spaces: CKA, CCA, neighbourhoods, distance correlation, retrieval.

Every function takes ``x`` float [n, d1] and ``y`` float [n, d2], row i of both being the same
program. Computation is done in blocks: 13,500 rows of 768 columns stay within 2 GB. Anything but
matrices of finite numbers with equally many rows raises `EarshotError`. Undefined results are NaN;
each function documents when: too few rows, or a space in which all rows are equal.
"""

from __future__ import annotations

import numpy as np

from core.errors import EarshotError
from core.evaluation.array_validation import (
    COSINE_STEPS_PER_UNIT,
    centre_columns,
    check_paired_arrays,
    normalize_rows,
)
from core.evaluation.cca import CCA, cca, fit_cca
from core.evaluation.nearest_neighbours import find_nearest_other_rows
from core.evaluation.pairwise_distances import distance_pearson, distance_spearman

__all__ = [
    "CCA",
    "cca",
    "cka",
    "compute_hit_rates",
    "count_shared_neighbours",
    "distance_pearson",
    "distance_spearman",
    "fit_cca",
    "jaccard_at_k",
    "median_rank",
    "mrr",
    "normalized_similarity",
    "overlap_at_k",
    "compute_match_ranks",
    "recall_at_k",
]

BLOCK_ROWS = 1024


def cka(x: np.ndarray, y: np.ndarray, *, debiased: bool = False) -> float:
    """Compute the linear centred kernel alignment of two spaces.

    Parameters
    ----------
    x, y : array, float [n, d1] and [n, d2]
    debiased : bool
        Use the unbiased estimate of each HSIC. The plain estimate tends to 1 when dimensions
        outnumber rows, even for independent noise. The unbiased one stays around 0 there, and so
        can be slightly negative.

    Returns
    -------
    float
        In [0, 1] (debiased: at most about 1); 1 for spaces that differ only by rotation, scale
        and shift. NaN if all rows of a space are equal, for fewer than 2 rows (debiased: 4), or
        if the debiased HSIC of a space with itself is not positive.

    Notes
    -----
    Kornblith, Norouzi, Lee & Hinton, "Similarity of Neural Network Representations Revisited",
    ICML 2019. The unbiased HSIC is that of Song, Smola, Gretton, Bedo & Borgwardt, "Feature
    Selection via Dependence Maximization", JMLR 2012, in terms of features instead of kernels,
    which takes d1 x d2 instead of n x n numbers.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(50, 4))
    >>> round(cka(x, 3 * x + 1), 6)
    1.0
    """
    x, y = check_paired_arrays(x, y)
    if len(x) < (4 if debiased else 2):
        return np.nan
    x, y = centre_columns(x), centre_columns(y)
    hsic_xx, hsic_yy = _compute_hsic(x, x, debiased), _compute_hsic(y, y, debiased)
    if hsic_xx <= 0 or hsic_yy <= 0:
        return np.nan
    return _compute_hsic(x, y, debiased) / float(np.sqrt(hsic_xx) * np.sqrt(hsic_yy))


def _compute_hsic(x: np.ndarray, y: np.ndarray, debiased: bool) -> float:
    """Compute HSIC with linear kernels of centred rows, up to a factor that CKA cancels."""
    if len(x) < min(x.shape[1], y.shape[1]):
        total = float(np.vdot(x @ x.T, y @ y.T))  # equal, and here n x n is the smaller size
    else:
        total = float(np.square(x.T @ y).sum())
    if not debiased:
        return total
    # Song et al. set the diagonals of both kernels to 0. Because rows are centred, the row sums
    # of a kernel are then minus its diagonal, so only the squared lengths of rows are needed.
    n = len(x)
    squares_x, squares_y = np.square(x).sum(axis=1), np.square(y).sum(axis=1)  # 2 x [n]
    correction = squares_x.sum() * squares_y.sum() / ((n - 1) * (n - 2))
    return float(total - squares_x @ squares_y * n / (n - 2) + correction)


def count_shared_neighbours(x: np.ndarray, y: np.ndarray, k: int = 3) -> np.ndarray:
    """Count how many of each row's k nearest rows in `x` are also among its k nearest in `y`.

    Neighbours are by cosine similarity and exclude the row itself. Equally near rows are taken in
    the order of their index.

    Returns
    -------
    array, int [n]
        0 to k for each row. Empty for fewer than k + 2 rows: among k + 1 rows, every row has the
        same neighbours in all spaces.
    """
    x, y = check_paired_arrays(x, y)
    if k < 1:
        raise EarshotError(f"k is {k}.", remedy="Use at least 1 neighbour.")
    if len(x) < k + 2:
        return np.empty(0, dtype=np.int64)
    neighbours_x, neighbours_y = (
        find_nearest_other_rows(x, k)[0],
        find_nearest_other_rows(y, k)[0],
    )  # [n, k]
    return (neighbours_x[:, :, None] == neighbours_y[:, None, :]).sum(axis=(1, 2))


def overlap_at_k(x: np.ndarray, y: np.ndarray, k: int = 3) -> float:
    """Compute the mean share of a row's k nearest rows in `x` that are among them in `y` too.

    Returns
    -------
    float
        In [0, 1]; chance is k / (n - 1). NaN for fewer than k + 2 rows. Neighbours are those of
        `count_shared_neighbours`.
    """
    return _mean_or_nan(count_shared_neighbours(x, y, k) / k)


def jaccard_at_k(x: np.ndarray, y: np.ndarray, k: int = 3) -> float:
    """Compute the mean Jaccard index of the sets of k nearest rows in `x` and in `y`.

    Returns
    -------
    float
        In [0, 1]. NaN for fewer than k + 2 rows. Neighbours are those of
        `count_shared_neighbours`.
    """
    shared = count_shared_neighbours(x, y, k)
    return _mean_or_nan(shared / (2 * k - shared))


def compute_hit_rates(x: np.ndarray, y: np.ndarray, k: int = 1) -> np.ndarray:
    """Compute the probability that row i of `y` is among the k rows nearest to row i of `x`.

    Parameters
    ----------
    x, y : array, float [n, d]
        Queries and searched rows in one space.
    k : int
        At least 1.

    Returns
    -------
    array, float [n]
        1 or 0. In between if rows are equally similar, as if these were shuffled: a space in
        which all rows are equal scores at chance, k / n.
    """
    if k < 1:
        raise EarshotError(f"k is {k}.", remedy="Use at least 1.")
    nearer, equal = _count_nearer_rows(x, y)
    return ((k - nearer) / (equal + 1)).clip(0, 1)


def recall_at_k(x: np.ndarray, y: np.ndarray, k: int = 1) -> float:
    """Compute the share of rows of `x` whose own row of `y` is among the k nearest.

    ``recall_at_k(code, audio, k)`` is code to audio; swap the arguments for the other direction.

    Returns
    -------
    float
        In [0, 1]; chance is k / n. NaN without rows. See `compute_hit_rates`.
    """
    return _mean_or_nan(compute_hit_rates(x, y, k))


def compute_match_ranks(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Rank row i of `y` by its similarity to row i of `x`, among all rows of `y`.

    Parameters
    ----------
    x, y : array, float [n, d]
        Queries and searched rows in one space.

    Returns
    -------
    array, float [n]
        1 is the nearest, n the farthest; equally similar rows share their mean rank.
    """
    nearer, equal = _count_nearer_rows(x, y)
    return 1 + nearer + equal / 2


def mrr(x: np.ndarray, y: np.ndarray) -> float:
    """Compute the mean reciprocal rank of the matches, in (0, 1]; NaN without rows.

    See Also
    --------
    compute_match_ranks : The ranks.
    """
    return _mean_or_nan(1 / compute_match_ranks(x, y))


def median_rank(x: np.ndarray, y: np.ndarray) -> float:
    """Compute the median rank of the matches, 1 to n; NaN without rows.

    See Also
    --------
    compute_match_ranks : The ranks.
    """
    ranks = compute_match_ranks(x, y)
    return float(np.median(ranks)) if len(ranks) else np.nan


def normalized_similarity(
    retrieved_rows: np.ndarray,
    query_audio: np.ndarray,
    base_audio: np.ndarray,
    *,
    per_query_scale: bool = False,
) -> np.ndarray:
    """Compute how much of the similarity that is possible the retrieved clips reach.

    (similarity of the retrieved k - corpus mean) / (similarity of the true top k - corpus mean),
    where similarity is the mean cosine similarity to the query's own clip.

    Parameters
    ----------
    retrieved_rows : array, int [m, k]
        For each query the rows of `base_audio` that were retrieved, in whatever space.
    query_audio : array, float [m, d]
        Raw audio embeddings of the queries' own clips.
    base_audio : array, float [n, d]
        Raw audio embeddings of the clips that can be retrieved.
    per_query_scale : bool
        Divide by the denominator of each query instead of its mean over all queries. Each value
        then depends on its own query alone, but a query without near clips has more weight.

    Returns
    -------
    array, float [m]
        The mean over queries is 0 for random clips and 1 for the k truly nearest. NaN where all
        clips are equally near; empty if there are no retrieved rows.
    """
    if retrieved_rows.size == 0:
        return np.empty(0)
    queries, base = normalize_rows(query_audio), normalize_rows(base_audio)  # [m, d], [n, d]
    k = retrieved_rows.shape[1]
    reached, corpus_mean, best = (np.empty(len(queries)) for _ in range(3))
    for start in range(0, len(queries), BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        similarities = (queries[block] @ base.T).double().numpy()  # [b, n]
        reached[block] = np.take_along_axis(similarities, retrieved_rows[block], axis=1).mean(
            axis=1
        )
        corpus_mean[block] = similarities.mean(axis=1)
        best[block] = np.partition(similarities, -k, axis=1)[:, -k:].mean(axis=1)
    scale = best - corpus_mean if per_query_scale else (best - corpus_mean).mean()
    # Below the rounding error of a cosine, all clips count as equally near.
    return (reached - corpus_mean) / np.where(scale > 1 / COSINE_STEPS_PER_UNIT, scale, np.nan)


def _count_nearer_rows(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Count the rows of y nearer to row i of x than row i of y, and those equally near."""
    queries, base = normalize_rows(x), normalize_rows(y)  # [n, d]
    if queries.shape != base.shape:
        raise EarshotError(
            f"Spaces of shape {tuple(queries.shape)} and {tuple(base.shape)} cannot search"
            " each other.",
            remedy="Retrieval needs one row per program in one shared space.",
        )
    nearer, equal = np.empty(len(base)), np.empty(len(base))
    for start in range(0, len(base), BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        cosines = (queries[block] @ base.T).mul_(COSINE_STEPS_PER_UNIT).round_()  # [b, n]
        matches = cosines.diagonal(offset=start)[:, None]  # [b, 1]
        nearer[block] = (cosines > matches).sum(dim=1).numpy()
        equal[block] = (cosines == matches).sum(dim=1).numpy() - 1
    return nearer, equal


def _mean_or_nan(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else np.nan
