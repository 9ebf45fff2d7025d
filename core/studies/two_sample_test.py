"""How well a classifier tells two clouds of points apart: a two-sample test."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.neighbors import KNeighborsClassifier

from core.evaluation.validation import normalize_rows

NEIGHBOUR_COUNT = 5


def run_two_sample_test(x: np.ndarray, y: np.ndarray, *, fold_count: int = 5) -> dict[str, np.ndarray]:
    """Cross-validated hits of classifiers that say from which of two spaces a row comes.

    Parameters
    ----------
    x, y : array, float [n, d1] and [n, d2]
        Row i of both is the same program, and lies in the same fold. Rows are scaled to
        length 1; the narrower space gets columns of zeros, as on the map.
    fold_count : int

    Returns
    -------
    dict of str to array, float [n]
        By classifier ("logistic regression", "5 nearest neighbours") the share of a
        program's two rows that were told right. Means near 1: apart; near 0.5: mixed.

    Notes
    -----
    Lopez-Paz & Oquab, "Revisiting Classifier Two-Sample Tests", ICLR 2017.
    """
    x, y = normalize_rows(x).numpy(), normalize_rows(y).numpy()
    width = max(x.shape[1], y.shape[1])
    points = np.concatenate([np.pad(z, ((0, 0), (0, width - z.shape[1]))) for z in (x, y)])
    side = np.repeat([0, 1], len(x))
    program = np.tile(np.arange(len(x)), 2)
    classifiers = {
        "logistic regression": LogisticRegression(max_iter=500),
        f"{NEIGHBOUR_COUNT} nearest neighbours": KNeighborsClassifier(NEIGHBOUR_COUNT),
    }
    found = {}
    for name, classifier in classifiers.items():
        right = np.zeros(len(points))
        for train, test in GroupKFold(min(fold_count, len(x))).split(points, side, program):
            right[test] = (
                classifier.fit(points[train], side[train]).predict(points[test]) == (side[test])
            )
        found[name] = (right[: len(x)] + right[len(x) :]) / 2
    return found
