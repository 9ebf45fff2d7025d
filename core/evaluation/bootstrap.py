"""How far a number measured on these programs may be from the one on all such programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from threadpoolctl import threadpool_limits

DEFAULT_LEVEL = 0.95
Interval = tuple[float, float]
UNDEFINED_INTERVAL: Interval = (np.nan, np.nan)


def bootstrap_interval(
    values: np.ndarray,
    statistic: Callable = np.mean,
    *,
    level: float = DEFAULT_LEVEL,
    resamples: int = 1000,
    seed: int = 0,
) -> Interval:
    """Percentile bootstrap of a statistic of values that each belong to one program.

    Parameters
    ----------
    values : array, float [n]
    statistic : callable
        Such as `numpy.mean`: takes an array and the `axis` to reduce.
    level : float
        Share of resamples inside the interval, in (0, 1).
    resamples : int
        How often n programs are drawn, with replacement.
    seed : int

    Returns
    -------
    low, high : float
        nan for fewer than 2 values.

    Notes
    -----
    Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 1979.
    """
    values = np.asarray(values, dtype=np.float64)
    if len(values) < 2:
        return UNDEFINED_INTERVAL
    drawn = np.random.default_rng(seed).integers(len(values), size=(resamples, len(values)))
    return _compute_interval(statistic(values[drawn], axis=1), level)


def subsample_interval(
    measure: Callable[[np.ndarray], float],
    row_count: int,
    *,
    level: float = DEFAULT_LEVEL,
    resamples: int = 100,
    max_rows: int = 400,
    seed: int = 0,
) -> Interval:
    """Interval of a number measured on all programs at once, such as CKA.

    The usual bootstrap draws some programs twice, and a copy would be its program's
    nearest neighbour at distance 0 and so raise every measure of agreement. Here each
    resample is a part of the programs, drawn without replacement.

    Parameters
    ----------
    measure : callable
        Takes the rows to measure on, int [b], and returns the number.
    row_count : int
        How many rows there are.
    level : float
        Share of resamples inside the interval, in (0, 1).
    resamples : int
    max_rows : int
        A resample is half of the rows, or so many if that is fewer.
    seed : int

    Returns
    -------
    low, high : float
        nan for fewer than 8 rows, or where the number is undefined on more than half of
        the resamples.

    Notes
    -----
    Politis & Romano, "Large sample confidence regions based on subsamples under minimal
    assumptions", Annals of Statistics 1994. Deviations of b of n rows are larger than
    those of n by sqrt((n - b) / b), which is 1 for halves; and as a measure may be biased
    by b, they are taken from the mean of all resamples.
    """
    if row_count < 8:
        return UNDEFINED_INTERVAL
    b = min(row_count // 2, max_rows)
    rng = np.random.default_rng(seed)
    parts = (np.sort(rng.permutation(row_count)[:b]) for _ in range(resamples))
    with _limit_to_one_thread():
        found = np.array([measure(rows) for rows in parts], dtype=np.float64)
    found = found[np.isfinite(found)]
    if len(found) <= resamples / 2:
        return UNDEFINED_INTERVAL
    deviations = (found - found.mean()) * np.sqrt(b / (row_count - b))
    low, high = _compute_interval(deviations, level)
    centre = measure(np.arange(row_count))
    return centre + low, centre + high


@contextmanager
def _limit_to_one_thread() -> Iterator[None]:
    """Compute with one thread: on hundreds of rows more of them only wait for each other.

    Measured on two cores that others use too: 25 times less time.
    """
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        with threadpool_limits(limits=1):
            yield
    finally:
        torch.set_num_threads(threads)


def _compute_interval(values: np.ndarray, level: float) -> Interval:
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
