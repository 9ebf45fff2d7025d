"""Pairs of programs that are near in one space and far apart in another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from core.evaluation.array_validation_and_normalization import (
    COSINE_STEPS_PER_UNIT,
    check_equal_row_counts,
    normalize_rows,
    quantise_cosine_distances,
)

BLOCK_ROWS, BLOCK_COLUMNS = 256, 4096  # a block fits into the processor's cache
RETRY_ROWS = 512
"""Maximum number of rows whose best partner is searched again at once."""
DISTANCE_LEVELS = int(2 * COSINE_STEPS_PER_UNIT) + 1  # cosine distances lie in [0, 2]
IMPOSSIBLE_GAP = -(2**62)
"""A gap that is smaller than that of any pair."""


class Disagreement(NamedTuple):
    """Pairs of rows that are nearer in one space than in the other, the largest gap first.

    Attributes
    ----------
    first, second : int64 [pairs]
        Rows, first < second.
    x_rank, y_rank : float64 [pairs]
        Share of all pairs, in [0, 1], that are nearer than this one in each space. Equally near
        pairs count half.
    """

    first: np.ndarray
    second: np.ndarray
    x_rank: np.ndarray
    y_rank: np.ndarray


def find_disagreeing_row_pairs(
    x: np.ndarray, y: np.ndarray, max_pairs: int = 100
) -> tuple[Disagreement, Disagreement]:
    """Find the pairs of rows that are near in one space and far apart in the other.

    The distance of a pair is its rank among all n(n-1)/2 pairs of the space, so the scales of
    the spaces do not matter. The pair with the largest difference of ranks comes first, then the
    largest among the pairs without these two rows, and so on: each row is in one pair at most.

    Parameters
    ----------
    x, y : array, float [n, d1] and [n, d2]
        Row i of both is the same program.
    max_pairs : int
        Maximum number of pairs. There are fewer if fewer have a higher rank in one space.

    Returns
    -------
    Disagreement
        Near in `x` and far apart in `y`.
    Disagreement
        The reverse.

    Raises
    ------
    EarshotError
        If the spaces are not matrices of finite numbers with equally many rows.

    Notes
    -----
    Exact for cosine distances in steps of 2**-20. The best partner of each row is found first,
    and again among the free rows if it was taken by another row.
    """
    unit_x, unit_y = normalize_rows(x), normalize_rows(y)
    check_equal_row_counts(unit_x, unit_y)
    if len(unit_x) < 2:
        no_pairs = Disagreement(*np.empty((2, 0), np.int64), *np.empty((2, 0)))
        return no_pairs, no_pairs
    gaps = _RankGaps(unit_x, unit_y)
    disagreements = []
    for sign, largest in zip((1, -1), gaps.find_largest_gap_per_row()):
        first, second = _select_disjoint_pairs(gaps, sign, *largest, max_pairs)
        disagreements.append(
            Disagreement(
                np.array(first, np.int64),
                np.array(second, np.int64),
                *gaps.compute_distance_ranks_as_fractions(first, second),
            )
        )
    return disagreements[0], disagreements[1]


class _RankGaps:
    """Rank of each pair in `y` minus its rank in `x`, computed block by block.

    Parameters
    ----------
    x, y : Tensor, float32 [n, d1] and [n, d2]
        Unit rows.
    """

    def __init__(self, x: Tensor, y: Tensor):
        self.x, self.y = x, y
        self.x_ranks, self.y_ranks = _rank_distance_levels(x), _rank_distance_levels(y)

    def find_largest_gap_per_row(self) -> list[tuple[Tensor, Tensor]]:
        """Find the largest gap of each row, with the sign of the gap and with the reverse sign.

        Returns
        -------
        list of (Tensor int64 [n], Tensor int64 [n])
            For each sign the gaps and the rows that have them.
        """
        n = len(self.x)
        largest_by_sign = [
            (torch.full((n,), IMPOSSIBLE_GAP), torch.zeros(n, dtype=torch.int64)) for _ in range(2)
        ]
        for rows, columns in _iterate_pair_blocks(n):
            gap = self._compute_distance_rank_gaps(rows, columns)  # [b, c]
            for sign, (largest, partner) in zip((1, -1), largest_by_sign):
                if rows == columns:  # each pair once, and no row with itself
                    gap[torch.ones_like(gap, dtype=torch.bool).tril_()] = sign * IMPOSSIBLE_GAP
                for side, other_side, dim in ((rows, columns, 1), (columns, rows, 0)):
                    values, positions = gap.max(dim=dim) if sign > 0 else gap.min(dim=dim)
                    values = values * sign
                    is_larger = values > largest[side]
                    largest[side] = torch.where(is_larger, values, largest[side])
                    partner[side] = torch.where(
                        is_larger, positions + other_side.start, partner[side]
                    )
        return largest_by_sign

    def find_largest_gap_per_row_among_free_rows(
        self, rows: Tensor, is_free: Tensor, sign: int
    ) -> tuple[Tensor, Tensor]:
        """Find the largest gap of some rows [m] among the free rows, bool [n]."""
        gap = self._compute_distance_rank_gaps(rows, slice(None)) * sign  # [m, n]
        gap[:, ~is_free] = IMPOSSIBLE_GAP
        gap.scatter_(1, rows[:, None], IMPOSSIBLE_GAP)
        values, positions = gap.max(dim=1)
        return values, positions

    def _compute_distance_rank_gaps(self, rows: slice | Tensor, columns: slice) -> Tensor:
        x_rank = self.x_ranks[_compute_distance_levels(self.x[rows], self.x[columns])]
        y_rank = self.y_ranks[_compute_distance_levels(self.y[rows], self.y[columns])]
        return y_rank.sub_(x_rank)

    def compute_distance_ranks_as_fractions(
        self, first: list[int], second: list[int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Compute the ranks of pairs in `x` and in `y` as shares of all pairs."""
        twice_pair_count = len(self.x) * (len(self.x) - 1)
        shares = []
        for space, ranks in ((self.x, self.x_ranks), (self.y, self.y_ranks)):
            distances = 1 - (space[first] * space[second]).sum(dim=1)
            levels = quantise_cosine_distances(distances)
            shares.append((ranks[levels].double() / twice_pair_count).numpy())
        return shares[0], shares[1]


