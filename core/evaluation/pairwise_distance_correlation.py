"""Pearson and Spearman correlation of all pairwise cosine distances, computed block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from core.evaluation.array_validation_and_normalization import (
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


def iterate_paired_distance_blocks(
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
        yield _compute_distance_block(unit_x, start), _compute_distance_block(unit_y, start)


def _compute_distance_block(unit_rows: Tensor, start: int) -> np.ndarray:
    """Compute the distances of a block of rows to all later rows, each pair once: int32 [p]."""
    n = len(unit_rows)
    stop = min(start + BLOCK_ROWS, n)
    # The columns to the right of the diagonal.
    is_later = torch.ones(stop - start, n - start, dtype=torch.bool).triu_(1)
    cosines = (unit_rows[start:stop] @ unit_rows[start:].T)[is_later]
    return quantise_cosine_distances(1 - cosines).numpy()


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
    return _compute_pearson_of_blocks(lambda: iterate_paired_distance_blocks(x, y))


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
        blocks = list(iterate_paired_distance_blocks(x, y))
        if not blocks:
            return np.nan
        ranks_x, ranks_y = (
            pd.Series(np.concatenate(distances)).rank().to_numpy()
            for distances in zip(*blocks, strict=True)
        )
        return _compute_pearson_of_blocks(lambda: [(ranks_x, ranks_y)])
    rank_by_level_x, rank_by_level_y = (
        rank_distance_levels(count_distance_levels(normalize_rows(z))) for z in (x, y)
    )
    return _compute_pearson_of_blocks(
        lambda: (
            (rank_by_level_x[a], rank_by_level_y[b])
            for a, b in iterate_paired_distance_blocks(x, y)
        )
    )


def count_distance_levels(unit_rows: Tensor) -> np.ndarray:
    """Count the pairs of rows at each level of cosine distance.

    Parameters
    ----------
    unit_rows : Tensor, float32 [n, d]
        As `core.evaluation.array_validation_and_normalization.normalize_rows` returns them.

    Returns
    -------
    array, int64 [levels]
    """
    counts = np.zeros(DISTANCE_LEVELS, dtype=np.int64)
    for start in range(0, len(unit_rows) - 1, BLOCK_ROWS):
        counts += np.bincount(_compute_distance_block(unit_rows, start), minlength=DISTANCE_LEVELS)
    return counts


def rank_distance_levels(counts: np.ndarray) -> np.ndarray:
    """Return the mean rank of the pairs at each level of distance, from 1: float64 [levels]."""
    ranks: np.ndarray = counts.cumsum(axis=-1) - (counts - 1) / 2
    return ranks


def _compute_pearson_of_blocks(make_blocks: Callable[[], DistanceBlocks]) -> float:
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
