"""Reliability of predicted probabilities: bins, expected calibration error and AUC."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

MIN_PREDICTIONS_PER_BIN = 50
"""With fewer, the error of a bin is mostly chance."""
MIN_BINS, MAX_BINS = 3, 10
CHANCE_DRAWS = 500
RELIABILITY_COLUMNS = ["predictions", "predicted probability", "fraction correct"]


def compute_reliability_bins(probabilities: np.ndarray, is_correct: np.ndarray) -> pd.DataFrame:
    """Compare predicted probabilities with outcomes in bins of equal size.

    Parameters
    ----------
    probabilities : array, float [n]
        In [0, 1].
    is_correct : array, bool [n]
        Whether each prediction was correct.

    Returns
    -------
    DataFrame
        Columns `RELIABILITY_COLUMNS`: number of predictions, mean probability and share of correct
        ones. One row per bin, lowest probabilities first; 3 to 10 bins, of at least 50 predictions
        where there are enough.

    Examples
    --------
    >>> bins = compute_reliability_bins(np.linspace(0, 1, 6), np.arange(6) > 3)
    >>> bins["fraction correct"].tolist()
    [0.0, 0.0, 1.0]
    """
    bin_count = int(np.clip(len(probabilities) // MIN_PREDICTIONS_PER_BIN, MIN_BINS, MAX_BINS))
    order = np.argsort(probabilities, kind="stable")
    rows = [
        (len(rows), float(probabilities[rows].mean()), float(is_correct[rows].mean()))
        for rows in np.array_split(order, bin_count)
        if len(rows)
    ]
    return pd.DataFrame(rows, columns=RELIABILITY_COLUMNS)


def expected_calibration_error(probabilities: np.ndarray, is_correct: np.ndarray) -> float:
    """Compute the mean difference of probability and outcome over bins of equal size.

    The bins are those of `compute_reliability_bins` (Naeini, Cooper & Hauskrecht, AAAI 2015).

    Returns
    -------
    float
        In [0, 1], 0 is best. Chance alone gives `compute_chance_calibration_error`.
    """
    bins = compute_reliability_bins(probabilities, is_correct)
    errors = (bins["predicted probability"] - bins["fraction correct"]).abs()
    return float(np.average(errors, weights=bins["predictions"]))


def compute_chance_calibration_error(probabilities: np.ndarray, seed: int = 0) -> float:
    """Compute the calibration error that perfect probabilities would have by chance.

    Parameters
    ----------
    probabilities : array, float [n]
        Outcomes are drawn with these probabilities, 500 times.
    seed : int

    Returns
    -------
    float
        The mean over the draws.
    """
    rng = np.random.default_rng(seed)
    return float(
        np.mean(
            [
                expected_calibration_error(
                    probabilities, rng.uniform(size=len(probabilities)) < probabilities
                )
                for _ in range(CHANCE_DRAWS)
            ]
        )
    )


def compute_auc(probabilities: np.ndarray, is_correct: np.ndarray) -> float:
    """Compute the chance that a correct prediction has a higher probability than an incorrect one.

    Returns
    -------
    float
        In [0, 1]; 0.5 is chance. NaN if all predictions have the same outcome.
    """
    if len(set(np.asarray(is_correct).tolist())) < 2:
        return float("nan")
    return float(roc_auc_score(is_correct, probabilities))
