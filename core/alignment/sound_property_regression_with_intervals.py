"""Kernel ridge regression from features to measured values, with calibrated intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from core.alignment.conformal_intervals_for_unseen_groups import (
    calibrate_intervals_on_held_out_groups,
    estimate_error_spread,
    fill_undefined_prediction_errors,
)
from core.blas_thread_limit import limit_blas_to_one_thread

COVERAGE = 0.9
"""Share of held-out programs whose value lies in its interval."""
FOLD_COUNT = 5
MIN_FORECAST_PROGRAMS = 60
MIN_FORECAST_GROUPS = 3
MIN_DEFINED_PROGRAMS = 20
"""Programs that must define a target for it to be predicted."""
MAX_REFERENCE_PROGRAMS = 2000
"""Reference programs of the kernel; more of them would take longer than reading a snippet."""
KERNEL_WIDTHS = (0.15, 0.3, 0.5)
"""Candidate sharpness values, each times the inverse mean squared distance from the mean."""
L2_CANDIDATES = (0.03, 0.1, 0.3)
MAX_SELECTION_PROGRAMS = 500
"""Programs on which sharpness and l2 are chosen."""
MAX_COLUMN_SCALE = 8.0
"""Limit of a weighted, standardized column: what few programs use must not dominate."""


@dataclass(frozen=True, eq=False)
class ForecastModel:
    """Regression from features of programs to values, as `fit_forecast_model` returns it.

    Attributes
    ----------
    column_mean, column_scale : float32 [d]
        Standardization of the features.
    rows : float32 [m, d]
        Standardized features of the reference programs.
    weight : float64 [m, t]
    target_mean : float64 [t]
    sharpness : float
        Of the Gaussian kernel.
    quantiles : float64 [t]
        Half widths of the intervals, in multiples of the spread; inf for a target that too few
        programs define.
    held_out_errors : float64 [m, t]
        Absolute error on each reference program when its group was held out.
    baseline_slope : float64 [t]
        Of each target in the feature of the same column; the regression predicts the rest.
    program_count : int
        Number of programs of the calibration.
    """

    column_mean: np.ndarray
    column_scale: np.ndarray
    rows: np.ndarray
    weight: np.ndarray
    target_mean: np.ndarray
    sharpness: float
    quantiles: np.ndarray
    held_out_errors: np.ndarray
    baseline_slope: np.ndarray
    program_count: int

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> ForecastModel:
        """Return the model that `get_arrays_to_save` was called on."""
        values: dict[str, Any] = dict(arrays)
        return cls(
            **{
                **values,
                "rows": values["rows"].astype(np.float32),
                "sharpness": float(values["sharpness"][0]),
                "program_count": int(values["program_count"][0]),
            }
        )

    def get_arrays_to_save(self) -> dict[str, np.ndarray]:
        """Return the fields as arrays in C order, the rows in half precision."""
        arrays = {
            **{field.name: getattr(self, field.name) for field in fields(self)},
            "rows": self.rows.astype(np.float16),
            "held_out_errors": self.held_out_errors.astype(np.float32),
            "sharpness": np.array([self.sharpness]),
            "program_count": np.array([self.program_count]),
        }
        # safetensors writes the memory of an array, and LAPACK returns weights in Fortran order.
        return {name: np.ascontiguousarray(array) for name, array in arrays.items()}

    def predict_values_with_intervals(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return values and half widths of their intervals, both float64 [n, t].

        A target that too few programs define has its mean, or 0, and the half width inf.

        Parameters
        ----------
        features : float [n, d]
        """
        x = standardize_columns(features, self.column_mean, self.column_scale)
        kernel = compute_gaussian_kernel(x, self.rows, self.sharpness)
        values = kernel @ self.weight + self.target_mean
        values += _estimate_baseline_from_first_features(features, self.baseline_slope)
        return values, self.quantiles * estimate_error_spread(kernel, self.held_out_errors)


