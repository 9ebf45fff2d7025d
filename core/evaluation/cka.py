"""Linear centred kernel alignment (CKA) of two spaces, biased and debiased."""

from __future__ import annotations

import numpy as np

from core.evaluation.array_validation_and_normalization import centre_columns, check_paired_arrays


def cka(x: np.ndarray, y: np.ndarray, *, debiased: bool = False) -> float:
    """Compute the linear centred kernel alignment of two spaces.

    Parameters
    ----------
    x, y : array, float [n, d1] and [n, d2]
    debiased : bool
        Use the unbiased estimate of each HSIC. The plain estimate tends to 1 when dimensions
        outnumber rows, even for independent noise. The unbiased one stays around 0 there, and so
        can be slightly negative.

    Returns
    -------
    float
        In [0, 1] (debiased: at most about 1); 1 for spaces that differ only by rotation, scale
        and shift. NaN if all rows of a space are equal, for fewer than 2 rows (debiased: 4), or
        if the debiased HSIC of a space with itself is not positive.

    Notes
    -----
    Kornblith, Norouzi, Lee & Hinton, "Similarity of Neural Network Representations Revisited",
    ICML 2019. The unbiased HSIC is that of Song, Smola, Gretton, Bedo & Borgwardt, "Feature
    Selection via Dependence Maximization", JMLR 2012, in terms of features instead of kernels,
    which takes d1 x d2 instead of n x n numbers.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(50, 4))
    >>> round(cka(x, 3 * x + 1), 6)
    1.0
    """
    x, y = check_paired_arrays(x, y)
    if len(x) < (4 if debiased else 2):
        return np.nan
    x, y = centre_columns(x), centre_columns(y)
    hsic_xx, hsic_yy = compute_hsic(x, x, debiased), compute_hsic(y, y, debiased)
    if hsic_xx <= 0 or hsic_yy <= 0:
        return np.nan
    return compute_hsic(x, y, debiased) / float(np.sqrt(hsic_xx) * np.sqrt(hsic_yy))


def compute_hsic(x: np.ndarray, y: np.ndarray, debiased: bool) -> float:
    """Compute HSIC with linear kernels of centred rows, up to a factor that CKA cancels."""
    if len(x) < min(x.shape[1], y.shape[1]):
        total = float(np.vdot(x @ x.T, y @ y.T))  # equal, and here n x n is the smaller size
    else:
        total = float(np.square(x.T @ y).sum())
    if not debiased:
        return total
    return debias_hsic(total, np.square(x).sum(axis=1), np.square(y).sum(axis=1))


def debias_hsic(total: float, squares_x: np.ndarray, squares_y: np.ndarray) -> float:
    """Return the unbiased HSIC, given the biased one and the squared lengths of centred rows [n].

    Song et al. set the diagonals of both kernels to 0. Because rows are centred, the row sums of
    a kernel are then minus its diagonal, so only the squared lengths of rows are needed.
    """
    n = len(squares_x)
    correction = squares_x.sum() * squares_y.sum() / ((n - 1) * (n - 2))
    return float(total - squares_x @ squares_y * n / (n - 2) + correction)
