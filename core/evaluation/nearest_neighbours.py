"""Exact nearest neighbours by cosine similarity, in the full space of the embeddings."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from core.errors import EarshotError
from core.evaluation.array_validation_and_normalization import COSINE_STEPS_PER_UNIT, normalize_rows

BLOCK_ROWS = 1024
"""Queries per block: 1,024 x 27,000 float32 similarities take 110 MB."""


class CosineIndex:
    """Unit rows for repeated searches.

    Parameters
    ----------
    base : array or Tensor, float [n, d]
        The rows to search. A row of zeros has similarity 0 to every query.

    Raises
    ------
    EarshotError
        If `base` is not a matrix of finite numbers.
    """

    def __init__(self, base: np.ndarray | Tensor):
        self._base = normalize_rows(base)  # [n, d]

    def __len__(self) -> int:
        return len(self._base)

    def find_most_similar_rows(
        self, queries: np.ndarray | Tensor, k: int, *, excluded_rows: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find the k rows with the highest cosine similarity to each query.

        Parameters
        ----------
        queries : array or Tensor, float [m, d]
        k : int
            Number of neighbours, at least 1. If it exceeds the number of rows, all are returned.
        excluded_rows : array, int [m], optional
            For each query a row that cannot be its neighbour, usually the query itself.

        Returns
        -------
        indices : int64 [m, k]
            Nearest first. Equally similar rows are ordered by index.
        similarities : float32 [m, k]
            In [-1, 1], in steps of 2**-20 (see `COSINE_STEPS_PER_UNIT` in
            `core.evaluation.array_validation_and_normalization`).

        Raises
        ------
        EarshotError
            If `queries` is not finite or not as wide as the rows, or if k is below 1.

        Examples
        --------
        >>> index = CosineIndex(np.eye(3))
        >>> query = np.array([[1.0, 0.2, 0.1]])
        >>> indices, similarities = index.find_most_similar_rows(query, 2)
        >>> indices.tolist()
        [[0, 1]]
        """
        query_rows = self._check_and_normalize_queries(queries, k)  # [m, d]
        k = max(0, min(k, len(self) - (excluded_rows is not None)))
        indices = np.empty((len(query_rows), k), dtype=np.int64)
        similarities = np.empty((len(query_rows), k), dtype=np.float32)
        for start in range(0, len(query_rows) if k else 0, BLOCK_ROWS):
            block = slice(start, start + BLOCK_ROWS)
            cosines = (query_rows[block] @ self._base.T).mul_(COSINE_STEPS_PER_UNIT).round_()
            if excluded_rows is not None:
                columns = torch.as_tensor(excluded_rows[block], dtype=torch.int64)[
                    :, None
                ]  # [b, 1]
                cosines.scatter_(1, columns, -torch.inf)
            positions, values = _select_stable_top_k(cosines, k)  # 2 x [b, k]
            indices[block] = positions.numpy()
            similarities[block] = (values / COSINE_STEPS_PER_UNIT).clamp_(-1, 1).numpy()
        return indices, similarities

    def _check_and_normalize_queries(self, queries: np.ndarray | Tensor, k: int) -> Tensor:
        """Return the queries as unit rows, after checking that they and k can be searched for."""
        query_rows = normalize_rows(queries)
        if query_rows.shape[1] != self._base.shape[1]:
            raise EarshotError(
                f"The query has {query_rows.shape[1]} dimensions and the rows to search have"
                f" {self._base.shape[1]}.",
                remedy="Embed both with the same encoder.",
            )
        if k < 1:
            raise EarshotError(f"k is {k}.", remedy="Use at least 1 neighbour.")
        return query_rows


def find_k_nearest_rows(
    queries: np.ndarray | Tensor, base: np.ndarray | Tensor, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Find the k rows of base [n, d] with the highest cosine similarity to each query [m, d].

    Returns
    -------
    indices : int64 [m, k]
    similarities : float32 [m, k]

    See Also
    --------
    CosineIndex.query : Details of the parameters and results.
    """
    return CosineIndex(base).find_most_similar_rows(queries, k)


def find_nearest_other_rows(x: np.ndarray | Tensor, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Find the k nearest other rows of each row of x [n, d].

    Returns
    -------
    indices : int64 [n, k]
    similarities : float32 [n, k]
    """
    return CosineIndex(x).find_most_similar_rows(x, k, excluded_rows=np.arange(len(x)))


def _select_stable_top_k(values: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return positions and values of the k largest of each row of [b, n], equal ones by index.

    `Tensor.topk` leaves the order of equal values open.
    """
    largest, positions = values.topk(k, dim=1)  # 2 x [b, k]
    # If several values equal the k-th largest, topk selected an arbitrary subset of them.
    has_ties = (values >= largest[:, -1:]).sum(dim=1) > k  # [b]
    if has_ties.any():
        order = values[has_ties].argsort(dim=1, descending=True, stable=True)
        positions[has_ties] = order[:, :k]
    positions = positions.sort(dim=1).values
    order = values.gather(1, positions).argsort(dim=1, descending=True, stable=True)
    positions = positions.gather(1, order)
    return positions, values.gather(1, positions)
