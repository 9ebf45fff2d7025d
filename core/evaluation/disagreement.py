"""Pairs of programs on which two spaces disagree most, among all pairs but a block at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch

from core.errors import EarshotError
from core.evaluation.validation import GRAIN, unit_rows

BLOCK, WIDE = 256, 4096  # a block's numbers stay near the processor
AGAIN = 512  # rows whose best partner is looked for again at a time
LEVELS = int(2 * GRAIN) + 1  # a cosine distance lies in [0, 2]
NEVER = -(2**62)  # a gap that no pair has


class Disagreement(NamedTuple):
    """Pairs of rows that are nearer in one space than in the other, the most so first.

    Attributes
    ----------
    first, second : int64 [pairs]
        Rows, first < second.
    x, y : float64 [pairs]
        Share of all pairs, in [0, 1], that are nearer than this one in each space; equally
        near ones count half.
    """

    first: np.ndarray
    second: np.ndarray
    x: np.ndarray
    y: np.ndarray


def most_disagreeing(
    x: np.ndarray, y: np.ndarray, count: int = 100
) -> tuple[Disagreement, Disagreement]:
    """Pairs of rows that are near in one space and far in the other; each row in one at most.

    How near a pair is, is its rank among all n(n-1)/2 pairs of that space, so that the
    scales of the two don't matter. The pair whose ranks differ most comes first; then, of
    the pairs without its rows, the one whose ranks differ most; and so on.

    Parameters
    ----------
    x, y : array, float [n, d1] and [n, d2]
        Row i of both is the same program.
    count : int
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
    x, y = unit_rows(x), unit_rows(y)
    if len(x) != len(y):
        raise EarshotError(f"One space has {len(x)} rows and the other {len(y)}.")
    if len(x) < 2:
        nothing = Disagreement(*np.empty((2, 0), np.int64), *np.empty((2, 0)))
        return nothing, nothing
    gaps = _Gaps(x, y)
    found = []
    for sign, best in zip((1, -1), gaps.best()):
        first, second = _taken(gaps, sign, *best, count)
        found.append(
            Disagreement(
                np.array(first, np.int64),
                np.array(second, np.int64),
                *gaps.shares_of(first, second),
            )
        )
    return found[0], found[1]


class _Gaps:
    """How much further apart pairs are in `y` than in `x`, by rank among all pairs.

    Parameters
    ----------
    x, y : Tensor, float32 [n, d1] and [n, d2]
        Unit rows.
    """

    def __init__(self, x: torch.Tensor, y: torch.Tensor):
        self.x, self.y = x, y
        self.in_x, self.in_y = _ranks(x), _ranks(y)  # 2 x [levels]

    def best(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Each row's largest gap and the row that has it, 2 x int64 [n]; then the largest the
        other way."""
        n = len(self.x)
        found = [(torch.full((n,), NEVER), torch.zeros(n, dtype=torch.int64)) for _ in range(2)]
        for rows, columns in _blocks(n):
            gap = self._of(rows, columns)  # [b, c]
            for sign, (most, partner) in zip((1, -1), found):
                if rows == columns:  # each pair once, and no row with itself
                    gap[torch.ones_like(gap, dtype=torch.bool).tril_()] = sign * NEVER
                for side, other, dim in ((rows, columns, 1), (columns, rows, 0)):
                    values, at = gap.max(dim=dim) if sign > 0 else gap.min(dim=dim)
                    values = values * sign
                    better = values > most[side]
                    most[side] = torch.where(better, values, most[side])
                    partner[side] = torch.where(better, at + other.start, partner[side])
        return found

    def best_among(
        self, rows: torch.Tensor, free: torch.Tensor, sign: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The largest gap that way of some rows [m], among those that are free, bool [n]."""
        gap = self._of(rows, slice(None)) * sign  # [m, n]
        gap[:, ~free] = NEVER
        gap.scatter_(1, rows[:, None], NEVER)
        return gap.max(dim=1)

    def _of(self, rows: slice | torch.Tensor, columns: slice) -> torch.Tensor:
        near = self.in_x[_levels(self.x[rows], self.x[columns])]
        return self.in_y[_levels(self.y[rows], self.y[columns])].sub_(near)

    def shares_of(self, first: list[int], second: list[int]) -> tuple[np.ndarray, np.ndarray]:
        """How near pairs are in `x` and in `y`, as shares of all pairs."""
        twice = len(self.x) * (len(self.x) - 1)
        found = []
        for space, ranks in ((self.x, self.in_x), (self.y, self.in_y)):
            distances = 1 - (space[first] * space[second]).sum(dim=1)
            found.append((ranks[_steps(distances)].double() / twice).numpy())
        return found[0], found[1]


def _ranks(x: torch.Tensor) -> torch.Tensor:
    """Twice the number of pairs nearer than a level, and once those as near: int64 [levels]."""
    counts = torch.zeros(LEVELS, dtype=torch.int64)
    for rows, columns in _blocks(len(x)):
        levels = _levels(x[rows], x[columns])
        if rows == columns:
            levels = levels[torch.ones_like(levels, dtype=torch.bool).triu_(1)]
        counts += torch.bincount(levels.view(-1), minlength=LEVELS)
    return 2 * counts.cumsum(0) - counts


def _blocks(n: int) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of blocks that hold each pair: squares on the diagonal, and the rest."""
    for start in range(0, n, BLOCK):
        rows = slice(start, min(start + BLOCK, n))
        yield rows, rows
        for left in range(rows.stop, n, WIDE):
            yield rows, slice(left, min(left + WIDE, n))


def _levels(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Cosine distances [m, n] in whole steps of 2**-20: int32."""
    return _steps(1 - a @ b.T)


def _steps(distances: torch.Tensor) -> torch.Tensor:
    return distances.mul_(GRAIN).round_().clamp_(0, 2 * GRAIN).int()


def _taken(
    gaps: _Gaps, sign: int, most: torch.Tensor, partner: torch.Tensor, count: int
) -> tuple[list[int], list[int]]:
    """Take the pair with the largest gap, then the largest without its rows, and so on."""
    free = torch.ones(len(most), dtype=torch.bool)
    first: list[int] = []
    second: list[int] = []
    while len(first) < count:
        row = int(most.argmax())
        if not most[row] > 0:
            break
        other = int(partner[row])
        if free[other]:
            first.append(min(row, other))
            second.append(max(row, other))
            free[[row, other]] = False
            most[[row, other]] = NEVER
            continue
        # Its partner is taken, and so is that of others near the top: look for others' again.
        stale = (~free[partner] & (most > 0)).nonzero()[:, 0]
        stale = stale[most[stale].argsort(descending=True)[:AGAIN]]
        most[stale], partner[stale] = gaps.best_among(stale, free, sign)
    return first, second