# One thread: the sums then do not depend on the number of cores, and other work on the machine does
# not slow them down many times over.
@limit_blas_to_one_thread()
def fit_forecast_model(
    features: np.ndarray,
    targets: np.ndarray,
    groups: Sequence[str],
    feature_weights: np.ndarray | None = None,
    *,
    has_baseline: bool = False,
) -> ForecastModel | None:
    """Fit a regression and calibrate its intervals on groups of programs that it did not see.

    Parameters
    ----------
    features : float [n, d]
    targets : float [n, t]
        Not finite where a value is undefined. A target that fewer than 20 programs or 3 groups
        define is not predicted: its interval is infinite.
    groups : sequence of str
        Template or grammar style of each program.
    feature_weights : float [d], optional
        Weight of each standardized feature in the distance of the kernel. Default: 1.
    has_baseline : bool
        Whether the first t features estimate the targets. The regression then predicts the
        residuals of a line through them, so that programs unlike all others keep the estimate,
        and corrects each target by as much of a residual as held-out groups bear out.

    Returns
    -------
    ForecastModel or None
        None with fewer than 60 programs or 3 groups, or if no target can be predicted.

    Notes
    -----
    Sharpness and l2 are those with the smallest error on held-out groups. The intervals are
    cross-conformal (Vovk, Annals of Mathematics and Artificial Intelligence 2015) with normalized
    residuals (Papadopoulos, Gammerman & Vovk, AIA 2008): the half width is the quantile of the
    absolute errors on held-out groups, each divided by the spread there. The spread is the mean
    error of similar programs of other groups (Nadaraya-Watson regression), and grows with the
    distance from the nearest of them. A program to forecast is one of a new group, so each group
    has the same weight in the quantile (Dunn, Wasserman & Ramdas, JASA 2023).
    """
    group_of_row = np.asarray(groups, dtype=str)
    if len(features) < MIN_FORECAST_PROGRAMS:
        return None
    if len(set(group_of_row.tolist())) < MIN_FORECAST_GROUPS:
        return None
    reference_rows = select_evenly_spaced_rows(len(features), MAX_REFERENCE_PROGRAMS)
    targets, group_of_row = (
        np.asarray(targets, np.float64)[reference_rows],
        group_of_row[reference_rows],
    )
    folds = assign_cross_validation_folds_by_group(group_of_row, FOLD_COUNT)
    is_predictable = _find_predictable_targets(targets, group_of_row, folds)
    if not is_predictable.any():
        return None
    targets = _replace_undefined_targets(targets, is_predictable)
    raw = np.asarray(features, np.float32)[reference_rows]
    mean, scale = compute_column_mean_and_scale(raw)
    baseline_slope = np.zeros(targets.shape[1])
    if has_baseline:
        baseline_slope = _fit_baseline_slope(raw, targets)
        targets = targets - _estimate_baseline_from_first_features(raw, baseline_slope)
    if feature_weights is not None:
        scale = scale / np.asarray(feature_weights, np.float32)
    rows = standardize_columns(raw, mean, scale)
    subset = select_evenly_spaced_rows(len(rows), MAX_SELECTION_PROGRAMS)
    sharpness, l2 = _select_hyperparameters_by_held_out_error(
        rows[subset], targets[subset], folds[subset]
    )
    kernel = compute_gaussian_kernel(rows, rows, sharpness)
    target_mean = _compute_mean_of_defined(targets)
    held_out = _predict_held_out_groups(kernel, targets, folds, l2)
    trust = np.ones(targets.shape[1])
    if has_baseline:
        trust = _fit_share_of_correction(targets, held_out, target_mean)
        held_out = target_mean + trust * (held_out - target_mean)
    errors = np.abs(targets - held_out)
    quantiles = calibrate_intervals_on_held_out_groups(
        kernel, errors, group_of_row, folds, COVERAGE
    )
    quantiles[~is_predictable] = np.inf
    weight = solve_kernel_ridge_weights(kernel, targets - target_mean, l2) * trust
    return ForecastModel(
        mean,
        scale,
        rows,
        weight,
        target_mean,
        sharpness,
        quantiles,
        fill_undefined_prediction_errors(errors),
        baseline_slope,
        len(rows),
    )


def _find_predictable_targets(
    targets: np.ndarray, groups: np.ndarray, folds: np.ndarray
) -> np.ndarray:
    """Return which targets [n, t] enough programs and groups of two folds define: bool [t]."""
    is_defined = np.isfinite(targets)
    return np.array(
        [
            column.sum() >= MIN_DEFINED_PROGRAMS
            and len(set(groups[column].tolist())) >= MIN_FORECAST_GROUPS
            and len(set(folds[column].tolist())) > 1
            for column in is_defined.T
        ]
    )


def _replace_undefined_targets(targets: np.ndarray, is_predictable: np.ndarray) -> np.ndarray:
    """Return targets [n, t] with nan for undefined values, and a constant for whole columns.

    The constant is the mean of the defined values, or 0. The arithmetic of all other columns then
    needs no exception.
    """
    replaced = np.where(np.isfinite(targets), targets, np.nan)
    for column in np.flatnonzero(~is_predictable):
        values = replaced[np.isfinite(replaced[:, column]), column]
        replaced[:, column] = values.mean() if len(values) else 0.0
    return replaced


