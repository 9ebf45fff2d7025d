"""Do candidates that are near by code sound near? The paper's four numbers, with intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from core.evaluation import metrics
from core.evaluation.validation import normalize_rows
from core.evaluation.bootstrap import bootstrap_interval, subsample_interval
from core.evaluation.neighbours import top_k

NEIGHBOUR_COUNT = 3
COMPLETION_METRICS = ("jaccard@3", "overlap@3", "spearman", "pearson")


def evaluate_each_candidate(code_embeddings: np.ndarray, audio: np.ndarray, seed: int = 0) -> pd.DataFrame:
    """Every candidate asks for its neighbours among the others.

    Parameters
    ----------
    code_embeddings, audio : array, float [n, d1] and [n, d2]
        Row i of both is the same candidate.

    Returns
    -------
    DataFrame
        metric, value, low, high. Jaccard and overlap are means over candidates, bootstrapped
        over them; Spearman and Pearson are over all pairs' cosine distances.
    """
    shared = metrics.count_shared_neighbours(code_embeddings, audio, NEIGHBOUR_COUNT)
    rows = []
    for name, values in (("jaccard@3", shared / (2 * NEIGHBOUR_COUNT - shared)), ("overlap@3", shared / NEIGHBOUR_COUNT)):
        rows.append((name, float(values.mean()), *bootstrap_interval(values, seed=seed)))
    for name, measure in (("spearman", metrics.distance_spearman), ("pearson", metrics.distance_pearson)):
        interval = subsample_interval(
            lambda some, measure=measure: measure(code_embeddings[some], audio[some]), len(code_embeddings), seed=seed
        )
        rows.append((name, measure(code_embeddings, audio), *interval))
    return pd.DataFrame(rows, columns=["metric", "value", "low", "high"])


def measure_alignment_gain(code_before: np.ndarray, code_after: np.ndarray, audio: np.ndarray, seed: int = 0) -> pd.DataFrame:
    """How much nearer to the sound one embedding of the code is than another.

    Parameters
    ----------
    code_before, code_after, audio : array, float [n, d1], [n, d2] and [n, d3]
        Row i of all is the same candidate.

    Returns
    -------
    DataFrame
        metric, value, low, high: what `each_in_turn` says of `code_after` less what it says of
        `code_before`. The interval is of the difference: both are asked of the same resample.
    """
    shared = [metrics.count_shared_neighbours(code, audio, NEIGHBOUR_COUNT) for code in (code_before, code_after)]
    each = {
        "jaccard@3": [one / (2 * NEIGHBOUR_COUNT - one) for one in shared],
        "overlap@3": [one / NEIGHBOUR_COUNT for one in shared],
    }
    rows = []
    for name, (old, new) in each.items():
        rows.append((name, float((new - old).mean()), *bootstrap_interval(new - old, seed=seed)))
    for name, measure in (("spearman", metrics.distance_spearman), ("pearson", metrics.distance_pearson)):

        def measure_gain(rows=slice(None), measure=measure) -> float:
            return measure(code_after[rows], audio[rows]) - measure(code_before[rows], audio[rows])

        rows.append((name, measure_gain(), *subsample_interval(measure_gain, len(audio), seed=seed)))
    return pd.DataFrame(rows, columns=["metric", "value", "low", "high"])


def evaluate_candidate_subsets(
    code_embeddings: np.ndarray, audio: np.ndarray, candidate_counts: Sequence[int], draw_count: int = 200, seed: int = 0
) -> pd.DataFrame:
    """The same question among fewer candidates: the fewer there are, the easier it is.

    Parameters
    ----------
    code_embeddings, audio : array, float [n, d1] and [n, d2]
        Row i of both is the same candidate.
    candidate_counts : sequence of int
        How many candidates to draw, each from `K` + 2 to n.
    draw_count : int
        Sets of candidates of each size.

    Returns
    -------
    DataFrame
        candidates, jaccard@3, overlap@3: means over draws; chance: overlap@3 of any neighbours.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for size in candidate_counts:
        drawn = [np.arange(size)]  # all of them, as they come
        if size < len(code_embeddings):
            drawn = [rng.permutation(len(code_embeddings))[:size] for _ in range(draw_count)]
        shared = np.stack([metrics.count_shared_neighbours(code_embeddings[some], audio[some], NEIGHBOUR_COUNT) for some in drawn])
        rows.append(
            {
                "candidates": size,
                "jaccard@3": (shared / (2 * NEIGHBOUR_COUNT - shared)).mean(),
                "overlap@3": shared.mean() / NEIGHBOUR_COUNT,
                "chance": NEIGHBOUR_COUNT / (size - 1),
            }
        )
    return pd.DataFrame(rows)


def evaluate_prompt_query(code_embeddings: np.ndarray, audio: np.ndarray, resamples: int = 1000, seed: int = 0):
    """The first row is the only query, all others are searched: as the paper's raw numbers,
    all of them thirds or fifths, seem to have been made.

    Returns
    -------
    DataFrame
        As of `each_in_turn`; intervals by bootstrap over the candidates searched.
    """
    a, b = (_measure_distances_from_first(x) for x in (code_embeddings, audio))
    found = (set(top_k(x[:1], x[1:], NEIGHBOUR_COUNT)[0][0].tolist()) for x in (code_embeddings, audio))
    common = len(set.intersection(*found))
    nan = (np.nan, np.nan)
    rng = np.random.default_rng(seed)
    drawn = rng.integers(len(a), size=(resamples, len(a)))
    rows = [("jaccard@3", common / (2 * NEIGHBOUR_COUNT - common), *nan), ("overlap@3", common / NEIGHBOUR_COUNT, *nan)]
    for name, prepare in (("spearman", lambda x: stats.rankdata(x, axis=-1)), ("pearson", np.copy)):
        value = _correlate_last_axis(prepare(a), prepare(b))
        # A resample that drew one candidate only has no correlation.
        values = _correlate_last_axis(prepare(a[drawn]), prepare(b[drawn]))
        known = values[np.isfinite(values)]
        low, high = np.quantile(known, [0.025, 0.975]) if len(known) else nan
        rows.append((name, float(value), float(low), float(high)))
    return pd.DataFrame(rows, columns=["metric", "value", "low", "high"])


def _measure_distances_from_first(x: np.ndarray) -> np.ndarray:
    """Cosine distances of the first row to each other: float64 [n - 1]."""
    rows = normalize_rows(x).double().numpy()
    return 1 - rows[1:] @ rows[0]


def _correlate_last_axis(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Pearson's r along the last axis; nan where one side doesn't vary."""
    a, b = (x - x.mean(axis=-1, keepdims=True) for x in (a, b))
    lengths = np.sqrt((a**2).sum(axis=-1) * (b**2).sum(axis=-1))
    flat = (np.ptp(a, axis=-1) == 0) | (np.ptp(b, axis=-1) == 0)
    return np.where(flat, np.nan, (a * b).sum(axis=-1) / np.where(flat, 1, lengths))
