"""All metrics of some readings of a split, each with its interval, as one table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.evaluation import metrics
from core.evaluation.cca import CCA, fit_cca, correlate_columns
from core.evaluation.bootstrap import UNDEFINED_INTERVAL, Interval, bootstrap_interval, subsample_interval

BEFORE_ALIGNMENT = "before"
ALIGNED_VS_ALIGNED = "aligned code ~ aligned audio"
ALIGNED_VS_RAW = "aligned code ~ raw audio"
METRIC_COLUMNS = ["metric", "split", "reading", "value", "low", "high", "programs"]
NEIGHBOUR_COUNT = 3
TOP_CCA_DIRECTIONS = 10  # pairs of canonical directions
RECALL_KS = (1, 5, 10)


@dataclass(frozen=True)
class EmbeddingComparison:
    """Two spaces to compare: what stands for the code, and what for its sound.

    Attributes
    ----------
    name : str
        `BEFORE` (raw code and raw audio), `ALIGNED` (as the paper reads it), or
        `AGAINST_RAW`, which no projection head can bend, for only the code is projected.
    code, audio : array, float [n, d1] and [n, d2]
        Of the programs judged, row i of both the same one.
    train_code, train_audio : array, float [m, d1] and [m, d2]
        The same of the training programs: where CCA finds its directions.
    is_shared_space : bool
        Whether both lie in one space, so that one can be searched with the other.
    retrieved_rows : array, int [n, k], optional
        For each program judged the training programs found for it by its code.
    fitted_cca : CCA, optional
        As `cca_fit` finds them on the training programs, where that was done before.
    """

    name: str
    code: np.ndarray
    audio: np.ndarray
    train_code: np.ndarray
    train_audio: np.ndarray
    is_shared_space: bool = False
    retrieved_rows: np.ndarray | None = None
    fitted_cca: CCA | None = None


def compute_metrics(
    comparisons: Iterable[EmbeddingComparison], split: str, *, seed: int = 0, with_intervals: bool = True
) -> pd.DataFrame:
    """Measure every metric of every reading.

    Parameters
    ----------
    comparisons : iterable of Reading
    split : str
        Which programs these are: every number says so.
    seed : int
        Of the resamples.
    with_intervals : bool
        Without them `low` and `high` are nan, which takes a hundredth of the time.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`; one row a metric and reading. `low` and `high` bound 95 % of
        resamples (`core.evaluation.bootstrap`); `programs` is n. Undefined values are
        nan. Metrics: cka, cka_debiased; cca (mean over all pairs of directions found on
        the training programs), cca@10 (the same over the ten that correlated most in
        training), cca_in_sample (directions found on the very programs they are measured
        on, as the paper presumably did: it flatters, and decides nothing); spearman, pearson, overlap@3, jaccard@3; normalized_similarity@k where there are found
        programs; and for a shared space, for both "code->audio" and "audio->code",
        recall@1, recall@5, recall@10, mrr, median_rank.
    """
    rows = [
        (metric, split, reading.name, value, low, high, len(reading.code))
        for reading in comparisons
        for metric, value, (low, high) in _iterate_metrics(reading, seed, with_intervals)
    ]
    return pd.DataFrame(rows, columns=METRIC_COLUMNS)


def _iterate_metrics(
    comparison: EmbeddingComparison, seed: int, with_intervals: bool
) -> Iterator[tuple[str, float, Interval]]:
    n = len(comparison.code)
    for name, measure in _build_set_metrics(comparison).items():
        interval = subsample_interval(measure, n, seed=seed) if with_intervals else UNDEFINED_INTERVAL
        yield name, measure(np.arange(n)), interval
    for name, (values, statistic) in _compute_program_metrics(comparison).items():
        value = float(statistic(values, axis=0)) if len(values) else np.nan
        interval = bootstrap_interval(values, statistic, seed=seed) if with_intervals else UNDEFINED_INTERVAL
        yield name, value, interval


def _build_set_metrics(comparison: EmbeddingComparison) -> dict[str, Callable[[np.ndarray], float]]:
    """Metrics that are one number for a set of programs, as functions of the rows in it."""
    directions = comparison.fitted_cca or fit_cca(comparison.train_code, comparison.train_audio)
    along = directions.transform(comparison.code, comparison.audio)  # 2 x [n, c]
    # Hundreds of resamples are measured: of as few columns as hold the same distances.
    code, audio = _reduce_columns(comparison.code), _reduce_columns(comparison.audio)
    return {
        "cka": lambda rows: metrics.cka(code[rows], audio[rows]),
        "cka_debiased": lambda rows: metrics.cka(code[rows], audio[rows], debiased=True),
        "cca": lambda rows: _average_correlations(along, rows),
        f"cca@{TOP_CCA_DIRECTIONS}": lambda rows: _average_correlations(along, rows, TOP_CCA_DIRECTIONS),
        "cca_in_sample": lambda rows: metrics.cca(code[rows], audio[rows]) if len(rows) else np.nan,
        "spearman": lambda rows: metrics.distance_spearman(code[rows], audio[rows]),
        "pearson": lambda rows: metrics.distance_pearson(code[rows], audio[rows]),
    }


def _average_correlations(
    projections: tuple[np.ndarray, np.ndarray], rows: np.ndarray, max_directions: int | None = None
) -> float:
    """Mean correlation along pairs of directions, or the first, as they were in training."""
    found = correlate_columns(*(side[rows, :max_directions] for side in projections))
    return float(found.mean()) if len(found) else np.nan


def _reduce_columns(x: np.ndarray) -> np.ndarray:
    """Rows [n, d] in no more than n columns, with the products of all rows as they were."""
    n, d = x.shape
    return x if d <= n or not n else np.linalg.qr(x.T.astype(np.float64), mode="r").T


def _compute_program_metrics(comparison: EmbeddingComparison) -> dict[str, tuple[np.ndarray, Callable]]:
    """Metrics that have one value a program, and the statistic that sums them up."""
    code, audio, k = comparison.code, comparison.audio, NEIGHBOUR_COUNT
    common = metrics.count_shared_neighbours(code, audio, k)
    found: dict[str, tuple[np.ndarray, Callable]] = {
        f"overlap@{k}": (common / k, np.mean),
        f"jaccard@{k}": (common / (2 * k - common), np.mean),
    }
    if comparison.retrieved_rows is not None:
        values = metrics.normalized_similarity(comparison.retrieved_rows, audio, comparison.train_audio)
        found[f"normalized_similarity@{comparison.retrieved_rows.shape[1]}"] = (values, np.mean)
    if not comparison.is_shared_space:
        return found
    for direction, query, base in (("code->audio", code, audio), ("audio->code", audio, code)):
        for recalled in RECALL_KS:
            found[f"recall@{recalled} {direction}"] = (
                metrics.compute_hit_rates(query, base, recalled),
                np.mean,
            )
        placed = metrics.rank_matches(query, base)
        found[f"mrr {direction}"] = (1 / placed, np.mean)
        found[f"median_rank {direction}"] = (placed, np.median)
    return found
