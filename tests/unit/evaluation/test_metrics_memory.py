"""Metrics hold blocks in memory, never all similarities or distances of n x n rows."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from core.evaluation import (
    array_validation_and_normalization,
    metrics,
    nearest_neighbours,
    pairwise_distance_correlation,
    retrieval_metrics,
)

ROW_COUNT, SMALL_BLOCK_ROWS = 1500, 32
FORBIDDEN_SIZE = ROW_COUNT**2  # numbers of a matrix of all pairs


class LargestTensor(TorchDispatchMode):
    """Record the size of the largest tensor that any operation returns."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        result = operation(*args, **(kwargs or {}))
        for value in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(value, torch.Tensor):
                self.numbers = max(self.numbers, value.numel())
        return result


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch):
    for module in (pairwise_distance_correlation, retrieval_metrics, nearest_neighbours):
        monkeypatch.setattr(module, "BLOCK_ROWS", SMALL_BLOCK_ROWS)
    monkeypatch.setattr(pairwise_distance_correlation, "MAX_PAIRS_TO_SORT", 0)
    # The size of Spearman's table of ranks does not depend on n: it is made small here.
    monkeypatch.setattr(array_validation_and_normalization, "COSINE_STEPS_PER_UNIT", 2.0**8)
    monkeypatch.setattr(pairwise_distance_correlation, "DISTANCE_LEVELS", 2 * 2**8 + 1)


def measure_memory(measure: Callable[[], object]) -> tuple[int, int]:
    """Return the numbers of the largest tensor and the peak of the bytes that NumPy held."""
    with LargestTensor():
        torch.ones(1) + 1  # torch imports modules at the first operation
    tracemalloc.start()
    try:
        with LargestTensor() as largest:
            measure()
        return largest.numbers, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "name",
    [
        "cka",
        "cca",
        "distance_spearman",
        "distance_pearson",
        "overlap_at_k",
        "jaccard_at_k",
        "recall_at_k",
        "mrr",
        "median_rank",
    ],
)
def test_no_metric_holds_a_number_for_each_pair_of_rows(name: str) -> None:
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=(ROW_COUNT, 8)).astype(np.float32) for _ in range(2))
    numbers, peak_bytes = measure_memory(lambda: getattr(metrics, name)(x, y))
    assert numbers <= 4 * SMALL_BLOCK_ROWS * ROW_COUNT
    assert peak_bytes <= FORBIDDEN_SIZE  # each pair once would take twice as much in float32


def test_normalized_similarity_holds_no_number_for_each_pair_of_rows() -> None:
    rng = np.random.default_rng(0)
    audio = rng.normal(size=(ROW_COUNT, 8)).astype(np.float32)
    retrieved_rows = np.zeros((ROW_COUNT, 5), int)
    numbers, peak_bytes = measure_memory(
        lambda: metrics.normalized_similarity(retrieved_rows, audio, audio)
    )
    assert numbers <= 4 * SMALL_BLOCK_ROWS * ROW_COUNT and peak_bytes <= FORBIDDEN_SIZE


def test_the_measurement_detects_a_matrix_of_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (pairwise_distance_correlation, retrieval_metrics, nearest_neighbours):
        monkeypatch.setattr(module, "BLOCK_ROWS", ROW_COUNT)
    x = np.random.default_rng(0).normal(size=(ROW_COUNT, 8))
    for measure in (metrics.distance_pearson, metrics.overlap_at_k, metrics.mrr):
        assert measure_memory(lambda measure=measure: measure(x, x))[0] >= FORBIDDEN_SIZE // 2
