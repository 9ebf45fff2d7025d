"""Pearson and Spearman correlation of all pairwise cosine distances, computed block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pandas as pd
import torch

from core.evaluation.array_validation import (
    COSINE_STEPS_PER_UNIT,
    check_equal_row_counts,
    normalize_rows,
    quantise_cosine_distances,
)

BLOCK_ROWS = 1024
DISTANCE_LEVELS = int(2 * COSINE_STEPS_PER_UNIT) + 1  # cosine distances lie in [0, 2]
MAX_PAIRS_TO_SORT = 2_000_000
"""Number of pairs up to which sorting is faster than a table of the ranks of all levels."""

DistanceBlocks = Iterable[tuple[np.ndarray, np.ndarray]]


def iterate_distance_blocks(
    x: np.ndarray, y: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the cosine distances of the same pairs of rows in two spaces.

    Parameters
    ----------
    x, y : array, float [n, d1] and [n, d2]

    Yields
    ------
    (int32 [p], int32 [p])
        Distances in steps of 2**-20. All blocks together hold the n(n-1)/2 pairs of rows.
    """
    unit_x, unit_y = normalize_rows(x), normalize_rows(y)
    check_equal_row_counts(unit_x, unit_y)
    n = len(unit_x)
    for start in range(0, n - 1, BLOCK_ROWS):
        stop = min(start + BLOCK_ROWS, n)
        # Each pair once: the columns to the right of the diagonal.
        is_later = torch.ones(stop - start, n - start, dtype=torch.bool).triu_(1)
        distances_x, distances_y = (
            quantise_cosine_distances(1 - (z[start:stop] @ z[start:].T)[is_later]).numpy()
            for z in (unit_x, unit_y)
        )
        yield distances_x, distances_y


def distance_pearson(x: np.ndarray, y: np.ndarray) -> float:
    """Compute the Pearson correlation of the pairwise cosine distances in two spaces.

    Parameters
    ----------
    x, y : array, float [n, d1] and [n, d2]

    Returns
    -------
    float
        In [-1, 1]. NaN for fewer than 3 rows, or if all distances of a space are equal.
        Distances are rounded to steps of 2**-20.
    """
    return _correlate_blocks(lambda: iterate_distance_blocks(x, y))


def distance_spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Compute the Spearman correlation of the pairwise cosine distances in two spaces.

    Parameters
    ----------
    x, y : array, float [n, d1] and [n, d2]

    Returns
    -------
    float
        In [-1, 1]; equal distances share their mean rank. NaN for fewer than 3 rows, or if all
        distances of a space are equal. Distances are rounded to steps of 2**-20, so that a table
        of 2**21 ranks replaces sorting 90 million numbers.
    """
    if len(x) * (len(x) - 1) // 2 <= MAX_PAIRS_TO_SORT:
        blocks = list(iterate_distance_blocks(x, y))
        if not blocks:
            return np.nan
        ranks_x, ranks_y = (
            pd.Series(np.concatenate(distances)).rank().to_numpy()
            for distances in zip(*blocks, strict=True)
        )
        return _correlate_blocks(lambda: [(ranks_x, ranks_y)])
    rank_by_level_x, rank_by_level_y = _build_rank_tables(iterate_distance_blocks(x, y))
    return _correlate_blocks(
        lambda: ((rank_by_level_x[a], rank_by_level_y[b]) for a, b in iterate_distance_blocks(x, y))
    )


def _build_rank_tables(blocks: DistanceBlocks) -> np.ndarray:
    """Compute the mean rank of each distance level in both spaces: float64 [2, levels]."""
    counts = np.zeros((2, DISTANCE_LEVELS), dtype=np.int64)
    for pair in blocks:
        for count, distances in zip(counts, pair, strict=True):
            count += np.bincount(distances, minlength=DISTANCE_LEVELS)
    return counts.cumsum(axis=1) - (counts - 1) / 2


def _correlate_blocks(make_blocks: Callable[[], DistanceBlocks]) -> float:
    """Compute the Pearson correlation of numbers that come in blocks; NaN for fewer than 2.

    The first number is subtracted from all others before they are summed: constant numbers then
    have a variance of exactly 0, and small variations around a large mean keep their digits.
    """
    count = 0
    first_a = first_b = 0.0
    sums = np.zeros(5)  # of a, b, aa, bb, ab
    for a, b in make_blocks():
        if count == 0:
            first_a, first_b = float(a[0]), float(b[0])
        a, b = a - first_a, b - first_b  # releases the arrays of the block
        count += len(a)
        sums += (a.sum(), b.sum(), a @ a, b @ b, a @ b)
    if count < 2:
        return np.nan
    mean_a, mean_b, aa, bb, ab = sums / count
    variance_product = (aa - mean_a * mean_a) * (bb - mean_b * mean_b)
    if not variance_product > 0:
        return np.nan
    return float(np.clip((ab - mean_a * mean_b) / np.sqrt(variance_product), -1, 1))
