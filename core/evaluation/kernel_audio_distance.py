"""Kernel audio distance (KAD): how far two sets of clips are apart, as an unbiased MMD."""

from __future__ import annotations

import numpy as np

from core.errors import EarshotError
from core.evaluation.array_validation_and_normalization import check_finite_matrix

BLOCK_ROWS = 1024
SCALE = 1000.0
"""Factor by which the authors of KAD scale the squared distance, for readable numbers."""
MIN_ROWS = 2


def kernel_audio_distance(
    reference: np.ndarray, generated: np.ndarray, *, bandwidth: float | None = None
) -> float:
    """Compute the kernel audio distance of a set of clips from a reference set.

    Parameters
    ----------
    reference, generated : array, float [n, d] and [m, d]
        Audio embeddings of the two sets, at least 2 each; rows are not paired.
    bandwidth : float, optional
        Of the Gaussian kernel, above 0. Default: the median distance of two reference rows, so
        that distances from the same reference can be compared.

    Returns
    -------
    float
        1000 times the unbiased estimate of the squared maximum mean discrepancy: 0 in expectation
        for two samples of one distribution, so slightly negative values occur; larger is farther.

    Raises
    ------
    EarshotError
        If a set has fewer than 2 rows or the two have different numbers of columns, or all
        reference rows are equal and no bandwidth is given.

    Notes
    -----
    Chung et al., "KAD: No More FAD! An Effective and Efficient Evaluation Metric for Audio
    Generation", 2025 (arXiv:2502.15602); the estimate is that of Gretton,
    Borgwardt, Rasch, Schölkopf & Smola, "A Kernel Two-Sample Test", JMLR 2012, equation 3. Unlike
    the Fréchet audio distance it assumes no normal distribution and is not biased by small sets.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> near, far = rng.normal(size=(50, 4)), rng.normal(size=(50, 4)) + 2
    >>> reference = rng.normal(size=(50, 4))
    >>> kernel_audio_distance(reference, near) < kernel_audio_distance(reference, far)
    True
    """
    reference, generated = (
        check_finite_matrix(np.asarray(rows, dtype=np.float64)) for rows in (reference, generated)
    )
    n, m = len(reference), len(generated)
    if min(n, m) < MIN_ROWS or reference.shape[1] != generated.shape[1]:
        raise EarshotError(
            f"Sets of shape {reference.shape} and {generated.shape} have no kernel distance.",
            remedy="Give at least 2 clips of each, embedded by the same encoder.",
        )
    if bandwidth is None:
        bandwidth = _compute_median_row_distance(reference)
    if not bandwidth > 0:
        raise EarshotError(
            f"A kernel cannot have the bandwidth {bandwidth:g}.",
            remedy="Use a reference set whose clips differ, or a bandwidth above 0.",
        )
    # The diagonal, which is 1 for every row with itself, takes no part in the unbiased estimate.
    within_reference = (_sum_gaussian_kernel(reference, reference, bandwidth) - n) / (n * (n - 1))
    within_generated = (_sum_gaussian_kernel(generated, generated, bandwidth) - m) / (m * (m - 1))
    between = _sum_gaussian_kernel(reference, generated, bandwidth) / (n * m)
    return SCALE * (within_reference + within_generated - 2 * between)


def _sum_gaussian_kernel(x: np.ndarray, y: np.ndarray, bandwidth: float) -> float:
    """Sum the Gaussian kernel of all pairs of rows of x and y."""
    total = 0.0
    for start in range(0, len(x), BLOCK_ROWS):
        squared = _compute_squared_distances(x[start : start + BLOCK_ROWS], y)
        total += float(np.exp(-squared / (2 * bandwidth**2)).sum())
    return total


def _compute_median_row_distance(rows: np.ndarray) -> float:
    """Return the median distance of two rows; of many rows, of an even choice of 2,048."""
    chosen = rows[np.unique(np.linspace(0, len(rows) - 1, 2 * BLOCK_ROWS).astype(int))]
    squared = _compute_squared_distances(chosen, chosen)
    return float(np.sqrt(np.median(squared[np.triu_indices(len(chosen), 1)])))


def _compute_squared_distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    squares_x, squares_y = np.square(x).sum(axis=1), np.square(y).sum(axis=1)
    distances: np.ndarray = (squares_x[:, None] + squares_y - 2 * x @ y.T).clip(0)
    return distances
