"""Pairs on which two spaces disagree, against an exhaustive search."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import rankdata

from core.errors import EarshotError
from core.evaluation import code_audio_disagreement
from core.evaluation.code_audio_disagreement import find_disagreeing_row_pairs


def search_exhaustively(x: np.ndarray, y: np.ndarray, count: int) -> list[tuple[int, int]]:
    """Sort all pairs by the difference of their ranks; take them in turn, each row once."""
    first, second = np.triu_indices(len(x), 1)
    ranks = []
    for space in (x, y):
        unit = space / np.linalg.norm(space, axis=1, keepdims=True)
        ranks.append(rankdata(1 - (unit @ unit.T)[first, second]))
    taken: set[int] = set()
    pairs: list[tuple[int, int]] = []
    for pair in np.argsort(ranks[0] - ranks[1], kind="stable"):
        a, b = int(first[pair]), int(second[pair])
        if len(pairs) == count or ranks[1][pair] <= ranks[0][pair]:
            break
        if not {a, b} & taken:
            taken |= {a, b}
            pairs.append((a, b))
    return pairs


@pytest.mark.parametrize(
    ("rows", "block_rows", "retry_rows"), [(40, 1024, 512), (61, 7, 3), (30, 30, 1)]
)
def test_equals_an_exhaustive_search(
    rows: int, block_rows: int, retry_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code_audio_disagreement, "BLOCK_ROWS", block_rows)
    monkeypatch.setattr(code_audio_disagreement, "BLOCK_COLUMNS", 2 * block_rows + 1)
    monkeypatch.setattr(code_audio_disagreement, "RETRY_ROWS", retry_rows)
    rng = np.random.default_rng(rows)
    x = rng.normal(size=(rows, 5)).astype(np.float32)
    y = rng.normal(size=(rows, 9)).astype(np.float32)
    y[:20] = rng.normal(size=9) + 0.1 * rng.normal(
        size=(20, 9)
    )  # many rows share their best partner
    forward, backward = find_disagreeing_row_pairs(x, y, 12)
    for pairs, spaces in ((forward, (x, y)), (backward, (y, x))):
        assert list(zip(pairs.first, pairs.second)) == search_exhaustively(*spaces, 12)
        assert (pairs.first < pairs.second).all()
    for gap in (forward.y_rank - forward.x_rank, backward.x_rank - backward.y_rank):
        assert (gap > 0).all()
        assert (np.diff(gap) <= 1e-12).all()


def test_a_planted_pair_comes_first_in_one_direction_only() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(50, 16)).astype(np.float32)
    y = x.copy()
    y[31] = -y[7]
    x[31] = x[7] + 1e-3
    forward, backward = find_disagreeing_row_pairs(x, y, 3)
    assert (forward.first[0], forward.second[0]) == (7, 31)
    assert forward.x_rank[0] < 0.001 and forward.y_rank[0] > 0.9
    assert (7, 31) not in list(zip(backward.first, backward.second))


def test_too_few_rows_or_equal_spaces_have_no_pairs() -> None:
    one = np.ones((1, 3), np.float32)
    assert all(
        len(column) == 0
        for direction in find_disagreeing_row_pairs(one, one)
        for column in direction
    )
    x = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
    assert [len(direction.first) for direction in find_disagreeing_row_pairs(x, x)] == [0, 0]


def test_unequal_spaces_are_refused() -> None:
    with pytest.raises(EarshotError, match="9 rows and the other 8"):
        find_disagreeing_row_pairs(np.ones((9, 2)), np.ones((8, 2)))
