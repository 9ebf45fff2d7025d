"""What may go into a metric, checked in one place."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from core.errors import EarshotError

COSINE_STEPS_PER_UNIT = 2.0**20
"""Cosines are told apart in steps of 2**-20, a few times the rounding error of a float32 sum.
Without that, equal rows would differ by the order in which terms happened to be added."""


def check_paired_arrays(x: np.ndarray | Tensor, y: np.ndarray | Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Return both spaces as float64 [n, d1] and [n, d2].

    Raises
    ------
    EarshotError
        When they aren't matrices of finite numbers with equally many rows.
    """
    x, y = (_check_finite_matrix(np.asarray(z, dtype=np.float64)) for z in (x, y))
    if len(x) != len(y):
        raise EarshotError(
            f"One space has {len(x)} rows and the other {len(y)}.",
            remedy="Row i of both must be the same program.",
        )
    return x, y


def normalize_rows(x: np.ndarray | Tensor) -> Tensor:
    """Return rows [n, d] as float32 unit vectors; a row of zeros stays zero.

    Raises
    ------
    EarshotError
        When `x` isn't a matrix of finite numbers.
    """
    rows = torch.as_tensor(x).detach().to("cpu", torch.float32)
    return F.normalize(torch.as_tensor(_check_finite_matrix(rows)), dim=1)


def centre_columns(x: np.ndarray) -> np.ndarray:
    """Return rows [n, d] with column means 0; a column varying by rounding only is exactly 0."""
    shifted = x - x.mean(axis=0)
    noise = 1e-12 * np.abs(x).max(axis=0)
    return np.where(np.abs(shifted).max(axis=0) > noise, shifted, 0.0)


def _check_finite_matrix(x: np.ndarray | Tensor) -> np.ndarray | Tensor:
    if x.ndim != 2 or x.shape[1] == 0:
        raise EarshotError(f"Expected a matrix with a row a program, got shape {tuple(x.shape)}.")
    finite = torch.isfinite(x).all() if isinstance(x, Tensor) else np.isfinite(x).all()
    if not finite:
        raise EarshotError(
            "Some embeddings are not finite numbers.", remedy="Embed the programs again."
        )
    return x
