"""Faiss with exact re-ranking against exact search, on the disk and without it."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import EarshotError
from core.evaluation.nearest_neighbours import CosineIndex
from core.search import approximate_cosine_index
from core.search.approximate_cosine_index import ApproximateCosineIndex, open_cosine_index

ROWS, DIM, CENTRES = 6_000, 32, 60


def draw_rows(count: int, seed: int, spread: float = 0.7) -> np.ndarray:
    centres = np.random.default_rng(0).normal(size=(CENTRES, DIM))
    rng = np.random.default_rng(seed)
    noise = spread * rng.normal(size=(count, DIM))
    return (centres[rng.integers(CENTRES, size=count)] + noise).astype(np.float32)


@pytest.fixture(scope="module")
def base() -> np.ndarray:
    return draw_rows(ROWS, seed=1)


@pytest.fixture(scope="module")
def index(base) -> ApproximateCosineIndex:
    return ApproximateCosineIndex(base, draw_rows(400, seed=2))


def test_unseen_queries_reach_the_promised_recall_with_a_part_of_the_rows(index):
    assert index.recall >= 0.99
    assert index.measure_recall(draw_rows(300, seed=3)) >= 0.98
    assert index.probed_cell_count < index._faiss_index.nlist / 2


def test_queries_unlike_the_rows_probe_more_of_them(base, index):
    noise = np.random.default_rng(5).normal(size=(200, DIM)).astype(np.float32)
    harder = ApproximateCosineIndex(base, noise)
    assert harder.recall >= 0.99
    assert harder.probed_cell_count > index.probed_cell_count


def test_found_rows_have_their_exact_similarities_in_the_exact_order(base, index):
    queries = draw_rows(20, seed=4)
    rows, similarities = index.find_most_similar_rows(queries, 7)
    unit_base = base / np.linalg.norm(base, axis=1, keepdims=True)
    unit_queries = queries / np.linalg.norm(queries, axis=1, keepdims=True)
    exact = (unit_queries[:, None] * unit_base[rows]).sum(axis=2)
    assert np.allclose(similarities, exact, atol=2e-6)
    assert rows.shape == (20, 7) and (np.diff(similarities, axis=1) <= 0).all()


def test_equal_rows_are_ordered_by_index_and_excluded_rows_are_missing(base):
    rows = base.copy()
    rows[[5, 900, 4000]] = rows[17]
    index = ApproximateCosineIndex(rows, rows[:50])
    query = rows[17:18]
    found, _ = index.find_most_similar_rows(query, 4)
    assert found[0].tolist() == [5, 17, 900, 4000]
    found, _ = index.find_most_similar_rows(query, 3, excluded_rows=np.array([17]))
    assert found[0].tolist() == [5, 900, 4000]


def test_more_neighbours_than_the_clusters_hold_are_found_exactly(base, index):
    query = draw_rows(1, seed=6)
    for k in (ROWS - 1, ROWS + 5):
        rows, similarities = index.find_most_similar_rows(query, k)
        exact_rows, exact_similarities = CosineIndex(base).find_most_similar_rows(query, k)
        assert (rows == exact_rows).all() and (similarities == exact_similarities).all()


def test_queries_that_do_not_fit_are_refused(index):
    with pytest.raises(EarshotError, match="31 dimensions"):
        index.find_most_similar_rows(np.ones((1, 31)), 3)
    with pytest.raises(EarshotError, match="k is 0"):
        index.find_most_similar_rows(np.ones((1, DIM)), 0)


def test_small_corpora_are_searched_exactly_and_large_ones_keep_their_index(
    base, tmp_path, monkeypatch
):
    assert type(open_cosine_index(base, base, tmp_path)) is CosineIndex
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(approximate_cosine_index, "MAX_EXACT_ROWS", ROWS - 1)
    first = open_cosine_index(base, base, tmp_path)
    (path,) = tmp_path.rglob("*.faiss")
    written = path.stat().st_mtime_ns
    queries = draw_rows(20, seed=7)
    found = first.find_most_similar_rows(queries, 5)[0]
    # The next process reads it, unless it is damaged.
    again = open_cosine_index(base, base, tmp_path)
    assert (again.find_most_similar_rows(queries, 5)[0] == found).all()
    assert path.stat().st_mtime_ns == written
    path.write_bytes(path.read_bytes()[:2000])
    rebuilt = open_cosine_index(base, base, tmp_path)
    assert (rebuilt.find_most_similar_rows(queries, 5)[0] == found).all()
    assert path.stat().st_size > 2000
    # Other rows get an index of their own, and a read-only workspace is not written to.
    open_cosine_index(base[::-1].copy(), base, tmp_path)
    assert len(list(tmp_path.rglob("*.faiss"))) == 2
    monkeypatch.setenv("EARSHOT_READ_ONLY", "1")
    open_cosine_index(base * 2 + 1, base, tmp_path)
    assert len(list(tmp_path.rglob("*.faiss"))) == 2
