"""Numbers of the suggestion study on constructed distances."""

from __future__ import annotations

import numpy as np
import pytest

from core.studies.pick_diversity_metrics import (
    compute_pairwise_cosine_distances,
    compute_pick_coverage,
    compute_pick_diversity,
    compute_rank_correlation,
    compute_source_edit_distances,
    normalize_scores_between_references,
    pick_farthest_rows,
    pick_random_rows,
)

LINE = np.abs(np.subtract.outer([0.0, 1.0, 1.1, 5.0, 9.0], [0.0, 1.0, 1.1, 5.0, 9.0]))


def test_picks_are_far_from_the_program_and_each_other() -> None:
    assert pick_farthest_rows(LINE, 2) == [4, 3]
    assert sorted(pick_farthest_rows(LINE, 9)) == [1, 2, 3, 4]


def test_diversity_is_the_mean_distance_of_pairs() -> None:
    assert compute_pick_diversity(LINE, [1, 3, 4]) == pytest.approx((4 + 8 + 4) / 3)
    assert np.isnan(compute_pick_diversity(LINE, [1]))


def test_coverage_is_the_mean_distance_from_the_nearest_pick() -> None:
    assert compute_pick_coverage(LINE, [1, 4]) == pytest.approx((0 + 0.1 + 4 + 0) / 4)


def test_cosine_distances_ignore_length() -> None:
    distances = compute_pairwise_cosine_distances(np.array([[1.0, 0], [3, 0], [0, 2], [0, 0]]))
    assert distances[0, 1] == pytest.approx(0) and distances[0, 2] == pytest.approx(1)
    assert np.isfinite(distances).all()


def test_edit_distances_count_tokens() -> None:
    distances = compute_source_edit_distances(["play 60", "play 62", "play 60\nsleep 1"])
    assert distances[0].tolist() == [0, 0.5, 0.5] and np.allclose(distances, distances.T)


def test_the_gap_share_is_1_at_the_bound_and_0_at_random() -> None:
    low, high = np.array([1.0, 2.0]), np.array([3.0, 3.0])
    assert (
        normalize_scores_between_references(high, low, high) == 1
        and normalize_scores_between_references(low, low, high) == 0
    )
    assert normalize_scores_between_references((low + high) / 2, low, high) == pytest.approx(0.5)


def test_random_picks_are_candidates() -> None:
    draws = pick_random_rows(7, 3, 0)
    assert {row for picks in draws for row in picks} == set(range(1, 8))
    assert all(len(set(picks)) == 3 for picks in draws)


def test_a_rank_correlation_needs_variation() -> None:
    assert compute_rank_correlation(np.array([1.0, 2, 3]), np.array([1.0, 4, 9])) == 1
    assert np.isnan(compute_rank_correlation(np.ones(3), np.arange(3.0)))
