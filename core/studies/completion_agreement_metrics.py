"""Metrics of the completion study: the paper's four numbers, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from core.evaluation import metrics
from core.evaluation.array_validation_and_normalization import normalize_rows
from core.evaluation.bootstrap import compute_bootstrap_interval, compute_subsampling_interval
from core.evaluation.nearest_neighbours import find_k_nearest_rows

NEIGHBOUR_COUNT = 3
COMPLETION_METRICS = ("jaccard@3", "overlap@3", "spearman", "pearson")
SCORE_COLUMNS = ["metric", "value", "low", "high"]

_DISTANCE_CORRELATIONS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "spearman": metrics.distance_spearman,
    "pearson": metrics.distance_pearson,
}


def evaluate_candidates_as_queries(
    code_embeddings: np.ndarray, audio_embeddings: np.ndarray, seed: int = 0
) -> pd.DataFrame:
    """Measure the agreement of code and audio with each candidate as a query among the others.

    Parameters
    ----------
    code_embeddings, audio_embeddings : array, float [n, d1] and [n, d2]
        Row i of both is the same candidate.
    seed : int

    Returns
    -------
    DataFrame
        Columns `SCORE_COLUMNS`. Jaccard and overlap are means over candidates, bootstrapped over
        them; Spearman and Pearson are over the cosine distances of all pairs.
    """
    rows = [
        (name, float(values.mean()), *compute_bootstrap_interval(values, seed=seed))
        for name, values in _compute_neighbour_agreement(code_embeddings, audio_embeddings).items()
    ]
    for name, correlate in _DISTANCE_CORRELATIONS.items():

        def correlate_subset(
            subset: np.ndarray | slice = slice(None),
            correlate: Callable[[np.ndarray, np.ndarray], float] = correlate,
        ) -> float:
            return correlate(code_embeddings[subset], audio_embeddings[subset])

        interval = compute_subsampling_interval(correlate_subset, len(code_embeddings), seed=seed)
        rows.append((name, correlate_subset(), *interval))
    return pd.DataFrame(rows, columns=SCORE_COLUMNS)


def measure_alignment_gain(
    code_before: np.ndarray, code_after: np.ndarray, audio_embeddings: np.ndarray, seed: int = 0
) -> pd.DataFrame:
    """Measure how much better one code embedding agrees with audio than another.

    Parameters
    ----------
    code_before, code_after, audio_embeddings : array, float [n, d1], [n, d2] and [n, d3]
        Row i of all three is the same candidate.
    seed : int

    Returns
    -------
    DataFrame
        Columns `SCORE_COLUMNS`: the numbers of `evaluate_candidates_as_queries` for `code_after`
        minus those for `code_before`. Both are measured on the same resample, so the interval is
        that of the difference.
    """
    scores_before = _compute_neighbour_agreement(code_before, audio_embeddings)
    scores_after = _compute_neighbour_agreement(code_after, audio_embeddings)
    rows = []
    for name, before in scores_before.items():
        gains = scores_after[name] - before
        rows.append((name, float(gains.mean()), *compute_bootstrap_interval(gains, seed=seed)))
    for name, correlate in _DISTANCE_CORRELATIONS.items():

        def measure_gain(
            subset: np.ndarray | slice = slice(None),
            correlate: Callable[[np.ndarray, np.ndarray], float] = correlate,
        ) -> float:
            after = correlate(code_after[subset], audio_embeddings[subset])
            return after - correlate(code_before[subset], audio_embeddings[subset])

        interval = compute_subsampling_interval(measure_gain, len(audio_embeddings), seed=seed)
        rows.append((name, measure_gain(), *interval))
    return pd.DataFrame(rows, columns=SCORE_COLUMNS)


def evaluate_candidate_subsets(
    code_embeddings: np.ndarray,
    audio_embeddings: np.ndarray,
    candidate_counts: Sequence[int],
    draw_count: int = 200,
    seed: int = 0,
) -> pd.DataFrame:
    """Measure the agreement among fewer candidates, which makes the task easier.

    Parameters
    ----------
    code_embeddings, audio_embeddings : array, float [n, d1] and [n, d2]
        Row i of both is the same candidate.
    candidate_counts : sequence of int
        Sizes of the subsets, each from `NEIGHBOUR_COUNT` + 2 to n.
    draw_count : int
        Random subsets of each size.
    seed : int

    Returns
    -------
    DataFrame
        candidates, jaccard@3, overlap@3: means over draws; chance: overlap@3 of random
        neighbours.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for size in candidate_counts:
        subsets = [np.arange(size)]
        if size < len(code_embeddings):
            subsets = [rng.permutation(len(code_embeddings))[:size] for _ in range(draw_count)]
        shared = np.stack(
            [
                metrics.count_shared_neighbours(
                    code_embeddings[subset], audio_embeddings[subset], NEIGHBOUR_COUNT
                )
                for subset in subsets
            ]
        )
        rows.append(
            {
                "candidates": size,
                "jaccard@3": (shared / (2 * NEIGHBOUR_COUNT - shared)).mean(),
                "overlap@3": shared.mean() / NEIGHBOUR_COUNT,
                "chance": NEIGHBOUR_COUNT / (size - 1),
            }
        )
    return pd.DataFrame(rows)


