"""Do candidates that are near by code sound near? The paper's four numbers, with intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from core.evaluation import metrics
from core.evaluation.validation import unit_rows
from core.evaluation.bootstrap import bootstrap_interval, subsample_interval
from core.evaluation.neighbours import top_k

K = 3
METRICS = ("jaccard@3", "overlap@3", "spearman", "pearson")


def each_in_turn(code: np.ndarray, sound: np.ndarray, seed: int = 0) -> pd.DataFrame:
    """Every candidate asks for its neighbours among the others.

    Parameters
    ----------
    code, sound : array, float [n, d1] and [n, d2]
        Row i of both is the same candidate.

    Returns
    -------
    DataFrame
        metric, value, low, high. Jaccard and overlap are means over candidates, bootstrapped
        over them; Spearman and Pearson are over all pairs' cosine distances.
    """
    shared = metrics.shared_neighbours(code, sound, K)
    rows = []
    for name, values in (("jaccard@3", shared / (2 * K - shared)), ("overlap@3", shared / K)):
        rows.append((name, float(values.mean()), *bootstrap_interval(values, seed=seed)))
    for name, measure in (("spearman", metrics.spearman), ("pearson", metrics.pearson)):
        interval = subsample_interval(
            lambda some, measure=measure: measure(code[some], sound[some]), len(code), seed=seed
        )
        rows.append((name, measure(code, sound), *interval))
    return pd.DataFrame(rows, columns=["metric", "value", "low", "high"])


def gained(before: np.ndarray, after: np.ndarray, sound: np.ndarray, seed: int = 0) -> pd.DataFrame:
    """How much nearer to the sound one embedding of the code is than another.

    Parameters
    ----------
    before, after, sound : array, float [n, d1], [n, d2] and [n, d3]
        Row i of all is the same candidate.

    Returns
    -------
    DataFrame
        metric, value, low, high: what `each_in_turn` says of `after` less what it says of
        `before`. The interval is of the difference: both are asked of the same resample.
    """
    shared = [metrics.shared_neighbours(code, sound, K) for code in (before, after)]
    each = {
        "jaccard@3": [one / (2 * K - one) for one in shared],
        "overlap@3": [one / K for one in shared],
    }
    rows = []
    for name, (old, new) in each.items():
        rows.append((name, float((new - old).mean()), *bootstrap_interval(new - old, seed=seed)))
    for name, measure in (("spearman", metrics.spearman), ("pearson", metrics.pearson)):

        def more(some=slice(None), measure=measure) -> float:
            return measure(after[some], sound[some]) - measure(before[some], sound[some])

        rows.append((name, more(), *subsample_interval(more, len(sound), seed=seed)))
    return pd.DataFrame(rows, columns=["metric", "value", "low", "high"])


def among_fewer(
    code: np.ndarray, sound: np.ndarray, sizes: Sequence[int], draws: int = 200, seed: int = 0
) -> pd.DataFrame:
    """The same question among fewer candidates: the fewer there are, the easier it is.

    Parameters
    ----------
    code, sound : array, float [n, d1] and [n, d2]
        Row i of both is the same candidate.
    sizes : sequence of int
        How many candidates to draw, each from `K` + 2 to n.
    draws : int
        Sets of candidates of each size.

    Returns
    -------
    DataFrame
        candidates, jaccard@3, overlap@3: means over draws; chance: overlap@3 of any neighbours.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for size in sizes:
        drawn = [np.arange(size)]  # all of them, as they come
        if size < len(code):
            drawn = [rng.permutation(len(code))[:size] for _ in range(draws)]
        shared = np.stack([metrics.shared_neighbours(code[some], sound[some], K) for some in drawn])
        rows.append(
            {
                "candidates": size,
                "jaccard@3": (shared / (2 * K - shared)).mean(),
                "overlap@3": shared.mean() / K,
                "chance": K / (size - 1),
            }
        )
    return pd.DataFrame(rows)


def from_prompt(code: np.ndarray, sound: np.ndarray, resamples: int = 1000, seed: int = 0):
    """The first row is the only query, all others are searched: as the paper's raw numbers,
    all of them thirds or fifths, seem to have been made.

    Returns
    -------
    DataFrame
        As of `each_in_turn`; intervals by bootstrap over the candidates searched.
    """
    a, b = (_from_first(x) for x in (code, sound))
    found = (set(top_k(x[:1], x[1:], K)[0][0].tolist()) for x in (code, sound))
    common = len(set.intersection(*found))
    nan = (np.nan, np.nan)
    rng = np.random.default_rng(seed)
    drawn = rng.integers(len(a), size=(resamples, len(a)))
    rows = [("jaccard@3", common / (2 * K - common), *nan), ("overlap@3", common / K, *nan)]
    for name, prepare in (("spearman", lambda x: stats.rankdata(x, axis=-1)), ("pearson", np.copy)):
        value = _correlations(prepare(a), prepare(b))
        # A resample that drew one candidate only has no correlation.
        values = _correlations(prepare(a[drawn]), prepare(b[drawn]))
        known = values[np.isfinite(values)]
        low, high = np.quantile(known, [0.025, 0.975]) if len(known) else nan
        rows.append((name, float(value), float(low), float(high)))
    return pd.DataFrame(rows, columns=["metric", "value", "low", "high"])


def _from_first(x: np.ndarray) -> np.ndarray:
    """Cosine distances of the first row to each other: float64 [n - 1]."""
    rows = unit_rows(x).double().numpy()
    return 1 - rows[1:] @ rows[0]


def _correlations(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Pearson's r along the last axis; nan where one side doesn't vary."""
    a, b = (x - x.mean(axis=-1, keepdims=True) for x in (a, b))
    lengths = np.sqrt((a**2).sum(axis=-1) * (b**2).sum(axis=-1))
    flat = (np.ptp(a, axis=-1) == 0) | (np.ptp(b, axis=-1) == 0)
    return np.where(flat, np.nan, (a * b).sum(axis=-1) / np.where(flat, 1, lengths))
