"""Canonical correlation analysis (CCA), fitted on some programs and evaluated on others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import EarshotError
from core.evaluation.array_validation_and_normalization import (
    centre_columns,
    check_paired_arrays,
    compute_mean_or_nan,
)

DEFAULT_REGULARISATION = 0.1
EXPLAINED_VARIANCE_RATIO = 0.99
MIN_CORRELATED_ROWS = 3


@dataclass(frozen=True)
class CCA:
    """Canonical directions of two spaces, as `fit_cca` finds them.

    Attributes
    ----------
    mean_x, mean_y : float64 [d1] and [d2]
        Means of the rows of the fit.
    directions_x, directions_y : float64 [d1, c] and [d2, c]
        Column j of both is the j-th pair of canonical directions.
    """

    mean_x: np.ndarray
    mean_y: np.ndarray
    directions_x: np.ndarray
    directions_y: np.ndarray

    def compute_canonical_correlations(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Compute the Pearson correlation along each pair of directions.

        Parameters
        ----------
        x, y : array, float [m, d1] and [m, d2]
            The rows of the fit, or held-out rows.

        Returns
        -------
        array, float64 [c]
            In [-1, 1]; 0 if rows do not vary along a direction, NaN for fewer than 3 rows.
        """
        return correlate_columns(*self.project_onto_canonical_directions(x, y))

    def project_onto_canonical_directions(
        self, x: np.ndarray, y: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Project rows onto the canonical directions.

        Parameters
        ----------
        x, y : array, float [m, d1] and [m, d2]

        Returns
        -------
        x, y : array, float64 [m, c]
        """
        x, y = check_paired_arrays(x, y)
        for rows, fitted_mean in ((x, self.mean_x), (y, self.mean_y)):
            if rows.shape[1] != len(fitted_mean):
                raise EarshotError(
                    f"The rows have {rows.shape[1]} columns and CCA was fitted on"
                    f" {len(fitted_mean)}."
                )
        return (x - self.mean_x) @ self.directions_x, (y - self.mean_y) @ self.directions_y

    def compute_mean_canonical_correlation(
        self, x: np.ndarray, y: np.ndarray, max_directions: int | None = None
    ) -> float:
        """Return the mean of `compute_canonical_correlations`; NaN if there are no directions.

        Parameters
        ----------
        x, y : array, float [m, d1] and [m, d2]
        max_directions : int, optional
            Average over this many pairs, those that correlated most in the fit. Default: all.
        """
        return compute_mean_or_nan(self.compute_canonical_correlations(x, y)[:max_directions])


def fit_cca(
    x: np.ndarray,
    y: np.ndarray,
    *,
    regularisation: float = DEFAULT_REGULARISATION,
    explained_variance_ratio: float = EXPLAINED_VARIANCE_RATIO,
) -> CCA:
    """Find the pairs of directions along which two spaces correlate most.

    Parameters
    ----------
    x, y : array, float [n, d1] and [n, d2]
    regularisation : float
        Ridge: this share of the mean variance of the retained principal directions is added to
        the variance of each. 0 is plain CCA. The ridge keeps directions of little variance from
        fitting noise when there are many dimensions and few rows.
    explained_variance_ratio : float
        Each space is first reduced to the principal directions that explain this share of its
        variance, in (0, 1]. The number of pairs c is that of the space with fewer directions.

    Returns
    -------
    CCA
        Without directions if a space does not vary.

    Notes
    -----
    Hotelling, "Relations between two sets of variates", Biometrika 1936; reduced first as in
    Raghu, Gilmer, Yosinski & Sohl-Dickstein, "SVCCA", NIPS 2017.
    """
    x, y = check_paired_arrays(x, y)
    if regularisation < 0 or not 0 < explained_variance_ratio <= 1:
        raise EarshotError(
            f"CCA cannot be fitted with regularisation {regularisation} and variance"
            f" {explained_variance_ratio}.",
            remedy="Use a regularisation of at least 0 and a variance above 0, at most 1.",
        )
    if len(x) == 0:
        raise EarshotError("CCA cannot be fitted on no rows.")
    mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
    x, y = centre_columns(x), centre_columns(y)
    whitener_x = compute_whitener(x, regularisation, explained_variance_ratio)  # [d1, r1]
    whitener_y = compute_whitener(y, regularisation, explained_variance_ratio)  # [d2, r2]
    covariance = (x @ whitener_x).T @ (y @ whitener_y) / len(x)  # [r1, r2]
    left, _, right = np.linalg.svd(covariance, full_matrices=False)  # [r1, c], [c], [c, r2]
    return CCA(mean_x, mean_y, whitener_x @ left, whitener_y @ right.T)


def cca(
    x: np.ndarray,
    y: np.ndarray,
    *,
    regularisation: float = DEFAULT_REGULARISATION,
    explained_variance_ratio: float = EXPLAINED_VARIANCE_RATIO,
    training_rows: tuple[np.ndarray, np.ndarray] | None = None,
    max_directions: int | None = None,
) -> float:
    """Compute the mean canonical correlation of two spaces.

    Parameters
    ----------
    x, y : array, float [n, d1] and [n, d2]
        The rows to evaluate.
    regularisation, explained_variance_ratio : float
        As of `fit_cca`: by default a ridge of 0.1 of the mean variance, over the principal
        directions that explain 99 % of each space's variance.
    training_rows : pair of arrays, float [m, d1] and [m, d2], optional
        Rows on which the directions are found, so that the correlation measures what
        generalises. By default they are `x` and `y`: the result is then biased upwards, and near
        1 for any two spaces with no more rows than dimensions.
    max_directions : int, optional
        Average over this many pairs of directions, those that correlated most in the fit.
        Default: all. Spaces of different width have different numbers of pairs, so means over
        all pairs cannot be compared with each other.

    Returns
    -------
    float
        In [-1, 1], 1 for spaces related by a linear map. It is the true correlation along the
        directions, not the shrunken one of the ridge. NaN for fewer than 3 rows, or if a space
        of the fit does not vary.
    """
    fit_x, fit_y = (x, y) if training_rows is None else training_rows
    directions = fit_cca(
        fit_x,
        fit_y,
        regularisation=regularisation,
        explained_variance_ratio=explained_variance_ratio,
    )
    return directions.compute_mean_canonical_correlation(x, y, max_directions)


def compute_whitener(
    x: np.ndarray, regularisation: float, explained_variance_ratio: float
) -> np.ndarray:
    """Compute the principal directions of centred rows [n, d], scaled to variance 1: [d, r]."""
    n, d = x.shape
    # If there are more columns than rows, the n x n Gram matrix gives the same directions.
    variances, vectors = np.linalg.eigh((x.T @ x if d <= n else x @ x.T) / n)  # ascending
    variances, vectors = variances[::-1].clip(0), vectors[:, ::-1]
    rank = int((variances > variances[0] * len(variances) * np.finfo(float).eps).sum())
    if rank == 0:
        return np.empty((d, 0))
    explained = variances[:rank].cumsum() / variances[:rank].sum()
    count = min(rank, int(np.searchsorted(explained, explained_variance_ratio * (1 - 1e-12))) + 1)
    variances, vectors = variances[:count], vectors[:, :count]
    directions = vectors if d <= n else (x.T @ vectors) / np.sqrt(n * variances)  # [d, count]
    return directions / np.sqrt(variances + regularisation * variances.mean())


def correlate_columns(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Compute the Pearson correlation of each column of u with the same column of v.

    Parameters
    ----------
    u, v : array, float [m, c]

    Returns
    -------
    array, float64 [c]
        0 if a column does not vary, NaN for fewer than 3 rows.
    """
    if len(u) < MIN_CORRELATED_ROWS:
        return np.full(u.shape[1], np.nan)
    return (standardise_columns(u) * standardise_columns(v)).mean(axis=0)


def standardise_columns(z: np.ndarray) -> np.ndarray:
    """Scale columns to mean 0 and variance 1; a column that does not vary becomes 0."""
    z = z - z.mean(axis=0)
    deviations = z.std(axis=0)
    is_constant = deviations <= 1e-12 * max(float(deviations.max(initial=0.0)), 1e-300)
    return np.where(is_constant, 0.0, z / np.where(is_constant, 1.0, deviations))
