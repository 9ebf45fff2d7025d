"""Pairs on which two spaces disagree: as if every pair had been looked at."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import rankdata

from core.errors import EarshotError
from core.evaluation import disagreement
from core.evaluation.disagreement import most_disagreeing


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
def test_is_what_looking_at_every_pair_finds(rows, block, again, monkeypatch) -> None:
    monkeypatch.setattr(disagreement, "BLOCK", block)
    monkeypatch.setattr(disagreement, "AGAIN", again)
    rng = np.random.default_rng(rows)
    x = rng.normal(size=(rows, 5)).astype(np.float32)
    y = rng.normal(size=(rows, 9)).astype(np.float32)
    y[:20] = rng.normal(size=9) + 0.1 * rng.normal(size=(20, 9))  # many want the same partner
    first, second, near, far = most_disagreeing(x, y, 12)
    assert list(zip(first, second)) == by_hand(x, y, 12)
    assert (first < second).all()
    assert (far > near).all()
    assert (np.diff(far - near) <= 1e-12).all()


def test_a_planted_pair_comes_first_and_each_way_has_its_own() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(50, 16)).astype(np.float32)
    y = x.copy()
    y[31] = -y[7]
    x[31] = x[7] + 1e-3
    first, second, near, far = most_disagreeing(x, y, 3)
    assert (first[0], second[0]) == (7, 31)
    assert near[0] < 0.001 and far[0] > 0.9
    reverse = most_disagreeing(y, x, 3)
    assert (7, 31) not in list(zip(reverse[0], reverse[1]))


def test_too_few_rows_or_equal_spaces_have_no_such_pair() -> None:
    one = np.ones((1, 3), np.float32)
    assert [len(each) for each in most_disagreeing(one, one)] == [0, 0, 0, 0]
    x = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
    assert len(most_disagreeing(x, x)[0]) == 0


def test_unequal_spaces_are_refused() -> None:
    with pytest.raises(EarshotError, match="9 rows and the other 8"):
        most_disagreeing(np.ones((9, 2)), np.ones((8, 2)))
