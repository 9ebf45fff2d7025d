"""Pairs of programs on which two spaces disagree most, among all pairs but a block at a time."""

from __future__ import annotations

import numpy as np
import torch

from core.errors import EarshotError
from core.evaluation.checks import GRAIN, unit_rows

BLOCK = 1024
AGAIN = 512  # rows whose best partner is looked for again at a time
LEVELS = int(2 * GRAIN) + 1  # a cosine distance lies in [0, 2]


def most_disagreeing(
    x: np.ndarray, y: np.ndarray, count: int = 100
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of rows that are near in `x` and far in `y`; each row in one pair at most.

    How near a pair is, is its rank among all n(n-1)/2 pairs of that space, so that the
    scales of the two don't matter. The pair whose ranks differ most comes first; then, of
    the pairs without its rows, the one whose ranks differ most; and so on.

    Parameters
    ----------
    x, y : array, float [n, d1] and [n, d2]
        Row i of both is the same program.
    count : int
        How many pairs; fewer come where fewer have a higher rank in `y` than in `x`.

    Returns
    -------
    first, second : int64 [pairs]
        Rows, first < second.
    near, far : float64 [pairs]
        Share of all pairs, in [0, 1], that are nearer than this one, in `x` and in `y`;
        equally near ones count half.

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
        empty = np.empty(0, dtype=np.int64)
        return empty, empty, empty.astype(float), empty.astype(float)
    gaps = _Gaps(x, y)
    first, second = _taken(gaps, count)
    near, far = gaps.shares_of(first, second)
    return np.array(first, dtype=np.int64), np.array(second, dtype=np.int64), near, far


class _Gaps:
    """How much further apart a pair is in `y` than in `x`, by rank among all pairs.

    Parameters
    ----------
    x, y : Tensor, float32 [n, d1] and [n, d2]
        Unit rows.
    """

    def __init__(self, x: torch.Tensor, y: torch.Tensor):
        self.x, self.y = x, y
        self.near, self.far = _shares(x), _shares(y)  # 2 x [levels]

    def best(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Each row's largest gap and the row that has it: float64 [n], int64 [n]."""
        n = len(self.x)
        most = torch.full((n,), -torch.inf, dtype=torch.float64)
        partner = torch.zeros(n, dtype=torch.int64)
        for start in range(0, n - 1, BLOCK):
            rows = slice(start, min(start + BLOCK, n))
            gap = self._of(rows, slice(start, n))  # [b, n - start]
            own = torch.ones_like(gap, dtype=torch.bool).tril_()
            gap.masked_fill_(own, -torch.inf)  # each pair once, and no row with itself
            for side, dim, offset in ((rows, 1, start), (slice(start, n), 0, start)):
                values, at = gap.max(dim=dim)
                better = values > most[side]
                most[side] = torch.where(better, values, most[side])
                partner[side] = torch.where(better, at + offset, partner[side])
        return most, partner

    def best_among(
        self, rows: torch.Tensor, free: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The same for some rows [m], among those that are free, bool [n]."""
        gap = self._of(rows, slice(None))  # [m, n]
        gap[:, ~free] = -torch.inf
        gap.scatter_(1, rows[:, None], -torch.inf)
        return gap.max(dim=1)

    def _of(self, rows: slice | torch.Tensor, columns: slice) -> torch.Tensor:
        near = self.near[_levels(self.x[rows], self.x[columns])]
        return self.far[_levels(self.y[rows], self.y[columns])] - near

    def shares_of(self, first: list[int], second: list[int]) -> tuple[np.ndarray, np.ndarray]:
        """How near pairs are in `x` and in `y`, as shares of all pairs."""
        found = []
        for space, shares in ((self.x, self.near), (self.y, self.far)):
            distances = 1 - (space[first] * space[second]).sum(dim=1)
            found.append(shares[_steps(distances)].numpy())
        return found[0], found[1]


def _shares(x: torch.Tensor) -> torch.Tensor:
    """Share of all pairs nearer than a level, half of the equally near ones: float64 [levels]."""
    counts = torch.zeros(LEVELS, dtype=torch.int64)
    n = len(x)
    for start in range(0, n - 1, BLOCK):
        levels = _levels(x[start : start + BLOCK], x[start:])
        later = torch.ones_like(levels, dtype=torch.bool).triu_(1)
        counts += torch.bincount(levels[later], minlength=LEVELS)
    counts = counts.double()
    return (counts.cumsum(0) - counts / 2) / (n * (n - 1) / 2)


def _levels(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Cosine distances [m, n] in whole steps of 2**-20: int64."""
    return _steps(1 - a @ b.T)


def _steps(distances: torch.Tensor) -> torch.Tensor:
    return distances.mul_(GRAIN).round_().clamp_(0, 2 * GRAIN).long()


def _taken(gaps: _Gaps, count: int) -> tuple[list[int], list[int]]:
    """Take the pair with the largest gap, then the largest without its rows, and so on."""
    most, partner = gaps.best()
    free = torch.ones(len(most), dtype=torch.bool)
    first, second = [], []
    while len(first) < count:
        row = int(most.argmax())
        if not most[row] > 0:
            break
        other = int(partner[row])
        if free[other]:
            first.append(min(row, other))
            second.append(max(row, other))
            free[[row, other]] = False
            most[[row, other]] = -torch.inf
            continue
        # Its partner is taken, and so is that of others near the top: look for others' again.
        stale = (~free[partner] & (most > 0)).nonzero()[:, 0]
        stale = stale[most[stale].argsort(descending=True)[:AGAIN]]
        most[stale], partner[stale] = gaps.best_among(stale, free)
    return first, second
