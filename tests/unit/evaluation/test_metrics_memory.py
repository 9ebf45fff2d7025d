"""Metrics hold blocks, and never all similarities or distances of n x n rows at once."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from core.evaluation import pairwise_distances, metrics, neighbours

N, BLOCK = 1500, 32
WHOLE = N * N  # numbers of a matrix that must not be


class LargestTensor(TorchDispatchMode):
    """Notes how many numbers the largest tensor holds that any operation returned."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        made = operation(*args, **(kwargs or {}))
        for each in made if isinstance(made, (tuple, list)) else (made,):
            if isinstance(each, torch.Tensor):
                self.numbers = max(self.numbers, each.numel())
        return made


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch):
    for module in (pairwise_distances, metrics, neighbours):
        monkeypatch.setattr(module, "BLOCK", BLOCK)
    monkeypatch.setattr(pairwise_distances, "MAX_PAIRS_TO_SORT", 0)
    # Spearman's table of ranks has a size of its own, whatever n is: here a small one.
    monkeypatch.setattr(pairwise_distances, "GRAIN", 2.0**8)
    monkeypatch.setattr(pairwise_distances, "DISTANCE_LEVELS", 2 * 2**8 + 1)


def held(measure) -> tuple[int, int]:
    """Numbers in the largest tensor, and the most bytes that numpy held."""
    with LargestTensor():
        torch.ones(1) + 1  # what torch imports at first is no metric's doing
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
        "spearman",
        "pearson",
        "overlap_at_k",
        "jaccard_at_k",
        "recall_at_k",
        "mrr",
        "median_rank",
    ],
)
def test_no_metric_holds_a_number_for_each_pair_of_rows(name):
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=(N, 8)).astype(np.float32) for _ in range(2))
    numbers, most = held(lambda: getattr(metrics, name)(x, y))
    assert numbers <= 4 * BLOCK * N
    assert most <= WHOLE  # bytes; all pairs, each once, would take twice that in 32 bits


def test_foretold_holds_no_number_for_each_pair_of_rows():
    rng = np.random.default_rng(0)
    heard = rng.normal(size=(N, 8)).astype(np.float32)
    numbers, most = held(lambda: metrics.normalized_similarity(np.zeros((N, 5), int), heard, heard))
    assert numbers <= 4 * BLOCK * N and most <= WHOLE


def test_what_is_held_tells_blocks_from_the_whole(monkeypatch: pytest.MonkeyPatch):
    for module in (pairwise_distances, metrics, neighbours):
        monkeypatch.setattr(module, "BLOCK", N)
    x = np.random.default_rng(0).normal(size=(N, 8))
    for measure in (metrics.distance_pearson, metrics.overlap_at_k, metrics.mrr):
        assert held(lambda measure=measure: measure(x, x))[0] >= WHOLE // 2
