"""Agreement of nearest neighbours in two spaces: mutual k-NN, overlap and Jaccard."""

from __future__ import annotations

import numpy as np

from core.errors import EarshotError
from core.evaluation.array_validation_and_normalization import (
    check_paired_arrays,
    compute_mean_or_nan,
)
from core.evaluation.nearest_neighbours import find_nearest_other_rows


def count_shared_neighbours(x: np.ndarray, y: np.ndarray, k: int = 3) -> np.ndarray:
    """Count how many of each row's k nearest rows in `x` are also among its k nearest in `y`.

    Neighbours are by cosine similarity and exclude the row itself. Equally near rows are taken in
    the order of their index.

    Returns
    -------
    array, int [n]
        0 to k for each row. Empty for fewer than k + 2 rows: among k + 1 rows, every row has the
        same neighbours in all spaces.
    """
    x, y = check_paired_arrays(x, y)
    if k < 1:
        raise EarshotError(f"k is {k}.", remedy="Use at least 1 neighbour.")
    if len(x) < k + 2:
        return np.empty(0, dtype=np.int64)
    neighbours_x, neighbours_y = (
        find_nearest_other_rows(x, k)[0],
        find_nearest_other_rows(y, k)[0],
    )  # [n, k]
    return (neighbours_x[:, :, None] == neighbours_y[:, None, :]).sum(axis=(1, 2))


def mutual_knn(x: np.ndarray, y: np.ndarray, k: int) -> float:
    """Compute the mutual k-nearest-neighbour agreement of two spaces.

    Parameters
    ----------
    x, y : array, float [n, d1] and [n, d2]
    k : int
        Number of neighbours, at least 1. The literature uses 10.

    Returns
    -------
    float
        Mean share of a row's k nearest rows in `x` that are among its k nearest in `y`, in
        [0, 1]; chance is k / (n - 1), so compare only values of equally many rows or those of
        `core.evaluation.metrics.calibrated`. NaN for fewer than k + 2 rows.
        Neighbours are those of `count_shared_neighbours`.

    Notes
    -----
    Huh, Cheung, Wang & Isola, "The Platonic Representation Hypothesis", ICML 2024
    (arXiv:2405.07987), appendix A. It is the statistic of `overlap_at_k` at the larger k that is
    usual between whole spaces.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(50, 4))
    >>> mutual_knn(x, 3 * x, k=10)
    1.0
    """
    return overlap_at_k(x, y, k)


def overlap_at_k(x: np.ndarray, y: np.ndarray, k: int = 3) -> float:
    """Compute the mean share of a row's k nearest rows in `x` that are among them in `y` too.

    Returns
    -------
    float
        In [0, 1]; chance is k / (n - 1). NaN for fewer than k + 2 rows. Neighbours are those of
        `count_shared_neighbours`.
    """
    return compute_mean_or_nan(count_shared_neighbours(x, y, k) / k)


def jaccard_at_k(x: np.ndarray, y: np.ndarray, k: int = 3) -> float:
    """Compute the mean Jaccard index of the sets of k nearest rows in `x` and in `y`.

    Returns
    -------
    float
        In [0, 1]. NaN for fewer than k + 2 rows. Neighbours are those of
        `count_shared_neighbours`.
    """
    shared = count_shared_neighbours(x, y, k)
    return compute_mean_or_nan(shared / (2 * k - shared))
