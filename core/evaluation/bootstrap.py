"""Confidence intervals by bootstrap and by subsampling."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from core.evaluation.single_thread_limit import limit_to_one_thread

DEFAULT_LEVEL = 0.95
MIN_SUBSAMPLED_ROWS = 8
MIN_CLUSTERS = 4
"""Fewer templates or styles show nothing about how much others would differ."""
Interval = tuple[float, float]
Statistic = Callable[..., Any]
"""Such as `numpy.mean`: takes an array and the `axis` to reduce."""
UNDEFINED_INTERVAL: Interval = (np.nan, np.nan)


def compute_bootstrap_interval(
    values: np.ndarray,
    statistic: Statistic = np.mean,
    *,
    clusters: np.ndarray | None = None,
    level: float = DEFAULT_LEVEL,
    resamples: int = 1000,
    seed: int = 0,
) -> Interval:
    """Compute the percentile bootstrap interval of a statistic of one value per program.

    Parameters
    ----------
    values : array, float [n]
    statistic : callable
        Such as `numpy.mean`: takes an array and the `axis` to reduce.
    clusters : array [n], optional
        Template or style of each program. Whole clusters are then resampled, because variants of
        one template are not independent. Default: programs are resampled.
    level : float
        Share of the resamples inside the interval, in (0, 1).
    resamples : int
        How often n programs, or all clusters, are drawn with replacement.
    seed : int

    Returns
    -------
    low, high : float
        NaN for fewer than 2 values, or fewer than 4 clusters.

    Notes
    -----
    Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 1979.

    Examples
    --------
    >>> low, high = compute_bootstrap_interval(np.arange(100.0))
    >>> low < 49.5 < high
    True
    """
    values = np.asarray(values, dtype=np.float64)
    if len(values) < 2:
        return UNDEFINED_INTERVAL
    rng = np.random.default_rng(seed)
    if clusters is not None:
        cluster_rows = _list_cluster_rows(clusters)
        return _bootstrap_over_clusters(values, statistic, cluster_rows, rng, level, resamples)
    drawn_rows = rng.integers(len(values), size=(resamples, len(values)))
    return _compute_quantile_interval(statistic(values[drawn_rows], axis=1), level)


def compute_subsampling_interval(
    measure: Callable[[np.ndarray], float],
    row_count: int,
    *,
    clusters: np.ndarray | None = None,
    level: float = DEFAULT_LEVEL,
    resamples: int = 100,
    max_rows: int = 400,
    seed: int = 0,
) -> Interval:
    """Compute the interval of a number measured on a set of programs, such as CKA.

    The bootstrap draws some programs twice. A copy would be its program's nearest neighbour at
    distance 0 and raise every measure of agreement. Here each resample is drawn without
    replacement.

    Parameters
    ----------
    measure : callable
        Takes the rows to measure, int [b], and returns the number.
    row_count : int
        Number of rows.
    clusters : array [n], optional
        Template or style of each row. Each resample then has half of the clusters. Default: half
        of the rows.
    level : float
        Share of the resamples inside the interval, in (0, 1).
    resamples : int
    max_rows : int
        Maximum size of a resample, which is half of the rows otherwise.
    seed : int

    Returns
    -------
    low, high : float
        NaN for fewer than 8 rows or 4 clusters, or if the number is undefined on more than half
        of the resamples.

    Notes
    -----
    Politis & Romano, "Large sample confidence regions based on subsamples under minimal
    assumptions", Annals of Statistics 1994. Deviations of b out of n rows are larger than those
    of n rows by the factor sqrt((n - b) / b), which is 1 for halves. Because b can bias the
    measure, deviations are taken from the mean of all resamples.
    """
    if row_count < MIN_SUBSAMPLED_ROWS:
        return UNDEFINED_INTERVAL
    rng = np.random.default_rng(seed)
    # Without clusters, each row is a cluster of its own.
    cluster_rows = _list_cluster_rows(np.arange(row_count) if clusters is None else clusters)
    n = len(cluster_rows)
    if n < MIN_CLUSTERS:
        return UNDEFINED_INTERVAL
    b = n // 2 if clusters is not None else min(n // 2, max_rows)
    subsamples = (
        _sample_rows_of_clusters(
            rng, [cluster_rows[index] for index in rng.permutation(n)[:b]], max_rows
        )
        for _ in range(resamples)
    )
    with limit_to_one_thread():
        values = np.array([measure(rows) for rows in subsamples], dtype=np.float64)
    values = values[np.isfinite(values)]
    if len(values) <= resamples / 2:
        return UNDEFINED_INTERVAL
    deviations = (values - values.mean()) * np.sqrt(b / (n - b))
    low, high = _compute_quantile_interval(deviations, level)
    centre = measure(np.arange(row_count))
    return centre + low, centre + high


def _list_cluster_rows(clusters: np.ndarray) -> list[np.ndarray]:
    """Return the rows of each cluster."""
    _, indices, counts = np.unique(clusters, return_inverse=True, return_counts=True)
    return np.split(np.argsort(indices, kind="stable"), np.cumsum(counts)[:-1])


def _sample_rows_of_clusters(
    rng: np.random.Generator, cluster_rows: Sequence[np.ndarray], max_rows: int
) -> np.ndarray:
    """Return the sorted rows of some clusters, of large ones only a share."""
    max_cluster_rows = max(1, max_rows // len(cluster_rows))
    drawn = [
        rows if len(rows) <= max_cluster_rows else rng.permutation(rows)[:max_cluster_rows]
        for rows in cluster_rows
    ]
    return np.sort(np.concatenate(drawn))


def _bootstrap_over_clusters(
    values: np.ndarray,
    statistic: Statistic,
    cluster_rows: Sequence[np.ndarray],
    rng: np.random.Generator,
    level: float,
    resamples: int,
) -> Interval:
    n = len(cluster_rows)
    if n < MIN_CLUSTERS:
        return UNDEFINED_INTERVAL
    statistics = [
        statistic(values[np.concatenate([cluster_rows[index] for index in drawn])], axis=0)
        for drawn in rng.integers(n, size=(resamples, n))
    ]
    return _compute_quantile_interval(np.array(statistics), level)


def _compute_quantile_interval(values: np.ndarray, level: float) -> Interval:
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
