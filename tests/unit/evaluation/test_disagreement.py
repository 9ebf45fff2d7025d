"""Pairs on which two spaces disagree: as if every pair had been looked at."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import rankdata

from core.errors import EarshotError
from core.evaluation import disagreement
from core.evaluation.disagreement import find_disagreements


def by_hand(x: np.ndarray, y: np.ndarray, count: int) -> list[tuple[int, int]]:
    """Sort all pairs by how their ranks differ; take them in turn, each row once."""
    first, second = np.triu_indices(len(x), 1)
    ranks = []
    for space in (x, y):
        unit = space / np.linalg.norm(space, axis=1, keepdims=True)
        ranks.append(rankdata(1 - (unit @ unit.T)[first, second]))
    taken: set[int] = set()
    found = []
    for pair in np.argsort(ranks[0] - ranks[1], kind="stable"):
        a, b = int(first[pair]), int(second[pair])
        if len(found) == count or ranks[1][pair] <= ranks[0][pair]:
            break
        if not {a, b} & taken:
            taken |= {a, b}
            found.append((a, b))
    return found


@pytest.mark.parametrize(("rows", "block", "again"), [(40, 1024, 512), (61, 7, 3), (30, 30, 1)])
def test_is_what_looking_at_every_pair_finds(
    rows, block, again, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disagreement, "BLOCK_ROWS", block)
    monkeypatch.setattr(disagreement, "BLOCK_COLUMNS", 2 * block + 1)
    monkeypatch.setattr(disagreement, "RETRY_ROWS", again)
    rng = np.random.default_rng(rows)
    x = rng.normal(size=(rows, 5)).astype(np.float32)
    y = rng.normal(size=(rows, 9)).astype(np.float32)
    y[:20] = rng.normal(size=9) + 0.1 * rng.normal(size=(20, 9))  # many want the same partner
    ways = find_disagreements(x, y, 12)
    for found, spaces in zip(ways, ((x, y), (y, x))):
        assert list(zip(found.first, found.second)) == by_hand(*spaces, 12)
        assert (found.first < found.second).all()
    for gap in (ways[0].y_rank - ways[0].x_rank, ways[1].x_rank - ways[1].y_rank):
        assert (gap > 0).all()
        assert (np.diff(gap) <= 1e-12).all()


def test_a_planted_pair_comes_first_and_each_way_has_its_own() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(50, 16)).astype(np.float32)
    y = x.copy()
    y[31] = -y[7]
    x[31] = x[7] + 1e-3
    found, reverse = find_disagreements(x, y, 3)
    assert (found.first[0], found.second[0]) == (7, 31)
    assert found.x_rank[0] < 0.001 and found.y_rank[0] > 0.9
    assert (7, 31) not in list(zip(reverse.first, reverse.second))


def test_too_few_rows_or_equal_spaces_have_no_such_pair() -> None:
    one = np.ones((1, 3), np.float32)
    assert all(len(each) == 0 for way in find_disagreements(one, one) for each in way)
    x = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
    assert [len(way.first) for way in find_disagreements(x, x)] == [0, 0]


def test_unequal_spaces_are_refused() -> None:
    with pytest.raises(EarshotError, match="9 rows and the other 8"):
        find_disagreements(np.ones((9, 2)), np.ones((8, 2)))
