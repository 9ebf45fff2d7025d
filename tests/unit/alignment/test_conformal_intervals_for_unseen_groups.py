"""Intervals that cover programs of new groups, on data whose law is known."""

import numpy as np
import pytest

from core.alignment.conformal_intervals_for_unseen_groups import (
    compute_conformal_quantile_for_unseen_groups,
    estimate_error_spread,
)
from core.alignment.sound_property_regression_with_intervals import COVERAGE, fit_forecast_model


def make_grouped_programs(rng, group_count, programs_per_group):
    """Return features, targets and groups; the programs of a group share an unknown offset."""
    centres = np.repeat(rng.normal(size=(group_count, 3)), programs_per_group, axis=0)
    features = centres + 0.05 * rng.normal(size=centres.shape)
    offsets = np.repeat(rng.normal(size=group_count), programs_per_group)
    targets = features[:, :1] + offsets[:, None] + 0.1 * rng.normal(size=(len(features), 1))
    names = np.repeat(np.arange(group_count).astype(str), programs_per_group)
    return features, targets, names


def measure_coverage_of_new_groups(are_folds_random):
    covered = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        features, targets, groups = make_grouped_programs(rng, 30, 8)
        if are_folds_random:
            groups = np.arange(len(features)).astype(str)
        model = fit_forecast_model(features, targets, groups)
        features, targets, _ = make_grouped_programs(rng, 60, 2)
        values, half_widths = model.predict_values_with_intervals(features)
        covered.append(np.abs(values - targets) <= half_widths)
    return float(np.mean(covered))


def test_held_out_groups_cover_new_groups_where_random_folds_cover_too_few():
    assert measure_coverage_of_new_groups(are_folds_random=False) == pytest.approx(
        COVERAGE, abs=0.05
    )
    assert measure_coverage_of_new_groups(are_folds_random=True) < 0.75


def test_quantile_of_single_programs_is_the_rank_of_the_theorem():
    names = np.arange(99).astype(str)
    assert compute_conformal_quantile_for_unseen_groups(np.arange(1.0, 100), names, 0.9) == 90
    assert compute_conformal_quantile_for_unseen_groups(np.array([1.0, 2.0]), names[:2], 0.9) == 2


def test_large_group_counts_as_much_as_a_small_one():
    # 900 easy programs of one group and one hard program of each of 9 others.
    errors = np.concatenate([np.full(900, 0.1), np.arange(1.0, 10)])
    groups = np.array(["large"] * 900 + [f"small {index}" for index in range(9)])
    assert compute_conformal_quantile_for_unseen_groups(errors, groups, 0.5) == 5
    assert np.quantile(errors, 0.5) == 0.1


def test_quantile_does_not_depend_on_the_order_of_programs():
    rng = np.random.default_rng(0)
    errors, groups = rng.random(90), np.repeat(np.arange(30), 3).astype(str)
    order = rng.permutation(90)
    assert compute_conformal_quantile_for_unseen_groups(
        errors, groups, 0.9
    ) == compute_conformal_quantile_for_unseen_groups(errors[order], groups[order], 0.9)


def test_spread_grows_with_the_distance_and_follows_similar_programs():
    errors = np.array([[1.0], [1.0], [9.0], [9.0]])
    near_easy, near_hard = [0.99, 0.99, 0.1, 0.1], [0.1, 0.1, 0.99, 0.99]
    far, beyond = [0.01] * 4, [0.0] * 4
    spread = estimate_error_spread(np.array([near_easy, near_hard, far, beyond]), errors)[:, 0]
    assert spread[0] < spread[1] < spread[2] < spread[3]
    assert np.isfinite(spread).all()
