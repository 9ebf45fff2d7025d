"""Correlation of pairwise distances, over all n(n-1)/2 pairs but a block at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pandas as pd
import torch

from core.errors import EarshotError
from core.evaluation.validation import COSINE_STEPS_PER_UNIT, normalize_rows

BLOCK_ROWS = 1024
DISTANCE_LEVELS = int(2 * COSINE_STEPS_PER_UNIT) + 1  # a cosine distance lies in [0, 2]
MAX_PAIRS_TO_SORT = 2_000_000  # up to so many pairs sorting is faster than a table of all levels

DistanceBlocks = Iterable[tuple[np.ndarray, np.ndarray]]


def iterate_distance_blocks(x: np.ndarray, y: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield cosine distances of the same pairs of rows in both spaces.

    Parameters
    ----------
    x, y : array, float [n, d1] and [n, d2]

    Yields
    ------
    (int32 [p], int32 [p])
        Distances in steps of 2**-20, over all blocks the n(n-1)/2 pairs of rows.
    """
    x, y = normalize_rows(x), normalize_rows(y)
    if len(x) != len(y):
        raise EarshotError(f"One space has {len(x)} rows and the other {len(y)}.")
    for start in range(0, len(x) - 1, BLOCK_ROWS):
        stop = min(start + BLOCK_ROWS, len(x))
        # Of a block's own square only what is right of the diagonal, and all that follows it.
        later = torch.ones(stop - start, len(x) - start, dtype=torch.bool).triu_(1)
        yield tuple(_quantise_distances(1 - (z[start:stop] @ z[start:].T)[later]) for z in (x, y))


def _quantise_distances(distances: torch.Tensor) -> np.ndarray:
    """Cosine distances [p] as whole steps of 2**-20, 0 to 2**21: int32 [p]."""
    return distances.mul_(COSINE_STEPS_PER_UNIT).round_().clamp_(0, 2 * COSINE_STEPS_PER_UNIT).int().numpy()


def distance_pearson(x: np.ndarray, y: np.ndarray) -> float:
    """Pearson correlation of the n(n-1)/2 pairwise cosine distances in `x` and in `y`.

    Parameters
    ----------
    x, y : array, float [n, d1] and [n, d2]

    Returns
    -------
    float
        In [-1, 1]. nan for fewer than 3 rows, or where all distances of a space are
        equal. Distances are rounded to steps of 2**-20.
    """
    return _correlate_blocks(lambda: iterate_distance_blocks(x, y))


def distance_spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Spearman correlation of the n(n-1)/2 pairwise cosine distances in `x` and in `y`.

    Parameters
    ----------
    x, y : array, float [n, d1] and [n, d2]

    Returns
    -------
    float
        In [-1, 1]; equal distances share their mean rank. nan for fewer than 3 rows, or
        where all distances of a space are equal. Distances are rounded to steps of
        2**-20, so a table of so many ranks replaces sorting 90 million numbers.
    """
    if len(x) * (len(x) - 1) // 2 <= MAX_PAIRS_TO_SORT:
        blocks = list(iterate_distance_blocks(x, y))
        if not blocks:
            return np.nan
        ranked = tuple(
            pd.Series(np.concatenate(space)).rank().to_numpy()
            for space in zip(*blocks, strict=True)
        )
        return _correlate_blocks(lambda: [ranked])
    rank_x, rank_y = _build_rank_tables(iterate_distance_blocks(x, y))  # 2 x [levels]
    return _correlate_blocks(lambda: ((rank_x[a], rank_y[b]) for a, b in iterate_distance_blocks(x, y)))


def _build_rank_tables(blocks: DistanceBlocks) -> np.ndarray:
    """Mean rank of a distance among all of its space, by distance: float64 [2, levels]."""
    counts = np.zeros((2, DISTANCE_LEVELS), dtype=np.int64)
    for pair in blocks:
        for count, distances in zip(counts, pair, strict=True):
            count += np.bincount(distances, minlength=DISTANCE_LEVELS)
    return counts.cumsum(axis=1) - (counts - 1) / 2


def _correlate_blocks(make_blocks: Callable[[], DistanceBlocks]) -> float:
    """Pearson correlation of numbers that come in blocks; nan if there are fewer than 2.

    Sums are taken of what exceeds the first number: exactly 0 for constant numbers, and
    no digits are lost when numbers vary little around a large mean.
    """
    count, first = 0, None
    sums = np.zeros(5)  # of a, b, aa, bb, ab
    for a, b in make_blocks():
        first = (float(a[0]), float(b[0])) if first is None else first
        a, b = a - first[0], b - first[1]
        count += len(a)
        sums += (a.sum(), b.sum(), a @ a, b @ b, a @ b)
    if count < 2:
        return np.nan
    a, b, aa, bb, ab = sums / count
    spread = (aa - a * a) * (bb - b * b)
    return float(np.clip((ab - a * b) / np.sqrt(spread), -1, 1)) if spread > 0 else np.nan
