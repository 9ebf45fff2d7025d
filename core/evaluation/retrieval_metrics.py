"""Retrieval between two views of the same programs in one space: recall, ranks, similarity."""

from __future__ import annotations

import numpy as np
import torch

from core.errors import EarshotError
from core.evaluation.array_validation_and_normalization import (
    COSINE_STEPS_PER_UNIT,
    compute_mean_or_nan,
    normalize_rows,
)

BLOCK_ROWS = 1024


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
    nearer, equal = count_nearer_rows(x, y)
    return ((k - nearer) / (equal + 1)).clip(0, 1)


def recall_at_k(x: np.ndarray, y: np.ndarray, k: int = 1) -> float:
    """Compute the share of rows of `x` whose own row of `y` is among the k nearest.

    ``recall_at_k(code, audio, k)`` is code to audio; swap the arguments for the other direction.

    Returns
    -------
    float
        In [0, 1]; chance is k / n. NaN without rows. See `compute_hit_rates`.
    """
    return compute_mean_or_nan(compute_hit_rates(x, y, k))


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
    nearer, equal = count_nearer_rows(x, y)
    return 1 + nearer + equal / 2


def mrr(x: np.ndarray, y: np.ndarray) -> float:
    """Compute the mean reciprocal rank of the matches, in (0, 1]; NaN without rows.

    See Also
    --------
    compute_match_ranks : The ranks.
    """
    return compute_mean_or_nan(1 / compute_match_ranks(x, y))


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


def count_nearer_rows(
    x: np.ndarray, y: np.ndarray, groups: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Count the rows of y nearer to row i of x than row i of y, and those equally near.

    Parameters
    ----------
    x, y : array, float [n, d]
        Queries and searched rows in one space.
    groups : int array [n], optional
        Group of each row, such as its template. Only rows of the query's group are counted.

    Returns
    -------
    nearer, equal : float64 [n]
    """
    queries, base = normalize_rows(x), normalize_rows(y)  # [n, d]
    if queries.shape != base.shape:
        raise EarshotError(
            f"Spaces of shape {tuple(queries.shape)} and {tuple(base.shape)} cannot search"
            " each other.",
            remedy="Retrieval needs one row per program in one shared space.",
        )
    group_of_row = None if groups is None else torch.from_numpy(groups)
    nearer, equal = np.empty(len(base)), np.empty(len(base))
    for start in range(0, len(base), BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        cosines = (queries[block] @ base.T).mul_(COSINE_STEPS_PER_UNIT).round_()  # [b, n]
        matches = cosines.diagonal(offset=start)[:, None].clone()  # [b, 1]
        if group_of_row is not None:
            cosines.masked_fill_(group_of_row[block, None] != group_of_row, -torch.inf)
        nearer[block] = (cosines > matches).sum(dim=1).numpy()
        equal[block] = (cosines == matches).sum(dim=1).numpy() - 1
    return nearer, equal
