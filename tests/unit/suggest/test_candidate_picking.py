"""Picking of vectors, against exhaustive search and constructed cases."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from core.suggest.candidate_picking import pick_by_marginal_relevance, pick_medoids


def make_unit_vectors(angles: list[float]) -> np.ndarray:
    radians = np.radians(angles)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1)


def test_picks_are_far_from_the_known_and_from_each_other() -> None:
    vectors = make_unit_vectors([1, 2, 80, 81, 170])
    known = make_unit_vectors([0])
    assert pick_by_marginal_relevance(vectors, 2, known_vectors=known) == [4, 3]
    assert sorted(pick_by_marginal_relevance(vectors, 9)) == [0, 1, 2, 3, 4]


def test_relevance_counts_by_its_weight() -> None:
    vectors = make_unit_vectors([0, 5, 90])
    relevance = np.array([1.0, 0.9, 0.0])
    assert pick_by_marginal_relevance(vectors, 2, relevance, 1.0) == [0, 1]
    assert pick_by_marginal_relevance(vectors, 2, relevance, 0.3) == [0, 2]


def test_medoids_are_the_best_of_all_subsets() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(14, 3))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    distances = 1 - vectors @ vectors.T
    best = min(
        combinations(range(14), 3), key=lambda rows: distances[:, list(rows)].min(axis=1).sum()
    )
    assert sorted(pick_medoids(vectors, 3)) == list(best)


def test_few_vectors_are_all_picked() -> None:
    assert sorted(pick_medoids(make_unit_vectors([0, 10]), 6)) == [0, 1]
    assert pick_medoids(np.empty((0, 2)), 6) == []
    assert pick_by_marginal_relevance(np.empty((0, 2)), 6) == []
