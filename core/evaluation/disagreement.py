"""Pairs of programs on which two spaces disagree most, among all pairs but a block at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch

from core.errors import EarshotError
from core.evaluation.validation import COSINE_STEPS_PER_UNIT, normalize_rows

BLOCK_ROWS, BLOCK_COLUMNS = 256, 4096  # a block's numbers stay near the processor
RETRY_ROWS = 512  # rows whose best partner is looked for again at a time
DISTANCE_LEVELS = int(2 * COSINE_STEPS_PER_UNIT) + 1  # a cosine distance lies in [0, 2]
IMPOSSIBLE_GAP = -(2**62)  # a gap that no pair has


class Disagreement(NamedTuple):
    """Pairs of rows that are nearer in one space than in the other, the most so first.

    Attributes
    ----------
    first, second : int64 [pairs]
        Rows, first < second.
    x_rank, y_rank : float64 [pairs]
        Share of all pairs, in [0, 1], that are nearer than this one in each space; equally
        near ones count half.
    """

    first: np.ndarray
    second: np.ndarray
    x_rank: np.ndarray
    y_rank: np.ndarray


def find_disagreements(
    x: np.ndarray, y: np.ndarray, max_pairs: int = 100
) -> tuple[Disagreement, Disagreement]:
    """Pairs of rows that are near in one space and far in the other; each row in one at most.

    How near a pair is, is its rank among all n(n-1)/2 pairs of that space, so that the
    scales of the two don't matter. The pair whose ranks differ most comes first; then, of
    the pairs without its rows, the one whose ranks differ most; and so on.

    Parameters
    ----------
    x, y : array, float [n, d1] and [n, d2]
        Row i of both is the same program.
    max_pairs : int
        How many pairs; fewer come where fewer have a higher rank in one than in the other.

    Returns
    -------
    Disagreement
        Near in `x` and far in `y`.
    Disagreement
        The reverse.

    Raises
    ------
    EarshotError
        When the spaces aren't matrices of finite numbers with equally many rows.

    Notes
    -----
    Exact, in steps of 2**-20 of cosine: each row's best partner is found first, and again
    among what is left where that one was taken by another row.
    """
    x, y = normalize_rows(x), normalize_rows(y)
    if len(x) != len(y):
        raise EarshotError(f"One space has {len(x)} rows and the other {len(y)}.")
    if len(x) < 2:
        nothing = Disagreement(*np.empty((2, 0), np.int64), *np.empty((2, 0)))
        return nothing, nothing
    gaps = _RankGaps(x, y)
    found = []
    for sign, best in zip((1, -1), gaps.find_largest_gaps()):
        first, second = _select_pairs(gaps, sign, *best, max_pairs)
        found.append(
            Disagreement(
                np.array(first, np.int64),
                np.array(second, np.int64),
                *gaps.compute_rank_shares(first, second),
            )
        )
    return found[0], found[1]


class _RankGaps:
    """How much further apart pairs are in `y` than in `x`, by rank among all pairs.

    Parameters
    ----------
    x, y : Tensor, float32 [n, d1] and [n, d2]
        Unit rows.
    """

    def __init__(self, x: torch.Tensor, y: torch.Tensor):
        self.x, self.y = x, y
        self.x_ranks, self.y_ranks = _rank_distance_levels(x), _rank_distance_levels(y)  # 2 x [levels]

    def find_largest_gaps(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Each row's largest gap and the row that has it, 2 x int64 [n]; then the largest the
        other way."""
        n = len(self.x)
        found = [(torch.full((n,), IMPOSSIBLE_GAP), torch.zeros(n, dtype=torch.int64)) for _ in range(2)]
        for rows, columns in _iterate_blocks(n):
            gap = self._compute_gaps(rows, columns)  # [b, c]
            for sign, (most, partner) in zip((1, -1), found):
                if rows == columns:  # each pair once, and no row with itself
                    gap[torch.ones_like(gap, dtype=torch.bool).tril_()] = sign * IMPOSSIBLE_GAP
                for side, other, dim in ((rows, columns, 1), (columns, rows, 0)):
                    values, at = gap.max(dim=dim) if sign > 0 else gap.min(dim=dim)
                    values = values * sign
                    better = values > most[side]
                    most[side] = torch.where(better, values, most[side])
                    partner[side] = torch.where(better, at + other.start, partner[side])
        return found

    def find_largest_among(
        self, rows: torch.Tensor, is_free: torch.Tensor, sign: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The largest gap that way of some rows [m], among those that are free, bool [n]."""
        gap = self._compute_gaps(rows, slice(None)) * sign  # [m, n]
        gap[:, ~is_free] = IMPOSSIBLE_GAP
        gap.scatter_(1, rows[:, None], IMPOSSIBLE_GAP)
        return gap.max(dim=1)

    def _compute_gaps(self, rows: slice | torch.Tensor, columns: slice) -> torch.Tensor:
        near = self.x_ranks[_compute_distance_levels(self.x[rows], self.x[columns])]
        return self.y_ranks[_compute_distance_levels(self.y[rows], self.y[columns])].sub_(near)

    def compute_rank_shares(self, first: list[int], second: list[int]) -> tuple[np.ndarray, np.ndarray]:
        """How near pairs are in `x` and in `y`, as shares of all pairs."""
        twice = len(self.x) * (len(self.x) - 1)
        found = []
        for space, ranks in ((self.x, self.x_ranks), (self.y, self.y_ranks)):
            distances = 1 - (space[first] * space[second]).sum(dim=1)
            found.append((ranks[_quantise_distances(distances)].double() / twice).numpy())
        return found[0], found[1]


def _rank_distance_levels(x: torch.Tensor) -> torch.Tensor:
    """Twice the number of pairs nearer than a level, and once those as near: int64 [levels]."""
    counts = torch.zeros(DISTANCE_LEVELS, dtype=torch.int64)
    for rows, columns in _iterate_blocks(len(x)):
        levels = _compute_distance_levels(x[rows], x[columns])
        if rows == columns:
            levels = levels[torch.ones_like(levels, dtype=torch.bool).triu_(1)]
        counts += torch.bincount(levels.view(-1), minlength=DISTANCE_LEVELS)
    return 2 * counts.cumsum(0) - counts


def _iterate_blocks(n: int) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of blocks that hold each pair: squares on the diagonal, and the rest."""
    for start in range(0, n, BLOCK_ROWS):
        rows = slice(start, min(start + BLOCK_ROWS, n))
        yield rows, rows
        for left in range(rows.stop, n, BLOCK_COLUMNS):
            yield rows, slice(left, min(left + BLOCK_COLUMNS, n))


def _compute_distance_levels(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Cosine distances [m, n] in whole steps of 2**-20: int32."""
    return _quantise_distances(1 - a @ b.T)


def _quantise_distances(distances: torch.Tensor) -> torch.Tensor:
    return distances.mul_(COSINE_STEPS_PER_UNIT).round_().clamp_(0, 2 * COSINE_STEPS_PER_UNIT).int()


def _select_pairs(
    gaps: _RankGaps, sign: int, largest_gaps: torch.Tensor, partners: torch.Tensor, max_pairs: int
) -> tuple[list[int], list[int]]:
    """Take the pair with the largest gap, then the largest without its rows, and so on."""
    free = torch.ones(len(largest_gaps), dtype=torch.bool)
    first: list[int] = []
    second: list[int] = []
    while len(first) < max_pairs:
        row = int(largest_gaps.argmax())
        if not largest_gaps[row] > 0:
            break
        other = int(partners[row])
        if free[other]:
            first.append(min(row, other))
            second.append(max(row, other))
            free[[row, other]] = False
            largest_gaps[[row, other]] = IMPOSSIBLE_GAP
            continue
        # Its partner is taken, and so is that of others near the top: look for others' again.
        stale = (~free[partners] & (largest_gaps > 0)).nonzero()[:, 0]
        stale = stale[largest_gaps[stale].argsort(descending=True)[:RETRY_ROWS]]
        largest_gaps[stale], partners[stale] = gaps.find_largest_among(stale, free, sign)
    return first, second
