"""Benchmark: neighbours among more than a million embeddings, and the map of 135,000 programs.

Embeddings are synthetic: clusters with noise, as programs lie around templates. Recall is measured
on queries that took no part in the calibration. `--variants` is the number of thousand rows.
"""

from __future__ import annotations

import resource
import time
from statistics import median

import numpy as np
import pandas as pd

from core.evaluation.nearest_neighbours import CosineIndex
from core.plots.map_before_and_after_alignment import build_map_figure
from core.search.approximate_cosine_index import ApproximateCosineIndex

DIM, CENTRE_COUNT, SPREAD = 256, 2_000, 1.0
NEIGHBOUR_COUNT, QUERY_COUNT = 5, 100
EXACT_ROWS = 135_000
MAP_PROGRAMS = 135_000
BLOCK_ROWS = 50_000
MAX_LATENCY_MS = 100
MIN_RECALL = 0.98


def run(variants: int = 1_100) -> list[tuple[str, str]]:
    """Measure both indices and the drawing of a map; return (measure, value) rows.

    Parameters
    ----------
    variants : int
        Thousand rows of the index of Faiss.
    """
    rows = _measure_exact_search() + _measure_approximate_search(1_000 * variants)
    rows += _measure_map_drawing()
    peak_gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return [*rows, ("peak memory", f"{peak_gib:.1f} GiB")]


def _measure_exact_search() -> list[tuple[str, str]]:
    index = CosineIndex(_draw_embeddings(EXACT_ROWS, seed=1))
    latency_ms = _measure_latency_ms(index, _draw_embeddings(QUERY_COUNT, seed=2))
    label = f"exact, {NEIGHBOUR_COUNT} of {EXACT_ROWS:,} x {DIM}, one query at a time"
    return [(label, _format_latency(latency_ms))]


def _measure_approximate_search(row_count: int) -> list[tuple[str, str]]:
    base = _draw_embeddings(row_count, seed=1)
    started = time.perf_counter()
    index = ApproximateCosineIndex(base, _draw_embeddings(QUERY_COUNT, seed=2))
    build_seconds = time.perf_counter() - started
    queries = _draw_embeddings(QUERY_COUNT, seed=3)
    latency_ms = _measure_latency_ms(index, queries)
    recall = index.measure_recall(queries)
    verdict = "met" if recall >= MIN_RECALL else "missed"
    return [
        (f"Faiss, index of {row_count:,} x {DIM}", f"{build_seconds:.0f} s"),
        (f"Faiss, {NEIGHBOUR_COUNT} neighbours, one query", _format_latency(latency_ms)),
        ("Faiss, probed clusters", f"{index.probed_cell_count}"),
        (
            f"Faiss, recall@{NEIGHBOUR_COUNT} against exact",
            f"{recall:.3f} (goal: at least {MIN_RECALL}, {verdict})",
        ),
    ]


def _measure_map_drawing() -> list[tuple[str, str]]:
    rng = np.random.default_rng(0)
    centres = 10 * rng.normal(size=(CENTRE_COUNT, 4))
    positions = np.concatenate(
        [
            centres[rng.integers(CENTRE_COUNT, size=MAP_PROGRAMS)]
            + rng.normal(size=(MAP_PROGRAMS, 4))
            for _ in range(2)
        ]
    ).astype(np.float32)
    points = pd.DataFrame(positions, columns=["before_x", "before_y", "after_x", "after_y"])
    points["program"] = [f"p{number}" for number in range(MAP_PROGRAMS)] * 2
    points["name"] = points["program"]
    points["modality"] = np.repeat(["code", "audio"], MAP_PROGRAMS)
    build_map_figure(points)  # Datashader compiles its functions.
    started = time.perf_counter()
    figure = build_map_figure(points)
    seconds = time.perf_counter() - started
    megabytes = len(figure.to_json()) / 1e6
    label = f"map of {MAP_PROGRAMS:,} programs by density"
    return [(f"{label}, drawing", f"{seconds:.1f} s"), (f"{label}, size", f"{megabytes:.1f} MB")]


def _measure_latency_ms(index: CosineIndex, queries: np.ndarray) -> float:
    durations = []
    for query in queries:
        started = time.perf_counter()
        index.find_most_similar_rows(query[None], NEIGHBOUR_COUNT)
        durations.append(time.perf_counter() - started)
    return 1000 * median(durations)


def _format_latency(latency_ms: float) -> str:
    verdict = "met" if latency_ms < MAX_LATENCY_MS else "missed"
    return f"{latency_ms:.1f} ms (goal: under {MAX_LATENCY_MS} ms, {verdict})"


def _draw_embeddings(row_count: int, seed: int) -> np.ndarray:
    """Draw embeddings around common centres: float32 [n, 256]."""
    centres = np.random.default_rng(0).normal(size=(CENTRE_COUNT, DIM)).astype(np.float32)
    rng = np.random.default_rng(seed)
    embeddings = centres[rng.integers(CENTRE_COUNT, size=row_count)]
    for start in range(0, row_count, BLOCK_ROWS):
        block = embeddings[start : start + BLOCK_ROWS]
        block += SPREAD * rng.standard_normal(block.shape, dtype=np.float32)
    return embeddings
