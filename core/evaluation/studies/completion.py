"""Do candidates that are near by code sound near? The paper's four numbers, with intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from core.evaluation import metrics
from core.evaluation.checks import unit_rows
from core.evaluation.intervals import bootstrap_interval, subsample_interval
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


def from_prompt(code: np.ndarray, sound: np.ndarray, resamples: int = 1000, seed: int = 0):
    """The first row is the only query, all others are searched: as the paper's raw numbers,
    all of them thirds or fifths, seem to have been made.

    Returns
    -------
    DataFrame
        As of `each_in_turn`; intervals by bootstrap over the candidates searched.
    """
    near = 1 - unit_rows(code[:1]) @ unit_rows(code[1:]).T, 1 - unit_rows(sound[:1]) @ unit_rows(
        sound[1:]
    ).T
    a, b = (each[0].double().numpy() for each in near)
    found = (set(top_k(x[:1], x[1:], K)[0][0].tolist()) for x in (code, sound))
    common = len(set.intersection(*found))
    nan = (np.nan, np.nan)
    rng = np.random.default_rng(seed)
    drawn = rng.integers(len(a), size=(resamples, len(a)))
    rows = [("jaccard@3", common / (2 * K - common), *nan), ("overlap@3", common / K, *nan)]
    for name, measure in (("spearman", stats.spearmanr), ("pearson", stats.pearsonr)):
        if np.ptp(a) == 0 or np.ptp(b) == 0:
            rows.append((name, np.nan, *nan))
            continue
        values = [measure(a[d], b[d]).statistic for d in drawn]
        low, high = np.nanquantile(values, [0.025, 0.975])
        rows.append((name, float(measure(a, b).statistic), float(low), float(high)))
    return pd.DataFrame(rows, columns=["metric", "value", "low", "high"])
