"""Regression with calibrated intervals, on data whose law is known."""

import numpy as np
import pytest

from core.alignment.sound_property_regression_with_intervals import (
    COVERAGE,
    ForecastModel,
    assign_cross_validation_folds_by_group,
    fit_forecast_model,
)


def make_data(seed, count=240, groups=20):
    rng = np.random.default_rng(seed)
    embeddings = rng.normal(size=(count, 4)).astype(np.float32)
    # The first target is smooth with little noise, the second is noise alone.
    targets = np.stack(
        [
            np.sin(embeddings[:, 0]) + embeddings[:, 1] + 0.1 * rng.normal(size=count),
            rng.normal(size=count),
        ],
        axis=1,
    )
    return embeddings, targets, [f"group {index % groups}" for index in range(count)]


def test_smooth_target_is_predicted_and_noise_has_a_wide_interval():
    model = fit_forecast_model(*make_data(0))
    embeddings, targets, _ = make_data(1)
    values, half_widths = model.predict_values_with_intervals(embeddings)
    residual = ((values - targets) ** 2).mean(axis=0) / targets.var(axis=0)
    assert residual[0] < 0.1 and 0.9 < residual[1] < 1.2
    assert half_widths[:, 0].mean() < 0.4 * half_widths[:, 1].mean()
    # 90 % of a standard normal lie within 1.645.
    assert half_widths[:, 1].mean() == pytest.approx(1.645, abs=0.3)


def test_intervals_cover_new_programs_as_stated():
    covered = []
    for seed in range(3):
        model = fit_forecast_model(*make_data(seed))
        embeddings, targets, _ = make_data(100 + seed)
        values, half_widths = model.predict_values_with_intervals(embeddings)
        covered.append(np.abs(values - targets) <= half_widths)
    np.testing.assert_allclose(np.concatenate(covered).mean(axis=0), COVERAGE, atol=0.04)


def test_intervals_are_calibrated_on_groups_that_the_fit_did_not_see():
    rng = np.random.default_rng(0)
    groups = [f"group {index // 20}" for index in range(400)]
    offsets = np.repeat(rng.normal(size=20), 20)  # the same for all programs of a group
    embeddings = np.repeat(rng.normal(size=(20, 5)), 20, axis=0) + 0.01 * rng.normal(size=(400, 5))
    model = fit_forecast_model(embeddings, offsets[:, None], groups)
    _, half_widths = model.predict_values_with_intervals(rng.normal(size=(50, 5)))
    # A random split would find the offset of each group and promise an interval near 0.
    assert half_widths.mean() > 1


def test_undefined_targets_are_left_out():
    embeddings, targets, groups = make_data(0)
    targets[::3, 0] = np.nan
    values, half_widths = fit_forecast_model(
        embeddings, targets, groups
    ).predict_values_with_intervals(embeddings)
    assert np.isfinite(values).all() and np.isfinite(half_widths).all()


def test_too_few_programs_or_groups_give_no_model():
    embeddings, targets, groups = make_data(0)
    assert fit_forecast_model(embeddings[:40], targets[:40], groups[:40]) is None
    assert fit_forecast_model(embeddings, targets, ["one"] * len(embeddings)) is None


def test_model_returns_from_its_arrays():
    embeddings, targets, groups = make_data(0)
    model = fit_forecast_model(embeddings, targets, groups)
    restored = ForecastModel.from_arrays(model.get_arrays_to_save())
    np.testing.assert_allclose(
        restored.predict_values_with_intervals(embeddings)[0],
        model.predict_values_with_intervals(embeddings)[0],
        atol=0.05,
    )
    assert restored.program_count == 240


def test_groups_stay_whole_in_folds():
    groups = np.array(["a"] * 5 + ["b"] * 3 + ["c"] * 2 + ["d"])
    folds = assign_cross_validation_folds_by_group(groups, 3)
    assert all(len(set(folds[groups == name])) == 1 for name in "abcd")
    assert sorted(np.bincount(folds)) == [3, 3, 5]


def leave_undefined(targets):
    return np.full(len(targets), np.nan)


def define_infinite(targets):
    return np.full(len(targets), -np.inf)


def define_one_program(targets):
    return np.where(np.arange(len(targets)) == 3, 0.5, np.nan)


def define_one_group(targets):
    return np.where(np.arange(len(targets)) % 20 == 0, 1.0, np.nan)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "make_column", [leave_undefined, define_infinite, define_one_program, define_one_group]
)
@pytest.mark.parametrize("has_baseline", [False, True])
def test_target_that_too_few_programs_define_has_no_interval_and_changes_no_other(
    make_column, has_baseline
):
    embeddings, targets, groups = make_data(0)
    expected = fit_forecast_model(embeddings, targets, groups, has_baseline=has_baseline)
    with_column = np.column_stack([targets, make_column(targets)])
    model = fit_forecast_model(embeddings, with_column, groups, has_baseline=has_baseline)
    values, half_widths = model.predict_values_with_intervals(embeddings[:5])
    assert np.isfinite(values).all()
    assert np.isinf(half_widths[:, 2]).all()
    np.testing.assert_allclose(
        values[:, :2], expected.predict_values_with_intervals(embeddings[:5])[0], atol=0.15
    )
    assert model.from_arrays(model.get_arrays_to_save()).quantiles[2] == np.inf


@pytest.mark.filterwarnings("error")
def test_constant_target_is_predicted_exactly():
    embeddings, targets, groups = make_data(0)
    model = fit_forecast_model(embeddings, np.full_like(targets, 4.5), groups, has_baseline=True)
    values, half_widths = model.predict_values_with_intervals(embeddings[:5] + 1)
    np.testing.assert_allclose(values, 4.5)
    assert (half_widths < 1e-6).all()


def test_programs_that_define_no_target_have_no_model():
    embeddings, targets, groups = make_data(0)
    assert fit_forecast_model(embeddings, np.full_like(targets, np.nan), groups) is None
    assert fit_forecast_model(embeddings[:1], targets[:1], groups[:1]) is None
    assert fit_forecast_model(embeddings[:0], targets[:0], []) is None


@pytest.mark.filterwarnings("error")
def test_equal_features_predict_the_mean():
    embeddings, targets, groups = make_data(0)
    model = fit_forecast_model(np.ones_like(embeddings), targets, groups)
    values, half_widths = model.predict_values_with_intervals(np.ones((2, 4)))
    np.testing.assert_allclose(values, [targets.mean(axis=0)] * 2, atol=0.01)
    assert np.isfinite(half_widths).all()


def test_corrections_that_held_out_groups_contradict_are_left_out():
    rng = np.random.default_rng(3)
    features = rng.normal(size=(120, 4)).astype(np.float32)
    groups = [f"g{row // 12}" for row in range(120)]
    offsets = np.repeat(rng.normal(size=10), 12)
    # Each group deviates from its first feature in its own way, which the fourth one betrays.
    features[:, 3] += 5 * np.repeat(np.arange(10), 12)
    targets = features[:, :1] + offsets[:, None]
    model = fit_forecast_model(features, targets, groups, has_baseline=True)
    new = rng.normal(size=(40, 4)).astype(np.float32)
    new[:, 3] += 5 * 4.5
    values, _ = model.predict_values_with_intervals(new)
    assert np.abs(values[:, 0] - new[:, 0] - offsets.mean()).mean() < 0.6
    assert np.corrcoef(values[:, 0], new[:, 0])[0, 1] > 0.9
