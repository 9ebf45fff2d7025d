"""Canonical correlation that can be fitted on some programs and measured on others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.errors import EarshotError
from core.evaluation.validation import centre_columns, check_paired_arrays

DEFAULT_REGULARISATION = 0.1
EXPLAINED_VARIANCE_RATIO = 0.99


@dataclass(frozen=True)
class CCA:
    """Canonical directions of two spaces, found by `cca_fit`.

    Attributes
    ----------
    mean_x, mean_y : float64 [d1] and [d2]
        Of the rows it was fitted on.
    directions_x, directions_y : float64 [d1, c] and [d2, c]
        Column j of both is the j-th pair of canonical directions.
    """

    mean_x: np.ndarray
    mean_y: np.ndarray
    directions_x: np.ndarray
    directions_y: np.ndarray

    def compute_correlations(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Pearson correlation of rows along each pair of directions.

        Parameters
        ----------
        x, y : array, float [m, d1] and [m, d2]
            Any rows: those fitted on, or held-out ones.

        Returns
        -------
        array, float64 [c]
            In [-1, 1]; 0 where rows don't vary along a direction, nan for fewer than
            3 rows.
        """
        return correlate_columns(*self.transform(x, y))

    def transform(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where rows [m, d1] and [m, d2] lie along each pair of directions: 2 x float64 [m, c]."""
        x, y = check_paired_arrays(x, y)
        for found, fitted in ((x, self.mean_x), (y, self.mean_y)):
            if found.shape[1] != len(fitted):
                raise EarshotError(
                    f"The rows have {found.shape[1]} columns and CCA was fitted on {len(fitted)}."
                )
        return (x - self.mean_x) @ self.directions_x, (y - self.mean_y) @ self.directions_y

    def score(self, x: np.ndarray, y: np.ndarray) -> float:
        """Mean of `correlations`; nan where there are no directions."""
        found = self.compute_correlations(x, y)
        return float(found.mean()) if len(found) else np.nan


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
        Ridge: this share of the mean variance of the kept principal directions is added
        to the variance of each. 0 is plain CCA. It keeps directions of little variance
        from being fitted to noise when dimensions are many against rows.
    explained_variance_ratio : float
        Each space is first reduced to the principal directions that hold this share of
        its variance, in (0, 1]; so c, the number of pairs, is that of the space that
        needs fewer.

    Returns
    -------
    CCA
        With no directions when a space doesn't vary.

    Notes
    -----
    Hotelling, "Relations between two sets of variates", Biometrika 1936; reduced first
    as in Raghu, Gilmer, Yosinski & Sohl-Dickstein, "SVCCA", NIPS 2017.
    """
    x, y = check_paired_arrays(x, y)
    if regularisation < 0 or not 0 < explained_variance_ratio <= 1:
        raise EarshotError(
            f"CCA can't be fitted with regularisation {regularisation} and variance {explained_variance_ratio}.",
            remedy="Give a regularisation of at least 0 and a variance above 0, at most 1.",
        )
    if len(x) == 0:
        raise EarshotError("CCA can't be fitted on no rows.")
    mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
    x, y = centre_columns(x), centre_columns(y)
    whitener_x = _compute_whitener(x, regularisation, explained_variance_ratio)  # [d1, r1]
    whitener_y = _compute_whitener(y, regularisation, explained_variance_ratio)  # [d2, r2]
    shared = (x @ whitener_x).T @ (y @ whitener_y) / len(x)  # [r1, r2]
    left, _, right = np.linalg.svd(shared, full_matrices=False)  # [r1, c], [c], [c, r2]
    return CCA(mean_x, mean_y, whitener_x @ left, whitener_y @ right.T)


def cca(
    x: np.ndarray,
    y: np.ndarray,
    *,
    regularisation: float = DEFAULT_REGULARISATION,
    explained_variance_ratio: float = EXPLAINED_VARIANCE_RATIO,
    training_rows: tuple[np.ndarray, np.ndarray] | None = None,
) -> float:
    """Mean canonical correlation of two spaces.

    Parameters
    ----------
    x, y : array, float [n, d1] and [n, d2]
        The rows measured.
    regularisation, explained_variance_ratio : float
        As of `cca_fit`: by default a ridge of 0.1 of the mean variance, over the
        principal directions that hold 99 % of each space's variance.
    training_rows : pair of arrays, float [m, d1] and [m, d2], optional
        Other rows to find the directions on, so that what is measured is what
        generalises. Without it they are found on `x` and `y` themselves; that is biased
        upwards, and near 1 for any two spaces with no more rows than dimensions.

    Returns
    -------
    float
        In [-1, 1], 1 for spaces that a linear map takes into each other. The true
        correlation along the directions, not the ridge's shrunken one. nan for fewer
        than 3 rows, or when a space fitted on doesn't vary.
    """
    fit_x, fit_y = (x, y) if training_rows is None else training_rows
    return fit_cca(fit_x, fit_y, regularisation=regularisation, explained_variance_ratio=explained_variance_ratio).score(x, y)


def _compute_whitener(x: np.ndarray, regularisation: float, explained_variance_ratio: float) -> np.ndarray:
    """Principal directions of centred rows [n, d], scaled to variance 1 with ridge: [d, r]."""
    n, d = x.shape
    # The same directions from the rows' n x n products where columns outnumber rows.
    spread, found = np.linalg.eigh((x.T @ x if d <= n else x @ x.T) / n)  # ascending
    spread, found = spread[::-1].clip(0), found[:, ::-1]
    rank = int((spread > spread[0] * len(spread) * np.finfo(float).eps).sum())
    if rank == 0:
        return np.empty((d, 0))
    held = spread[:rank].cumsum() / spread[:rank].sum()
    kept = min(rank, int(np.searchsorted(held, explained_variance_ratio * (1 - 1e-12))) + 1)
    spread, found = spread[:kept], found[:, :kept]
    directions = found if d <= n else (x.T @ found) / np.sqrt(n * spread)  # [d, kept]
    return directions / np.sqrt(spread + regularisation * spread.mean())


def correlate_columns(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Pearson correlation of each column of u with that of v, both [m, c]: float64 [c].

    0 where a column doesn't vary, nan for fewer than 3 rows.
    """
    if len(u) < 3:
        return np.full(u.shape[1], np.nan)
    return (_standardise_columns(u) * _standardise_columns(v)).mean(axis=0)


def _standardise_columns(z: np.ndarray) -> np.ndarray:
    """Columns with mean 0 and variance 1; a column that doesn't vary is 0."""
    z = z - z.mean(axis=0)
    spread = z.std(axis=0)
    still = spread <= 1e-12 * max(float(spread.max(initial=0.0)), 1e-300)
    return np.where(still, 0.0, z / np.where(still, 1.0, spread))
