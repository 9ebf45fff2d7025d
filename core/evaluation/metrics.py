"""Metrics of two embedding spaces: CKA, CCA, neighbourhoods, distance correlation, retrieval.

Every function takes ``x`` float [n, d1] and ``y`` float [n, d2], row i of both being the same
program. Computation is done in blocks: 13,500 rows of 768 columns stay within 2 GB. Anything but
matrices of finite numbers with equally many rows raises `EarshotError`. Undefined results are NaN;
each function documents when: too few rows, or a space in which all rows are equal.
"""

from __future__ import annotations

from core.evaluation.cca import CCA, cca, fit_cca
from core.evaluation.cka import cka
from core.evaluation.neighbour_agreement import (
    count_shared_neighbours,
    jaccard_at_k,
    mutual_knn,
    overlap_at_k,
)
from core.evaluation.null_calibration import NullCalibration, calibrated
from core.evaluation.pairwise_distance_correlation import distance_pearson, distance_spearman
from core.evaluation.retrieval_metrics import (
    compute_hit_rates,
    compute_match_ranks,
    median_rank,
    mrr,
    normalized_similarity,
    recall_at_k,
)

__all__ = [
    "CCA",
    "NullCalibration",
    "calibrated",
    "cca",
    "cka",
    "compute_hit_rates",
    "compute_match_ranks",
    "count_shared_neighbours",
    "distance_pearson",
    "distance_spearman",
    "fit_cca",
    "jaccard_at_k",
    "median_rank",
    "mrr",
    "mutual_knn",
    "normalized_similarity",
    "overlap_at_k",
    "recall_at_k",
]