def _fit_baseline_slope(features: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the least-squares slope of each target in its own feature, in [0, 1]: float64 [t]."""
    slopes = np.zeros(targets.shape[1])
    for column, target in enumerate(targets.T):
        is_defined = np.isfinite(target)
        estimate = features[is_defined, column].astype(np.float64)
        centred = estimate - estimate.mean()
        slopes[column] = (centred @ target[is_defined]) / max(float(centred @ centred), 1e-9)
    return np.clip(slopes, 0.0, 1.0)


def _fit_share_of_correction(
    targets: np.ndarray, predictions: np.ndarray, mean: np.ndarray
) -> np.ndarray:
    """Return the share of the predicted residuals with the least squared error: float64 [t].

    Parameters
    ----------
    targets, predictions : float64 [n, t]
        Residuals, and their predictions when their group was held out.
    mean : float64 [t]
    """
    deviations, centred = predictions - mean, np.nan_to_num(targets - mean)
    squares = np.where(np.isfinite(targets), deviations**2, 0).sum(axis=0)
    shares: np.ndarray = (deviations * centred).sum(axis=0) / np.maximum(squares, 1e-12)
    return np.clip(shares, 0.0, 1.0)


def _estimate_baseline_from_first_features(features: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Return the estimates [n, t] by the first features [n, d]."""
    if not slope.any():
        return np.zeros((len(features), len(slope)))
    baseline: np.ndarray = np.asarray(features, np.float64)[:, : len(slope)] * slope
    return baseline


def select_evenly_spaced_rows(count: int, max_count: int) -> np.ndarray:
    """Return at most `max_count` rows from 0 to ``count - 1``, at even distances: int [m]."""
    if count == 0:
        return np.zeros(0, int)
    return np.unique(np.linspace(0, count - 1, min(count, max_count)).round().astype(int))


def assign_cross_validation_folds_by_group(groups: np.ndarray, fold_count: int) -> np.ndarray:
    """Return a fold per program, int [n]; the programs of one group share it.

    Groups are dealt to the smallest fold, the largest group first.
    """
    names, counts = np.unique(groups, return_counts=True)
    sizes = np.zeros(fold_count)
    fold_by_group = {}
    for index in np.argsort(-counts, kind="stable"):
        fold = int(np.argmin(sizes))
        sizes[fold] += counts[index]
        fold_by_group[str(names[index])] = fold
    return np.array([fold_by_group[str(group)] for group in groups])


def compute_gaussian_kernel(x: np.ndarray, rows: np.ndarray, sharpness: float) -> np.ndarray:
    """Return exp(-sharpness * squared distance) of x [n, d] and rows [m, d], float64 [n, m]."""
    squares = (x * x).sum(axis=1)[:, None] + (rows * rows).sum(axis=1) - 2 * (x @ rows.T)
    return np.exp(-sharpness * np.maximum(squares, 0).astype(np.float64))


def compute_column_mean_and_scale(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the means and the standard deviations, inf for a constant column: float32 [d]."""
    mean, deviation = rows.mean(axis=0), rows.std(axis=0)
    return mean, np.where(deviation > 1e-6, deviation, np.inf).astype(np.float32)


def standardize_columns(embeddings: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return standardized columns; a column that was constant in training becomes 0."""
    standardized = (np.asarray(embeddings, np.float32) - mean) / scale
    return np.clip(standardized, -MAX_COLUMN_SCALE, MAX_COLUMN_SCALE)


def solve_kernel_ridge_weights(kernel: np.ndarray, centred: np.ndarray, l2: float) -> np.ndarray:
    """Return the weights [m, t]; undefined targets count as the mean."""
    system = kernel + l2 * np.eye(len(kernel))
    weight: np.ndarray = cho_solve(cho_factor(system), np.nan_to_num(centred))
    return weight


def _select_hyperparameters_by_held_out_error(
    rows: np.ndarray, targets: np.ndarray, folds: np.ndarray
) -> tuple[float, float]:
    """Return the sharpness and the l2 with the smallest error on held-out groups."""
    mean_square = max(float(rows.var(axis=0).sum()), 1e-12)
    targets = targets[:, np.isfinite(targets).any(axis=0)]
    spread = np.nanstd(targets, axis=0) + 1e-9
    errors = {}
    for width in KERNEL_WIDTHS:
        kernel = compute_gaussian_kernel(rows, rows, width / mean_square)
        for l2 in L2_CANDIDATES:
            predictions = _predict_held_out_groups(kernel, targets, folds, l2)
            error = float(np.nanmean(((targets - predictions) / spread) ** 2))
            errors[width / mean_square, l2] = error
    return min(errors, key=lambda candidate: errors[candidate])


def _compute_mean_of_defined(values: np.ndarray) -> np.ndarray:
    """Return the mean of the defined values of each column, nan where there are none."""
    counts = (~np.isnan(values)).sum(axis=0)
    totals = np.nansum(values, axis=0)
    return np.divide(totals, counts, out=np.full(len(totals), np.nan), where=counts > 0)


def _predict_held_out_groups(
    kernel: np.ndarray, targets: np.ndarray, folds: np.ndarray, l2: float
) -> np.ndarray:
    """Return predictions [n, t] of each fold by the others."""
    predictions = np.empty_like(targets)
    for fold in np.unique(folds):
        is_held_out = folds == fold
        mean = _compute_mean_of_defined(targets[~is_held_out])
        weight = solve_kernel_ridge_weights(
            kernel[np.ix_(~is_held_out, ~is_held_out)], targets[~is_held_out] - mean, l2
        )
        predictions[is_held_out] = kernel[np.ix_(is_held_out, ~is_held_out)] @ weight + mean
    return predictions
