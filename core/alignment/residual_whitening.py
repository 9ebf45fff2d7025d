"""Whitening of a shared space by the errors of a prediction.

In the space of an audio encoder, a few directions hold most of the differences between clips, and
most of the errors of a prediction. Divided by the size of the errors, every direction counts as
much as it is known. Clips of variants of one template, which differ in small ways, are then
distinguished.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.blas_thread_limit import limit_blas_to_one_thread
from core.errors import EarshotError

DEFAULT_SHRINKAGE = 1.0
"""Chosen on validation templates: recall within a template and mutual neighbours change little from
0.3 to 3, and debiased CKA falls below."""


@dataclass(frozen=True, eq=False)
class ResidualWhitening:
    """A linear map of both sides of a shared space.

    Attributes
    ----------
    mean : float64 [d]
    matrix : float64 [d, d]
        Symmetric.
    """

    mean: np.ndarray
    matrix: np.ndarray

    def transform_to_unit_vectors(self, vectors: np.ndarray) -> np.ndarray:
        """Return vectors [n, d] whitened, float32 unit vectors [n, d]; a zero vector stays zero."""
        whitened = (np.asarray(vectors, np.float64) - self.mean) @ self.matrix
        norms = np.linalg.norm(whitened, axis=1, keepdims=True)
        return np.asarray(whitened / np.maximum(norms, 1e-12), np.float32)


@dataclass(frozen=True, eq=False)
class ResidualDirections:
    """Principal directions of the errors of a prediction, from which a whitening is made.

    Attributes
    ----------
    mean : float64 [d]
        Of the true vectors.
    directions : float64 [d, r]
        Orthonormal; the errors do not vary in any other direction.
    variances : float64 [r]
        Of the errors in each direction.
    """

    mean: np.ndarray
    directions: np.ndarray
    variances: np.ndarray

    def build_whitening(self, shrinkage: float = DEFAULT_SHRINKAGE) -> ResidualWhitening:
        """Return the whitening with a shrinkage, as of `fit_residual_whitening`."""
        dim = len(self.mean)
        added_variance = shrinkage * max(float(self.variances.sum()) / dim, 1e-12)
        base = 1 / np.sqrt(added_variance)
        scales = 1 / np.sqrt(self.variances + added_variance) - base
        matrix = (self.directions * scales) @ self.directions.T
        matrix[np.diag_indices(dim)] += base
        return ResidualWhitening(self.mean, matrix)


def find_residual_directions(predicted: np.ndarray, true: np.ndarray) -> ResidualDirections:
    """Find the directions of the errors of a prediction.

    Parameters
    ----------
    predicted, true : float [n, d]
        As of `fit_residual_whitening`.

    Raises
    ------
    EarshotError
        With fewer than 2 programs.
    """
    if len(predicted) < 2:
        raise EarshotError(f"A whitening needs at least 2 programs, not {len(predicted)}.")
    true = np.asarray(true, np.float64)
    residuals = true - predicted
    residuals -= residuals.mean(axis=0)
    n, dim = residuals.shape
    if dim <= n:
        variances, directions = np.linalg.eigh(residuals.T @ residuals / n)
        return ResidualDirections(true.mean(axis=0), directions, variances.clip(min=0))
    # The programs' own Gram matrix is smaller, and has the same variances above 0.
    variances, vectors = np.linalg.eigh(residuals @ residuals.T / n)
    is_varying = variances > variances[-1] * n * np.finfo(float).eps
    variances, vectors = variances[is_varying], vectors[:, is_varying]
    directions = residuals.T @ vectors / np.sqrt(n * variances)
    return ResidualDirections(true.mean(axis=0), directions, variances)


# One thread: the sums then do not depend on the number of cores.
@limit_blas_to_one_thread()
def fit_residual_whitening(
    predicted: np.ndarray, true: np.ndarray, shrinkage: float = DEFAULT_SHRINKAGE
) -> ResidualWhitening:
    """Fit the whitening to predictions of programs that the predictor did not see.

    Parameters
    ----------
    predicted, true : float [n, d]
        Row i of both is one program. Predictions of programs that trained the predictor have
        smaller errors, in other directions.
    shrinkage : float
        Variance that is added in every direction, relative to the mean variance; above 0.

    Raises
    ------
    EarshotError
        With fewer than 2 programs.

    Examples
    --------
    >>> true = np.zeros((4, 2))
    >>> errors = [[0.2, 0], [-0.2, 0], [0.2, 0], [-0.2, 0]]  # none in the second direction
    >>> fit_residual_whitening(true - errors, true).matrix.round(2)
    array([[4.08, 0.  ],
           [0.  , 7.07]])

    Notes
    -----
    The inverse square root of the residuals' covariance, which makes errors equally large in all
    directions: Hatch, Kajarekar & Stolcke, "Within-class covariance normalization for SVM-based
    speaker recognition", Interspeech 2006. The covariance is shrunk towards a multiple of the
    identity as by Ledoit & Wolf, Journal of Multivariate Analysis 2004.
    """
    return find_residual_directions(predicted, true).build_whitening(shrinkage)
