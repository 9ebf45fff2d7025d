"""Conformal intervals for programs of new groups, wider where the errors are larger."""

from __future__ import annotations

import numpy as np

SPREAD_SHARPNESS = 8
"""Power of the kernel that weights the errors of similar programs."""
SPREAD_PRIOR_COUNT = 2.0
"""Weight of the mean error of all programs among them."""
SPREAD_GROWTH = 10.0
"""Growth of the spread per unit of the distance from the reference programs."""
DISTANCE_NEIGHBOUR_COUNT = 5
MIN_SIMILARITY = 1e-3
"""Similarity below which a greater distance no longer widens an interval."""


def estimate_error_spread(kernel: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Return the mean error of similar programs, larger far from all of them: float64 [n, t].

    Parameters
    ----------
    kernel : float [n, m]
        Similarity to the reference programs, in [0, 1].
    errors : float [m, t]
        Of the reference programs; finite.
    """
    similarity = kernel**SPREAD_SHARPNESS
    total = similarity.sum(axis=1, keepdims=True) + SPREAD_PRIOR_COUNT
    spread: np.ndarray = (similarity @ errors + SPREAD_PRIOR_COUNT * errors.mean(axis=0)) / total
    distance = _compute_distance_from_nearest_programs(kernel)
    return spread * (1 + SPREAD_GROWTH * distance)[:, None] + 1e-9


def _compute_distance_from_nearest_programs(kernel: np.ndarray) -> np.ndarray:
    """Return minus the logarithm of the mean similarity to the nearest programs, float64 [n]."""
    count = min(DISTANCE_NEIGHBOUR_COUNT, kernel.shape[1])
    nearest = np.partition(kernel, kernel.shape[1] - count, axis=1)[:, -count:]
    distance: np.ndarray = -np.log(np.clip(nearest.mean(axis=1), MIN_SIMILARITY, 1.0))
    return distance


def calibrate_intervals_on_held_out_groups(
    kernel: np.ndarray,
    errors: np.ndarray,
    groups: np.ndarray,
    folds: np.ndarray,
    coverage: float,
) -> np.ndarray:
    """Return the half widths that cover new groups, in multiples of the spread: float64 [t].

    Parameters
    ----------
    kernel : float [n, n]
        Similarity of the reference programs, in [0, 1].
    errors : float [n, t]
        Absolute errors on each program when its fold was held out; nan where undefined.
    groups : array of str [n]
    folds : int [n]
        The programs of one group share it.
    coverage : float
        In (0, 1).
    """
    filled_errors = fill_undefined_prediction_errors(errors)
    normalized = np.empty_like(errors)
    for fold in np.unique(folds):
        is_held_out = folds == fold
        cross = kernel[np.ix_(is_held_out, ~is_held_out)]
        spread = estimate_error_spread(cross, filled_errors[~is_held_out])
        normalized[is_held_out] = errors[is_held_out] / spread
    return np.array(
        [
            compute_conformal_quantile_for_unseen_groups(
                column[np.isfinite(column)], groups[np.isfinite(column)], coverage
            )
            for column in normalized.T
        ]
    )


def fill_undefined_prediction_errors(errors: np.ndarray) -> np.ndarray:
    """Return errors [n, t] with the mean error where a program leaves a target undefined."""
    filled: np.ndarray = np.where(np.isfinite(errors), errors, np.nanmean(errors, axis=0))
    return filled


def compute_conformal_quantile_for_unseen_groups(
    errors: np.ndarray, groups: np.ndarray, coverage: float
) -> float:
    """Return the half width that covers a value of a new group with about this probability.

    Parameters
    ----------
    errors : float [n]
        Absolute errors on programs of groups that the fit did not see; at least one.
    groups : array of str [n]
    coverage : float
        In (0, 1).

    Returns
    -------
    float
        The quantile at ``coverage * (m + 1) / m`` of the errors, in which each group has the same
        weight, or the largest error. m is the effective number of programs: the number of groups
        if the errors of a group are alike, the number of programs if they are independent. If
        each program is a group, this is the ceil((n + 1) * coverage)-th smallest error.

    Notes
    -----
    Groups of the same weight: Dunn, Wasserman & Ramdas, Distribution-free prediction sets for
    two-layer hierarchical models, JASA 2023. Effective number: Kish, Survey Sampling, 1965.

    Examples
    --------
    >>> errors = np.array([0.1, 0.2, 0.3, 5.0])
    >>> compute_conformal_quantile_for_unseen_groups(errors, np.array(["a", "a", "a", "b"]), 0.6)
    5.0
    """
    _, group_of_row, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.argsort(errors, kind="stable")
    weights = 1 / (sizes[group_of_row] * len(sizes))
    cumulative_weight = np.cumsum(weights[order])

    def find_quantile(level: float) -> float:
        # The tolerance: sums of thirds are not exact.
        rank = int(np.searchsorted(cumulative_weight, level - 1e-9))
        return float(errors[order][min(rank, len(errors) - 1)])

    is_beyond = errors > find_quantile(coverage)
    correlation = _estimate_correlation_within_groups(is_beyond.astype(float), group_of_row)
    mean_size = len(errors) / len(sizes)
    effective_count = len(errors) / (1 + (mean_size - 1) * correlation)
    return find_quantile(coverage * (effective_count + 1) / effective_count)


def _estimate_correlation_within_groups(values: np.ndarray, group_of_row: np.ndarray) -> float:
    """Return the intraclass correlation of values [n], in [0, 1].

    The estimator by analysis of variance (Donner, International Statistical Review 1986).
    """
    sizes = np.bincount(group_of_row)
    group_count, count = len(sizes), len(values)
    if group_count in (1, count):
        return 1.0
    means = np.bincount(group_of_row, values) / sizes
    between = float(sizes @ (means - values.mean()) ** 2) / (group_count - 1)
    within = float(((values - means[group_of_row]) ** 2).sum()) / (count - group_count)
    size = (count - float(sizes @ sizes) / count) / (group_count - 1)
    total = between + (size - 1) * within
    return min(max((between - within) / total, 0.0), 1.0) if total > 0 else 1.0
