"""Exact nearest neighbours by cosine."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics.pairwise import cosine_similarity

from core.errors import EarshotError
from core.evaluation import nearest_neighbours
from core.evaluation.nearest_neighbours import (
    CosineIndex,
    find_k_nearest_rows,
    find_nearest_other_rows,
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(8)


def test_equals_scikit_learn(rng: np.random.Generator):
    query, base = rng.normal(size=(30, 12)), rng.normal(size=(200, 12))
    indices, similarities = find_k_nearest_rows(query, base, 7)
    expected = cosine_similarity(query, base)
    order = np.argsort(-expected, axis=1)[:, :7]
    np.testing.assert_array_equal(indices, order)
    np.testing.assert_allclose(similarities, np.take_along_axis(expected, order, 1), atol=1e-6)
    assert indices.dtype == np.int64 and similarities.dtype == np.float32


def test_equal_rows_are_ordered_by_index_even_if_not_all_fit(rng: np.random.Generator):
    base = np.repeat(rng.normal(size=(3, 33)), 50, axis=0)
    for k in (1, 7, 50, 60):
        indices, _ = find_k_nearest_rows(base[:1], base, k)
        np.testing.assert_array_equal(indices[0, : min(k, 50)], np.arange(min(k, 50)))


def test_the_length_of_rows_does_not_matter(rng: np.random.Generator):
    query, base = rng.normal(size=(5, 4)), rng.normal(size=(40, 4))
    scaled = find_k_nearest_rows(9 * query, base * rng.uniform(0.1, 10, size=(40, 1)), 5)
    np.testing.assert_array_equal(scaled[0], find_k_nearest_rows(query, base, 5)[0])


def test_block_size_changes_nothing(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch):
    query, base = rng.normal(size=(23, 6)), rng.normal(size=(50, 6))
    whole = find_k_nearest_rows(query, base, 5)
    monkeypatch.setattr(nearest_neighbours, "BLOCK_ROWS", 4)
    for a, b in zip(whole, find_k_nearest_rows(query, base, 5), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_row_is_not_its_own_neighbour(rng: np.random.Generator):
    x = np.vstack([rng.normal(size=(20, 5))] * 2)  # each row has a duplicate
    indices, similarities = find_nearest_other_rows(x, 3)
    assert (indices != np.arange(40)[:, None]).all()
    np.testing.assert_array_equal(indices[:, 0], (np.arange(40) + 20) % 40)
    np.testing.assert_allclose(similarities[:, 0], 1)


def test_tensors_and_arrays_give_the_same(rng: np.random.Generator):
    x = rng.normal(size=(10, 3)).astype(np.float32)
    for a, b in zip(
        find_k_nearest_rows(torch.from_numpy(x), x, 2), find_k_nearest_rows(x, x, 2), strict=True
    ):
        np.testing.assert_array_equal(a, b)


def test_there_are_no_more_neighbours_than_rows(rng: np.random.Generator):
    x = rng.normal(size=(3, 4))
    assert find_k_nearest_rows(x, x, 10)[0].shape == (3, 3)
    assert find_nearest_other_rows(x, 10)[0].shape == (3, 2)
    assert find_nearest_other_rows(x[:1], 10)[0].shape == (1, 0)
    assert find_k_nearest_rows(x, np.empty((0, 4)), 2)[0].shape == (3, 0)


def test_a_row_of_zeros_is_similar_to_nothing(rng: np.random.Generator):
    base = np.vstack([np.zeros(3), -np.ones(3), np.ones(3)])
    indices, similarities = find_k_nearest_rows(np.ones((1, 3)), base, 3)
    np.testing.assert_array_equal(indices, [[2, 0, 1]])
    np.testing.assert_allclose(similarities, [[1, 0, -1]])


def test_invalid_input_is_refused(rng: np.random.Generator):
    index = CosineIndex(rng.normal(size=(5, 4)))
    with pytest.raises(EarshotError, match="3 dimensions .* 4"):
        index.find_most_similar_rows(np.ones((1, 3)), 1)
    with pytest.raises(EarshotError, match="k is 0"):
        index.find_most_similar_rows(np.ones((1, 4)), 0)
    with pytest.raises(EarshotError, match="not finite"):
        index.find_most_similar_rows(np.full((1, 4), np.inf), 1)
    with pytest.raises(EarshotError, match="matrix"):
        CosineIndex(np.ones(4))