def evaluate_prompt_as_query(
    code_embeddings: np.ndarray,
    audio_embeddings: np.ndarray,
    resamples: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Measure the agreement with the first row as the only query and all others as candidates.

    The paper's raw numbers, all of them thirds or fifths, seem to have been measured like this.

    Parameters
    ----------
    code_embeddings, audio_embeddings : array, float [1 + n, d1] and [1 + n, d2]
    resamples, seed : int

    Returns
    -------
    DataFrame
        Columns `SCORE_COLUMNS`; intervals by bootstrap over candidates.
    """
    nan = np.nan
    nearest = (
        set(find_k_nearest_rows(x[:1], x[1:], NEIGHBOUR_COUNT)[0][0].tolist())
        for x in (code_embeddings, audio_embeddings)
    )
    shared = len(set.intersection(*nearest))
    rows = [
        ("jaccard@3", shared / (2 * NEIGHBOUR_COUNT - shared), nan, nan),
        ("overlap@3", shared / NEIGHBOUR_COUNT, nan, nan),
    ]
    a, b = (_compute_distances_from_first_row(x) for x in (code_embeddings, audio_embeddings))
    drawn = np.random.default_rng(seed).integers(len(a), size=(resamples, len(a)))
    transforms: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "spearman": _rank_last_axis,
        "pearson": np.copy,
    }
    for name, transform in transforms.items():
        value = _correlate_last_axis(transform(a), transform(b))
        # A resample that drew one candidate only has no correlation.
        resampled = _correlate_last_axis(transform(a[drawn]), transform(b[drawn]))
        finite = resampled[np.isfinite(resampled)]
        low, high = np.quantile(finite, [0.025, 0.975]) if len(finite) else (nan, nan)
        rows.append((name, float(value), float(low), float(high)))
    return pd.DataFrame(rows, columns=SCORE_COLUMNS)


def _compute_neighbour_agreement(
    code_embeddings: np.ndarray, audio_embeddings: np.ndarray
) -> dict[str, np.ndarray]:
    """Return Jaccard and overlap of each candidate's neighbours: float [n] each."""
    shared = metrics.count_shared_neighbours(code_embeddings, audio_embeddings, NEIGHBOUR_COUNT)
    return {
        "jaccard@3": shared / (2 * NEIGHBOUR_COUNT - shared),
        "overlap@3": shared / NEIGHBOUR_COUNT,
    }


def _compute_distances_from_first_row(embeddings: np.ndarray) -> np.ndarray:
    """Return cosine distances from the first row to each other row: float64 [n - 1]."""
    rows = normalize_rows(embeddings).double().numpy()
    return 1 - rows[1:] @ rows[0]


def _rank_last_axis(values: np.ndarray) -> np.ndarray:
    return stats.rankdata(values, axis=-1)


def _correlate_last_axis(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return Pearson's r along the last axis; nan where one side is constant."""
    a, b = (x - x.mean(axis=-1, keepdims=True) for x in (a, b))
    lengths = np.sqrt((a**2).sum(axis=-1) * (b**2).sum(axis=-1))
    is_constant = (np.ptp(a, axis=-1) == 0) | (np.ptp(b, axis=-1) == 0)
    return np.where(is_constant, np.nan, (a * b).sum(axis=-1) / np.where(is_constant, 1, lengths))