def _rank_distance_levels(x: Tensor) -> Tensor:
    """Return twice the mean number of pairs that are nearer than each level: int64 [levels]."""
    counts = torch.zeros(DISTANCE_LEVELS, dtype=torch.int64)
    for rows, columns in _iterate_pair_blocks(len(x)):
        levels = _compute_distance_levels(x[rows], x[columns])
        if rows == columns:
            levels = levels[torch.ones_like(levels, dtype=torch.bool).triu_(1)]
        counts += torch.bincount(levels.view(-1), minlength=DISTANCE_LEVELS)
    return 2 * counts.cumsum(0) - counts


def _iterate_pair_blocks(n: int) -> Iterator[tuple[slice, slice]]:
    """Yield rows and columns of blocks that hold each pair, first the one on the diagonal."""
    for start in range(0, n, BLOCK_ROWS):
        rows = slice(start, min(start + BLOCK_ROWS, n))
        yield rows, rows
        for left in range(rows.stop, n, BLOCK_COLUMNS):
            yield rows, slice(left, min(left + BLOCK_COLUMNS, n))


def _compute_distance_levels(a: Tensor, b: Tensor) -> Tensor:
    """Compute the cosine distances [m, n] in steps of 2**-20: int32."""
    return quantise_cosine_distances(1 - a @ b.T)


def _select_disjoint_pairs(
    gaps: _RankGaps, sign: int, largest_gaps: Tensor, partners: Tensor, max_pairs: int
) -> tuple[list[int], list[int]]:
    """Select the pair with the largest gap, then the largest without its rows, and so on."""
    is_free = torch.ones(len(largest_gaps), dtype=torch.bool)
    first: list[int] = []
    second: list[int] = []
    while len(first) < max_pairs:
        row = int(largest_gaps.argmax())
        if not largest_gaps[row] > 0:
            break
        partner = int(partners[row])
        if is_free[partner]:
            first.append(min(row, partner))
            second.append(max(row, partner))
            is_free[[row, partner]] = False
            largest_gaps[[row, partner]] = IMPOSSIBLE_GAP
            continue
        # The partner is taken, as are those of other rows near the top: search again for all.
        stale_rows = (~is_free[partners] & (largest_gaps > 0)).nonzero()[:, 0]
        stale_rows = stale_rows[largest_gaps[stale_rows].argsort(descending=True)[:RETRY_ROWS]]
        largest_gaps[stale_rows], partners[stale_rows] = (
            gaps.find_largest_gap_per_row_among_free_rows(stale_rows, is_free, sign)
        )
    return first, second
