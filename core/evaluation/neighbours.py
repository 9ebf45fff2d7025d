"""Exact nearest neighbours by cosine, in the full space and never in the map's two dimensions."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from core.errors import EarshotError
from core.evaluation.validation import COSINE_STEPS_PER_UNIT, normalize_rows

BLOCK_ROWS = 1024  # query rows at a time: 1,024 x 27,000 float32 similarities are 110 MB


class CosineIndex:
    """Rows kept ready to be searched, for when the same rows are asked many times.

    Parameters
    ----------
    base : array or Tensor, float [n, d]
        The rows to search. A row of zeros has similarity 0 to everything.

    Raises
    ------
    EarshotError
        When `base` isn't a matrix of finite numbers.
    """

    def __init__(self, base: np.ndarray | Tensor):
        self._base = normalize_rows(base)  # [n, d]

    def __len__(self) -> int:
        return len(self._base)

    def query(
        self, queries: np.ndarray | Tensor, k: int, *, excluded_rows: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find the k rows with the highest cosine similarity to each query.

        Parameters
        ----------
        queries : array or Tensor, float [m, d]
        k : int
            How many; at least 1. More than there are rows gives all of them.
        excluded_rows : array, int [m], optional
            For each query a row that can't be its neighbour: itself, usually.

        Returns
        -------
        indices : int64 [m, k]
            Nearest first. Rows equally similar come in the order of their index.
        similarities : float32 [m, k]
            In [-1, 1], in steps of 2**-20 (`core.evaluation.validation.COSINE_STEPS_PER_UNIT`).

        Raises
        ------
        EarshotError
            When `queries` isn't finite, isn't as wide as the rows, or k is below 1.
        """
        rows = normalize_rows(queries)  # [m, d]
        if rows.shape[1] != self._base.shape[1]:
            raise EarshotError(
                f"The query has {rows.shape[1]} dimensions and the rows to search have"
                f" {self._base.shape[1]}.",
                remedy="Embed both with the same encoder.",
            )
        if k < 1:
            raise EarshotError(f"k is {k}.", remedy="Ask for at least 1 neighbour.")
        k = max(0, min(k, len(self) - (excluded_rows is not None)))
        indices = np.empty((len(rows), k), dtype=np.int64)
        similarities = np.empty((len(rows), k), dtype=np.float32)
        for start in range(0, len(rows) if k else 0, BLOCK_ROWS):
            block = slice(start, start + BLOCK_ROWS)
            found = (rows[block] @ self._base.T).mul_(COSINE_STEPS_PER_UNIT).round_()  # [b, n]
            if excluded_rows is not None:
                own = torch.as_tensor(excluded_rows[block], dtype=torch.int64)[:, None]  # [b, 1]
                found.scatter_(1, own, -torch.inf)
            positions, values = _stable_top_k(found, k)  # 2 x [b, k]
            indices[block] = positions.numpy()
            similarities[block] = (values / COSINE_STEPS_PER_UNIT).clamp_(-1, 1).numpy()
        return indices, similarities


def top_k(
    queries: np.ndarray | Tensor, base: np.ndarray | Tensor, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Find for each query [m, d] the k rows of base [n, d] nearest to it by cosine.

    Returns
    -------
    indices : int64 [m, k]
    similarities : float32 [m, k]

    See Also
    --------
    CosineIndex.query : the same in full.
    """
    return CosineIndex(base).query(queries, k)


def find_nearest_others(x: np.ndarray | Tensor, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Find the k rows of x [n, d] nearest to each of its rows, without the row itself.

    Returns
    -------
    indices : int64 [n, k]
    similarities : float32 [n, k]
    """
    return CosineIndex(x).query(x, k, excluded_rows=np.arange(len(x)))


def _stable_top_k(values: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k largest of each row of [b, n], equal ones by index; torch leaves that order open."""
    best, positions = values.topk(k, dim=1)  # 2 x [b, k]
    # Where more values reach the k-th place than there are places, topk picked some of them.
    crowded = (values >= best[:, -1:]).sum(dim=1) > k  # [b]
    if crowded.any():
        order = values[crowded].argsort(dim=1, descending=True, stable=True)
        positions[crowded] = order[:, :k]
    positions = positions.sort(dim=1).values
    order = values.gather(1, positions).argsort(dim=1, descending=True, stable=True)
    positions = positions.gather(1, order)
    return positions, values.gather(1, positions)
