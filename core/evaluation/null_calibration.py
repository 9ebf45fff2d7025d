"""Calibration of an alignment measure against chance, by permuting which rows are paired."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.errors import EarshotError
from core.evaluation.array_validation_and_normalization import check_equal_row_counts
from core.evaluation.row_permutation_metric_builders import (
    Metric,
    OrderMetric,
    build_metric_of_row_order,
)
from core.evaluation.single_thread_limit import limit_to_one_thread

DEFAULT_PERMUTATIONS = 200
NULL_PERCENTILE = 95
ROUNDING_ERROR = 1e-9
"""A permuted value this little below the measured one counts as equal to it."""
MAX_CHANCE_LEVEL = 0.1
"""A measure whose value on permuted pairs is above this says more about the numbers of programs and
dimensions than about their agreement."""


@dataclass(frozen=True)
class NullCalibration:
    """A measured value beside its values under permuted pairs.

    Attributes
    ----------
    value : float
        The measure on the true pairs.
    null_mean, null_p95 : float
        Mean and 95th percentile of the measure on permuted pairs.
    calibrated : float
        (value - null_mean) / (1 - null_mean): 0 is chance, 1 the maximum of the measure. NaN
        if the null mean is 1.
    p : float
        Share of permutations that reach the value, the true pairs counted as one of them, so
        at least 1 / (permutations + 1).
    """

    value: float
    null_mean: float
    null_p95: float
    calibrated: float
    p: float


UNDEFINED_CALIBRATION = NullCalibration(np.nan, np.nan, np.nan, np.nan, np.nan)


def calibrated(
    metric: Metric,
    x: np.ndarray,
    y: np.ndarray,
    permutations: int = DEFAULT_PERMUTATIONS,
    seed: int = 0,
    *,
    groups: np.ndarray | None = None,
) -> NullCalibration:
    """Compare an alignment measure with its values under permuted pairs.

    Parameters
    ----------
    metric : callable
        Takes x and y and returns a float that rises with agreement and is at most 1. Metrics of
        `core.evaluation.metrics`, and `functools.partial` of them with keyword arguments, reuse
        what permutations do not change; any other callable is computed anew per permutation.
    x, y : array, float [n, d1] and [n, d2]
        Row i of both is the same program.
    permutations : int
        At least 1.
    seed : int
        The same seed permutes equally.
    groups : array [n], optional
        Template or style of each row. Rows are then permuted within their group only: the
        value above this null is agreement beyond the group. Default: all rows are permuted.

    Returns
    -------
    NullCalibration
        All NaN where the measure is undefined.

    Raises
    ------
    EarshotError
        If x, y and groups have different numbers of rows, or permutations is below 1.

    Notes
    -----
    Global measures such as CKA exceed 0 by chance in wide spaces of few rows; the calibrated
    value does not (arXiv:2602.14486). The p value with the true pairs among the permutations is
    that of Phipson & Smyth, "Permutation P-values should never be zero", Statistical
    Applications in Genetics and Molecular Biology 2010.

    Examples
    --------
    >>> from functools import partial
    >>> from core.evaluation.metrics import mutual_knn
    >>> x = np.random.default_rng(0).normal(size=(50, 4))
    >>> result = calibrated(partial(mutual_knn, k=10), x, 3 * x)
    >>> result.value, result.calibrated, round(result.p, 3)
    (1.0, 1.0, 0.005)
    """
    x, y = np.asarray(x), np.asarray(y)
    check_equal_row_counts(x, y)
    if groups is not None:
        groups = np.unique(np.asarray(groups), return_inverse=True)[1]
        check_equal_row_counts(x, groups)
    _check_permutation_count(permutations)
    with limit_to_one_thread():
        value = float(metric(x, y))
        if not np.isfinite(value):
            return UNDEFINED_CALIBRATION
        order_metric = build_metric_of_row_order(metric, x, y)
        return calibrate_metric_of_row_order(
            order_metric, value, len(x), permutations, seed, groups=groups
        )


def calibrate_metric_of_row_order(
    order_metric: OrderMetric,
    value: float,
    row_count: int,
    permutations: int = DEFAULT_PERMUTATIONS,
    seed: int = 0,
    *,
    groups: np.ndarray | None = None,
) -> NullCalibration:
    """Compare a value with those of a function of the order of rows.

    Parameters
    ----------
    order_metric : callable
        As `core.evaluation.row_permutation_metric_builders.build_metric_of_row_order` returns it.
    value : float
        The measure on the true pairs.
    row_count, permutations, seed, groups
        As for `calibrated`; groups are int [n].
    """
    _check_permutation_count(permutations)
    rng = np.random.default_rng(seed)
    orders = (_sample_row_permutation(rng, row_count, groups) for _ in range(permutations))
    with limit_to_one_thread():
        null = np.array([order_metric(order) for order in orders], dtype=np.float64)
    null = null[np.isfinite(null)]
    if not len(null) or not np.isfinite(value):
        return UNDEFINED_CALIBRATION
    null_mean = float(null.mean())
    headroom = 1 - null_mean
    return NullCalibration(
        value=value,
        null_mean=null_mean,
        null_p95=float(np.percentile(null, NULL_PERCENTILE)),
        calibrated=(value - null_mean) / headroom if headroom > ROUNDING_ERROR else np.nan,
        p=float((1 + (null >= value - ROUNDING_ERROR).sum()) / (1 + len(null))),
    )


def _sample_row_permutation(
    rng: np.random.Generator, row_count: int, groups: np.ndarray | None
) -> np.ndarray:
    if groups is None:
        return rng.permutation(row_count)
    order = np.empty(row_count, dtype=np.int64)
    order[np.argsort(groups, kind="stable")] = np.lexsort((rng.random(row_count), groups))
    return order


def _check_permutation_count(permutations: int) -> None:
    if permutations < 1:
        raise EarshotError(
            f"{permutations} permutations cannot show chance.", remedy="Use at least 1."
        )


def describe_measures_near_chance(null_means: Mapping[str, float]) -> str:
    """Return a sentence on the measures that permuted pairs reach as well, or "".

    Parameters
    ----------
    null_means : mapping of str to float
        Mean of each measure on permuted pairs; NaN where it is not known.

    Examples
    --------
    >>> describe_measures_near_chance({"cka": 0.42, "cka_debiased": 0.0})
    'Permuted pairs reach cka 0.42: compare calibrated values there.'
    """
    levels = [
        f"{name} {value:.2f}" for name, value in null_means.items() if value > MAX_CHANCE_LEVEL
    ]
    if not levels:
        return ""
    return f"Permuted pairs reach {', '.join(levels)}: compare calibrated values there."
