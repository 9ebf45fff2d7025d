"""Validation and normalization of the arrays that metrics take."""

from __future__ import annotations

from typing import TypeVar, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.errors import EarshotError

COSINE_STEPS_PER_UNIT = 2.0**20
"""Cosines are compared in steps of 2**-20, a few times the rounding error of a float32 sum.
Without rounding, the similarities of equal rows would depend on the order of summation."""

Matrix = TypeVar("Matrix", np.ndarray, Tensor)


def check_paired_arrays(
    x: np.ndarray | Tensor, y: np.ndarray | Tensor
) -> tuple[np.ndarray, np.ndarray]:
    """Return two spaces as float64 arrays after checking that their rows can be paired.

    Parameters
    ----------
    x, y : array or Tensor, [n, d1] and [n, d2]

    Returns
    -------
    x, y : float64 [n, d1] and [n, d2]

    Raises
    ------
    EarshotError
        If they are not matrices of finite numbers with equally many rows.
    """
    x, y = (check_finite_matrix(np.asarray(z, dtype=np.float64)) for z in (x, y))
    check_equal_row_counts(x, y)
    return x, y


def check_equal_row_counts(x: np.ndarray | Tensor, y: np.ndarray | Tensor) -> None:
    """Check that two spaces have equally many rows.

    Raises
    ------
    EarshotError
        If they differ.
    """
    if len(x) != len(y):
        raise EarshotError(
            f"One space has {len(x)} rows and the other {len(y)}.",
            remedy="Row i of both must be the same program.",
        )


def normalize_rows(x: np.ndarray | Tensor) -> Tensor:
    """Scale each row to length 1.

    Parameters
    ----------
    x : array or Tensor, [n, d]

    Returns
    -------
    Tensor, float32 [n, d]
        On the CPU. A row of zeros stays zero.

    Raises
    ------
    EarshotError
        If `x` is not a matrix of finite numbers.
    """
    rows = torch.as_tensor(x).detach().to("cpu", torch.float32)
    return functional.normalize(check_finite_matrix(rows), dim=1)


def stack_spaces_with_zero_padding(x: Tensor, y: Tensor) -> Tensor:
    """Stack the rows of two spaces; the narrower one gets columns of zeros.

    Parameters
    ----------
    x, y : Tensor, float32 [n, d1] and [m, d2]

    Returns
    -------
    Tensor, float32 [n + m, max(d1, d2)]
    """
    width = max(x.shape[1], y.shape[1])
    return torch.cat([functional.pad(z, (0, width - z.shape[1])) for z in (x, y)])


def centre_columns(x: np.ndarray) -> np.ndarray:
    """Subtract the mean of each column.

    Parameters
    ----------
    x : array, float64 [n, d]

    Returns
    -------
    array, float64 [n, d]
        A column that varies by rounding errors only is exactly 0.
    """
    centred = x - x.mean(axis=0)
    rounding_error = 1e-12 * np.abs(x).max(axis=0)
    return np.where(np.abs(centred).max(axis=0) > rounding_error, centred, 0.0)


def rotate_into_fewer_columns(x: np.ndarray) -> np.ndarray:
    """Rotate rows [n, d] into at most n columns, which keeps all inner products."""
    n, d = x.shape
    if d <= n or not n:
        return x
    # NumPy's stubs do not know that the mode "r" returns one array.
    triangular = cast(np.ndarray, np.linalg.qr(x.T.astype(np.float64), mode="r"))
    return triangular.T


def quantise_cosine_distances(distances: Tensor) -> Tensor:
    """Round cosine distances to steps of 2**-20.

    Parameters
    ----------
    distances : Tensor, float32
        In [0, 2] up to rounding errors. Overwritten.

    Returns
    -------
    Tensor, int32
        0 to 2**21, with the shape of `distances`.
    """
    steps = distances.mul_(COSINE_STEPS_PER_UNIT).round_()
    return steps.clamp_(0, 2 * COSINE_STEPS_PER_UNIT).int()


def compute_mean_or_nan(values: np.ndarray) -> float:
    """Return the mean of the values, NaN where there are none."""
    return float(values.mean()) if len(values) else np.nan


def check_finite_matrix(x: Matrix) -> Matrix:
    """Return x after checking that it is a matrix of finite numbers with columns.

    Raises
    ------
    EarshotError
        If it is not.
    """
    if x.ndim != 2 or x.shape[1] == 0:
        raise EarshotError(
            f"Expected a matrix with one row per program, got shape {tuple(x.shape)}."
        )
    is_finite = torch.isfinite(x).all() if isinstance(x, Tensor) else np.isfinite(x).all()
    if not is_finite:
        raise EarshotError(
            "Some embeddings are not finite numbers.", remedy="Embed the programs again."
        )
    return x
