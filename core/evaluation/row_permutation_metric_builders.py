"""Metrics of two spaces as functions of the order in which rows are paired.

A permutation test computes a metric hundreds of times on the same two spaces with the rows of one
reordered. Everything that the order does not change (Gram matrices, whitened rows, neighbour
lists, ranks of distances) is computed once here. Each builder takes the spaces and the keyword
arguments of its metric and returns a function of the order: row i of x is paired with row
``order[i]`` of y.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.evaluation.array_validation_and_normalization import (
    centre_columns,
    check_paired_arrays,
    normalize_rows,
    quantise_cosine_distances,
    rotate_into_fewer_columns,
)
from core.evaluation.cca import (
    DEFAULT_REGULARISATION,
    EXPLAINED_VARIANCE_RATIO,
    cca,
    compute_whitener,
    fit_cca,
    standardise_columns,
)
from core.evaluation.cka import cka, compute_hsic, debias_hsic
from core.evaluation.nearest_neighbours import find_nearest_other_rows
from core.evaluation.neighbour_agreement import jaccard_at_k, mutual_knn, overlap_at_k
from core.evaluation.pairwise_distance_correlation import (
    count_distance_levels,
    distance_pearson,
    distance_spearman,
    rank_distance_levels,
)

BLOCK_ROWS = 512
MAX_FLOAT64_GRAM_ROWS = 4096
"""Up to here the Gram matrices of CKA are float64; two of 4,096 rows take 268 MB."""
MAX_GRAM_ROWS = 16_384
"""Up to here they are float32; two of 13,500 rows take 1.5 GB."""
GRAM_FLOPS_PER_ENTRY = 100
"""Multiplications that take as long as gathering one entry of a Gram matrix."""
GRAM_BLOCK_ROWS = 64
MAX_FLOAT_RANK_ROWS = 4096
"""Up to here the ranks of all pairs are float32; two tables of 4,096 rows take 134 MB."""
MAX_RANK_TABLE_ROWS = 16_384
"""Up to here the ranks of all pairs are int16; two tables of 13,500 rows take 729 MB."""
INT16_STEPS = 32_767

OrderMetric = Callable[[np.ndarray], float]
"""Takes the order of the rows of y, int [n], and returns the metric."""
Metric = Callable[[np.ndarray, np.ndarray], float]


def build_metric_of_row_order(metric: Metric, x: np.ndarray, y: np.ndarray) -> OrderMetric:
    """Return a metric of two spaces as a function of the order of the second one's rows.

    Parameters
    ----------
    metric : callable
        Takes x and y and returns a float. A metric of `core.evaluation.metrics`, or a
        `functools.partial` of one with keyword arguments, is prepared once; of any other
        callable the whole metric is computed for every order.
    x, y : array, float [n, d1] and [n, d2]

    Returns
    -------
    callable
        With ``np.arange(n)`` it returns ``metric(x, y)`` up to rounding errors. Equally near
        neighbours are taken in the order of `y`, not of the reordered rows.
    """
    function, options = (
        (metric.func, metric.keywords)
        if isinstance(metric, partial) and not metric.args
        else (metric, {})
    )
    builder = _BUILDERS.get(function)
    is_too_large = function is distance_spearman and len(x) > MAX_RANK_TABLE_ROWS
    if builder is None or is_too_large:
        return lambda order: metric(x, y[order])
    return builder(x, y, **options)


def _build_cka_of_row_order(x: np.ndarray, y: np.ndarray, *, debiased: bool = False) -> OrderMetric:
    x, y = check_paired_arrays(x, y)
    x, y = (rotate_into_fewer_columns(centre_columns(rows)) for rows in (x, y))
    scale = float(np.sqrt(compute_hsic(x, x, debiased)) * np.sqrt(compute_hsic(y, y, debiased)))
    n = len(x)
    if n > MAX_GRAM_ROWS or x.shape[1] * y.shape[1] < GRAM_FLOPS_PER_ENTRY * n:
        return lambda order: compute_hsic(x, y[order], debiased) / scale
    dtype = torch.float64 if n <= MAX_FLOAT64_GRAM_ROWS else torch.float32
    x_rows, y_rows = torch.from_numpy(x).to(dtype), torch.from_numpy(y).to(dtype)
    gram_x, gram_y = x_rows @ x_rows.T, y_rows @ y_rows.T  # 2 x [n, n]
    squares_x, squares_y = np.square(x).sum(axis=1), np.square(y).sum(axis=1)

    def compute_metric_of_row_order(order: np.ndarray) -> float:
        total = _sum_gram_products(gram_x, gram_y, torch.from_numpy(order))
        if debiased:
            total = debias_hsic(total, squares_x, squares_y[order])
        return total / scale

    return compute_metric_of_row_order


def _sum_gram_products(a: Tensor, b: Tensor, order: Tensor) -> float:
    """Sum a[i, j] * b[order[i], order[j]] over all i and j, in blocks that the cache holds."""
    total = 0.0
    for start in range(0, len(a), GRAM_BLOCK_ROWS):
        rows = slice(start, start + GRAM_BLOCK_ROWS)
        total += float(
            torch.vdot(a[rows].flatten(), b[order[rows]].index_select(1, order).flatten())
        )
    return total


def _build_cca_of_row_order(
    x: np.ndarray,
    y: np.ndarray,
    *,
    regularisation: float = DEFAULT_REGULARISATION,
    explained_variance_ratio: float = EXPLAINED_VARIANCE_RATIO,
    training_rows: tuple[np.ndarray, np.ndarray] | None = None,
    max_directions: int | None = None,
) -> OrderMetric:
    if training_rows is not None:
        directions = fit_cca(
            *training_rows,
            regularisation=regularisation,
            explained_variance_ratio=explained_variance_ratio,
        )
        return build_projected_cca_of_row_order(
            *directions.project_onto_canonical_directions(x, y), max_directions=max_directions
        )
    x, y = check_paired_arrays(x, y)
    x, y = centre_columns(x), centre_columns(y)
    n = len(x)
    # The directions of one space do not depend on the order of its rows.
    x, y = (
        rows @ compute_whitener(rows, regularisation, explained_variance_ratio) for rows in (x, y)
    )  # [n, r1], [n, r2]
    variances_x, variances_y = np.square(x).mean(axis=0), np.square(y).mean(axis=0)

    def compute_metric_of_row_order(order: np.ndarray) -> float:
        left, covariances, right = np.linalg.svd(x.T @ y[order] / n, full_matrices=False)
        # Principal directions are uncorrelated, so variances along other directions add up.
        deviations = np.sqrt((variances_x @ np.square(left)) * (np.square(right) @ variances_y))
        return float((covariances / deviations)[:max_directions].mean())

    return compute_metric_of_row_order


def build_projected_cca_of_row_order(
    u: np.ndarray, v: np.ndarray, *, max_directions: int | None = None
) -> OrderMetric:
    """Return the mean correlation of columns as a function of the order of v's rows.

    Parameters
    ----------
    u, v : array, float [n, c]
        Rows projected onto the canonical directions that a fit on other rows found.
    max_directions : int, optional
        Number of leading columns to average. Default: all.
    """
    u, v = (standardise_columns(rows[:, :max_directions]) for rows in (u, v))
    return lambda order: float(np.vdot(u, v[order])) / u.size


def _build_overlap_of_row_order(x: np.ndarray, y: np.ndarray, *, k: int = 3) -> OrderMetric:
    count_shared_neighbours_of_order = _build_shared_neighbour_counter(x, y, k)
    return lambda order: float(count_shared_neighbours_of_order(order).mean()) / k


def _build_jaccard_of_row_order(x: np.ndarray, y: np.ndarray, *, k: int = 3) -> OrderMetric:
    count_shared_neighbours_of_order = _build_shared_neighbour_counter(x, y, k)

    def compute_metric_of_row_order(order: np.ndarray) -> float:
        shared = count_shared_neighbours_of_order(order)
        return float((shared / (2 * k - shared)).mean())

    return compute_metric_of_row_order


def _build_shared_neighbour_counter(
    x: np.ndarray, y: np.ndarray, k: int
) -> Callable[[np.ndarray], np.ndarray]:
    neighbours_x, neighbours_y = (find_nearest_other_rows(rows, k)[0] for rows in (x, y))  # [n, k]
    n = len(neighbours_x)

    def count_shared_neighbours_of_order(order: np.ndarray) -> np.ndarray:
        new_rows = np.empty(n, dtype=np.int64)
        new_rows[order] = np.arange(n)
        reordered = new_rows[neighbours_y[order]]  # [n, k]
        # One slot of x against all of y at a time: [n, k, k] would be 100 times [n] at k = 10.
        return sum((neighbours_x[:, [slot]] == reordered).sum(axis=1) for slot in range(k))

    return count_shared_neighbours_of_order


def _build_pearson_of_row_order(x: np.ndarray, y: np.ndarray) -> OrderMetric:
    # Sums of products of cosines over all pairs are squared norms of d1 x d2 numbers.
    x, y = (rotate_into_fewer_columns(normalize_rows(z).double().numpy()) for z in (x, y))
    n = len(x)
    squares_x, squares_y = np.square(x).sum(axis=1), np.square(y).sum(axis=1)
    means, deviations = [], []
    for rows, squares in ((x, squares_x), (y, squares_y)):
        pairs = n * (n - 1)
        mean = (np.square(rows.sum(axis=0)).sum() - squares.sum()) / pairs
        mean_square = (np.square(rows.T @ rows).sum() - np.square(squares).sum()) / pairs
        means.append(mean)
        deviations.append(np.sqrt(max(mean_square - mean**2, 0.0)))

    def compute_metric_of_row_order(order: np.ndarray) -> float:
        total = np.square(x.T @ y[order]).sum() - squares_x @ squares_y[order]
        covariance = total / (n * (n - 1)) - means[0] * means[1]
        return float(covariance / (deviations[0] * deviations[1]))

    return compute_metric_of_row_order


def _build_spearman_of_row_order(x: np.ndarray, y: np.ndarray) -> OrderMetric:
    ranks_x, ranks_y = (_build_distance_rank_matrix(normalize_rows(z)) for z in (x, y))  # [n, n]
    scale = np.sqrt(_sum_pair_products(ranks_x, ranks_x) * _sum_pair_products(ranks_y, ranks_y))

    def compute_metric_of_row_order(order: np.ndarray) -> float:
        return _sum_pair_products(ranks_x, ranks_y, torch.from_numpy(order)) / float(scale)

    return compute_metric_of_row_order


def _build_distance_rank_matrix(unit_rows: Tensor) -> Tensor:
    """Rank the cosine distances of all pairs of rows; the ranks are centred and in [-1, 1].

    Returns
    -------
    Tensor, float32 [n, n]
        int16 in steps of 1/32,767 for more than `MAX_FLOAT_RANK_ROWS` rows.
    """
    n = len(unit_rows)
    pair_count = n * (n - 1) / 2
    level_ranks = rank_distance_levels(count_distance_levels(unit_rows))
    centred = torch.from_numpy(2 * (level_ranks - (pair_count + 1) / 2) / max(pair_count, 1))
    is_exact = n <= MAX_FLOAT_RANK_ROWS
    centred = centred.float() if is_exact else (centred * INT16_STEPS).round().short()
    ranks = torch.empty(n, n, dtype=centred.dtype)
    for start in range(0, n, BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        levels = quantise_cosine_distances(1 - unit_rows[block] @ unit_rows.T)
        ranks[block] = centred[levels.long()]
    return ranks


def _sum_pair_products(a: Tensor, b: Tensor, order: Tensor | None = None) -> float:
    """Sum a[i, j] * b[order[i], order[j]] over all i < j."""
    n = len(a)
    total = 0.0
    for start in range(0, n, BLOCK_ROWS):
        stop = min(start + BLOCK_ROWS, n)
        rows_a = a[start:stop, start:].float()
        rows_b = (
            b[start:stop, start:]
            if order is None
            else b[order[start:stop]].index_select(1, order[start:])
        ).float()
        rows_a = rows_a.triu(1)
        # Sums of float32 rows are exact enough; they are added up in float64.
        total += float((rows_a * rows_b).sum(dim=1).double().sum())
    return total


_BUILDERS: dict[Callable[..., Any], Callable[..., OrderMetric]] = {
    cka: _build_cka_of_row_order,
    cca: _build_cca_of_row_order,
    mutual_knn: _build_overlap_of_row_order,
    overlap_at_k: _build_overlap_of_row_order,
    jaccard_at_k: _build_jaccard_of_row_order,
    distance_pearson: _build_pearson_of_row_order,
    distance_spearman: _build_spearman_of_row_order,
}
