"""All metrics of some readings of a split, each with its interval, as one table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.evaluation import metrics
from core.evaluation.cca import CCA, cca_fit, correlations
from core.evaluation.bootstrap import UNKNOWN, Interval, bootstrap_interval, subsample_interval

BEFORE = "before"
ALIGNED = "aligned code ~ aligned audio"
AGAINST_RAW = "aligned code ~ raw audio"
COLUMNS = ["metric", "split", "reading", "value", "low", "high", "programs"]
NEIGHBOURS = 3
STRONGEST = 10  # pairs of canonical directions
RECALLED = (1, 5, 10)


@dataclass(frozen=True)
class Reading:
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
    shared : bool
        Whether both lie in one space, so that one can be searched with the other.
    found : array, int [n, k], optional
        For each program judged the training programs found for it by its code.
    directions : CCA, optional
        As `cca_fit` finds them on the training programs, where that was done before.
    """

    name: str
    code: np.ndarray
    audio: np.ndarray
    train_code: np.ndarray
    train_audio: np.ndarray
    shared: bool = False
    found: np.ndarray | None = None
    directions: CCA | None = None


def judge(
    readings: Iterable[Reading], split: str, *, seed: int = 0, intervals: bool = True
) -> pd.DataFrame:
    """Measure every metric of every reading.

    Parameters
    ----------
    readings : iterable of Reading
    split : str
        Which programs these are: every number says so.
    seed : int
        Of the resamples.
    intervals : bool
        Without them `low` and `high` are nan, which takes a hundredth of the time.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`; one row a metric and reading. `low` and `high` bound 95 % of
        resamples (`core.evaluation.bootstrap`); `programs` is n. Undefined values are
        nan. Metrics: cka, cka_debiased; cca (mean over all pairs of directions found on
        the training programs), cca@10 (the same over the ten that correlated most in
        training), cca_in_sample (directions found on the very programs they are measured
        on, as the paper presumably did: it flatters, and decides nothing); spearman, pearson, overlap@3, jaccard@3; foretold@k where there are found
        programs; and for a shared space, for both "code->audio" and "audio->code",
        recall@1, recall@5, recall@10, mrr, median_rank.
    """
    rows = [
        (metric, split, reading.name, value, low, high, len(reading.code))
        for reading in readings
        for metric, value, (low, high) in _measured(reading, seed, intervals)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _measured(
    reading: Reading, seed: int, intervals: bool
) -> Iterator[tuple[str, float, Interval]]:
    n = len(reading.code)
    for name, measure in _of_all_programs(reading).items():
        interval = subsample_interval(measure, n, seed=seed) if intervals else UNKNOWN
        yield name, measure(np.arange(n)), interval
    for name, (values, statistic) in _of_each_program(reading).items():
        value = float(statistic(values, axis=0)) if len(values) else np.nan
        interval = bootstrap_interval(values, statistic, seed=seed) if intervals else UNKNOWN
        yield name, value, interval


def _of_all_programs(reading: Reading) -> dict[str, Callable[[np.ndarray], float]]:
    """Metrics that are one number for a set of programs, as functions of the rows in it."""
    directions = reading.directions or cca_fit(reading.train_code, reading.train_audio)
    along = directions.placed(reading.code, reading.audio)  # 2 x [n, c]
    # Hundreds of resamples are measured: of as few columns as hold the same distances.
    code, audio = _narrow(reading.code), _narrow(reading.audio)
    return {
        "cka": lambda rows: metrics.cka(code[rows], audio[rows]),
        "cka_debiased": lambda rows: metrics.cka(code[rows], audio[rows], debiased=True),
        "cca": lambda rows: _mean_correlation(along, rows),
        f"cca@{STRONGEST}": lambda rows: _mean_correlation(along, rows, STRONGEST),
        "cca_in_sample": lambda rows: metrics.cca(code[rows], audio[rows]) if len(rows) else np.nan,
        "spearman": lambda rows: metrics.spearman(code[rows], audio[rows]),
        "pearson": lambda rows: metrics.pearson(code[rows], audio[rows]),
    }


def _mean_correlation(
    along: tuple[np.ndarray, np.ndarray], rows: np.ndarray, first: int | None = None
) -> float:
    """Mean correlation along pairs of directions, or the first, as they were in training."""
    found = correlations(*(side[rows, :first] for side in along))
    return float(found.mean()) if len(found) else np.nan


def _narrow(x: np.ndarray) -> np.ndarray:
    """Rows [n, d] in no more than n columns, with the products of all rows as they were."""
    n, d = x.shape
    return x if d <= n or not n else np.linalg.qr(x.T.astype(np.float64), mode="r").T


def _of_each_program(reading: Reading) -> dict[str, tuple[np.ndarray, Callable]]:
    """Metrics that have one value a program, and the statistic that sums them up."""
    code, audio, k = reading.code, reading.audio, NEIGHBOURS
    common = metrics.shared_neighbours(code, audio, k)
    found: dict[str, tuple[np.ndarray, Callable]] = {
        f"overlap@{k}": (common / k, np.mean),
        f"jaccard@{k}": (common / (2 * k - common), np.mean),
    }
    if reading.found is not None:
        values = metrics.foretold(reading.found, audio, reading.train_audio)
        found[f"foretold@{reading.found.shape[1]}"] = (values, np.mean)
    if not reading.shared:
        return found
    for direction, query, base in (("code->audio", code, audio), ("audio->code", audio, code)):
        for recalled in RECALLED:
            found[f"recall@{recalled} {direction}"] = (
                metrics.hits(query, base, recalled),
                np.mean,
            )
        placed = metrics.ranks(query, base)
        found[f"mrr {direction}"] = (1 / placed, np.mean)
        found[f"median_rank {direction}"] = (placed, np.median)
    return found
