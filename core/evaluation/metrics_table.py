"""Table of all metrics of embedding spaces, with confidence intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.evaluation import metrics
from core.evaluation.array_validation import rotate_into_fewer_columns
from core.evaluation.bootstrap import (
    UNDEFINED_INTERVAL,
    Interval,
    Statistic,
    bootstrap_interval,
    subsample_interval,
)
from core.evaluation.cca import CCA, correlate_columns, fit_cca

BEFORE_ALIGNMENT = "before"
ALIGNED_VS_ALIGNED = "aligned code ~ aligned audio"
ALIGNED_VS_RAW = "aligned code ~ raw audio"
METRIC_COLUMNS = ["metric", "split", "reading", "value", "low", "high", "programs"]
NEIGHBOUR_COUNT = 3
TOP_CCA_DIRECTIONS = 10
RECALL_KS = (1, 5, 10)

SetMetric = Callable[[np.ndarray], float]
"""A metric of a set of programs, given by their rows."""


@dataclass(frozen=True)
class EmbeddingComparison:
    """Two spaces to compare: one of code and one of audio.

    Attributes
    ----------
    name : str
        `BEFORE_ALIGNMENT` (raw code and raw audio), `ALIGNED_VS_ALIGNED` (as in the paper) or
        `ALIGNED_VS_RAW`, which a projection head cannot distort because only code is projected.
    code, audio : array, float [n, d1] and [n, d2]
        The programs to evaluate, row i of both the same one.
    train_code, train_audio : array, float [m, d1] and [m, d2]
        The training programs, on which CCA finds its directions.
    is_shared_space : bool
        Whether both are in one space, so that one can be searched with the other.
    retrieved_rows : array, int [n, k], optional
        For each evaluated program the training programs retrieved for its code.
    fitted_cca : CCA, optional
        Result of `fit_cca` on the training programs, if it was computed before.
    """

    name: str
    code: np.ndarray
    audio: np.ndarray
    train_code: np.ndarray
    train_audio: np.ndarray
    is_shared_space: bool = False
    retrieved_rows: np.ndarray | None = None
    fitted_cca: CCA | None = None


def compute_metrics_table(
    comparisons: Iterable[EmbeddingComparison],
    split: str,
    *,
    seed: int = 0,
    with_intervals: bool = True,
) -> pd.DataFrame:
    """Compute every metric of every comparison.

    Parameters
    ----------
    comparisons : iterable of EmbeddingComparison
    split : str
        Name of the split of the programs, for the column "split".
    seed : int
        Seed of the resamples.
    with_intervals : bool
        If False, `low` and `high` are NaN, which takes a hundredth of the time.

    Returns
    -------
    DataFrame
        Columns `METRIC_COLUMNS`; one row per metric and comparison. `low` and `high` bound 95 %
        of the resamples (`core.evaluation.bootstrap`); `programs` is n. Undefined values are NaN.

        Metrics: cka, cka_debiased; cca (mean over all pairs of directions, found on the training
        programs), cca@10 (over the ten pairs that correlated most in training), cca_in_sample
        (directions found on the evaluated programs themselves, presumably as in the paper; biased
        upwards, and used for no decision); spearman, pearson, overlap@3, jaccard@3;
        normalized_similarity@k if there are retrieved programs; and in a shared space, for both
        "code->audio" and "audio->code": recall@1, recall@5, recall@10, mrr, median_rank.
    """
    rows = [
        (metric, split, comparison.name, value, low, high, len(comparison.code))
        for comparison in comparisons
        for metric, value, (low, high) in _iterate_metrics(comparison, seed, with_intervals)
    ]
    return pd.DataFrame(rows, columns=METRIC_COLUMNS)


def _iterate_metrics(
    comparison: EmbeddingComparison, seed: int, with_intervals: bool
) -> Iterator[tuple[str, float, Interval]]:
    n = len(comparison.code)
    for name, measure in _build_set_metric_functions(comparison).items():
        interval = UNDEFINED_INTERVAL
        if with_intervals:
            interval = subsample_interval(measure, n, seed=seed)
        yield name, measure(np.arange(n)), interval
    for name, (values, statistic) in _compute_per_program_metrics(comparison).items():
        value = float(statistic(values, axis=0)) if len(values) else np.nan
        interval = UNDEFINED_INTERVAL
        if with_intervals:
            interval = bootstrap_interval(values, statistic, seed=seed)
        yield name, value, interval


def _build_set_metric_functions(comparison: EmbeddingComparison) -> dict[str, SetMetric]:
    """Build the metrics that are one number for a set of programs."""
    directions = comparison.fitted_cca or fit_cca(comparison.train_code, comparison.train_audio)
    projections = directions.project_onto_canonical_directions(
        comparison.code, comparison.audio
    )  # 2 x [n, c]
    # Hundreds of resamples are measured, so on as few columns as keep all distances.
    code, audio = (
        rotate_into_fewer_columns(comparison.code),
        rotate_into_fewer_columns(comparison.audio),
    )
    return {
        "cka": lambda rows: metrics.cka(code[rows], audio[rows]),
        "cka_debiased": lambda rows: metrics.cka(code[rows], audio[rows], debiased=True),
        "cca": lambda rows: _compute_mean_canonical_correlation(projections, rows),
        f"cca@{TOP_CCA_DIRECTIONS}": lambda rows: _compute_mean_canonical_correlation(
            projections, rows, TOP_CCA_DIRECTIONS
        ),
        "cca_in_sample": lambda rows: metrics.cca(code[rows], audio[rows]) if len(rows) else np.nan,
        "spearman": lambda rows: metrics.distance_spearman(code[rows], audio[rows]),
        "pearson": lambda rows: metrics.distance_pearson(code[rows], audio[rows]),
    }


def _compute_mean_canonical_correlation(
    projections: tuple[np.ndarray, np.ndarray], rows: np.ndarray, max_directions: int | None = None
) -> float:
    """Return the mean correlation along the pairs of directions, those of training first."""
    code, audio = (side[rows, :max_directions] for side in projections)
    correlations = correlate_columns(code, audio)
    return float(correlations.mean()) if len(correlations) else np.nan


def _compute_per_program_metrics(
    comparison: EmbeddingComparison,
) -> dict[str, tuple[np.ndarray, Statistic]]:
    """Compute the metrics that have one value per program, with the statistic of their summary."""
    code, audio, k = comparison.code, comparison.audio, NEIGHBOUR_COUNT
    shared = metrics.count_shared_neighbours(code, audio, k)
    values_by_metric: dict[str, tuple[np.ndarray, Statistic]] = {
        f"overlap@{k}": (shared / k, np.mean),
        f"jaccard@{k}": (shared / (2 * k - shared), np.mean),
    }
    if comparison.retrieved_rows is not None:
        similarities = metrics.normalized_similarity(
            comparison.retrieved_rows, audio, comparison.train_audio
        )
        retrieved_count = comparison.retrieved_rows.shape[1]
        values_by_metric[f"normalized_similarity@{retrieved_count}"] = (similarities, np.mean)
    if not comparison.is_shared_space:
        return values_by_metric
    for direction, query, base in (("code->audio", code, audio), ("audio->code", audio, code)):
        for recall_k in RECALL_KS:
            hit_rates = metrics.compute_hit_rates(query, base, recall_k)
            values_by_metric[f"recall@{recall_k} {direction}"] = (hit_rates, np.mean)
        ranks = metrics.compute_match_ranks(query, base)
        values_by_metric[f"mrr {direction}"] = (1 / ranks, np.mean)
        values_by_metric[f"median_rank {direction}"] = (ranks, np.median)
    return values_by_metric
