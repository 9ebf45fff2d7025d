"""Benchmark: kernel ridge with a subset of reference programs, against the exact solution.

It reads the corpus of the workspace with the most programs; `./run dataset paper-size` renders one
of the paper's size. The same 10,000 training programs, or as many as there are, are fitted with all
of them as reference programs and with the subset that Earshot takes; 1,000 other programs are the
queries. Then `--variants` thousand training programs (100) are fitted, which are embeddings of the
corpus with Gaussian noise.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from scale_corpus import SPREAD, Row, print_rows

from core.alignment import AlignmentConfig, ProjectionHeads, TrainingPairs, ValidationPairs, train
from core.alignment.kernel_ridge import MAX_REFERENCE_PROGRAMS
from core.alignment.projection_heads import project_embeddings
from core.corpus import Corpus, list_corpora
from core.errors import EarshotError
from core.evaluation.metrics import normalized_similarity
from core.evaluation.nearest_neighbours import find_k_nearest_rows
from core.search.embedded_corpus import open_embedded_corpus

EXACT_PROGRAMS, QUERY_COUNT = 10_000, 1_000
MIN_PROGRAMS = 200
NEIGHBOUR_COUNT = 5
MAX_DIFFERENCE = 0.01
BLOCK_ROWS = 8_192
CONFIG = AlignmentConfig.from_preset("kernel_ridge")


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Raw embeddings, row i of both one program: float32 [n, d1] and [n, d2]."""

    code: np.ndarray
    audio: np.ndarray

    def __len__(self) -> int:
        return len(self.code)

    def select_rows(self, rows: np.ndarray) -> Embeddings:
        """Return a copy of these rows."""
        return Embeddings(self.code[rows], self.audio[rows])


def run(variants: int = 100) -> list[Row]:
    """Compare and measure; return (measure, value) rows.

    Parameters
    ----------
    variants : int
        Thousand training programs of the large fit.
    """
    name, embeddings = _load_largest_corpus()
    rng = np.random.default_rng(0)
    order = rng.permutation(len(embeddings))
    query_count = min(QUERY_COUNT, len(embeddings) // 10)
    queries = embeddings.select_rows(order[:query_count])
    base = embeddings.select_rows(order[query_count:][:EXACT_PROGRAMS])
    subset_count = min(MAX_REFERENCE_PROGRAMS, round(0.6 * len(base)))
    rows = print_rows([("corpus", f"{name}, {len(base):,} programs, {query_count:,} queries")])
    scores = []
    for label, reference_count in (("subset", subset_count), ("exact", len(base))):
        fit_rows, score = _fit_and_score(base, queries, reference_count)
        scores.append(score)
        rows += print_rows([(f"{label}, {measure}", value) for measure, value in fit_rows])
    difference = abs(scores[0] - scores[1])
    verdict = "met" if difference < MAX_DIFFERENCE else "missed"
    goal = f"{difference:.4f} (goal: under {MAX_DIFFERENCE}, {verdict})"
    rows += print_rows([("difference", goal)])
    large = _repeat_with_noise(embeddings.select_rows(order[query_count:]), 1_000 * variants, rng)
    fit_rows, _ = _fit_and_score(large, queries, MAX_REFERENCE_PROGRAMS)
    return rows + print_rows([(f"{len(large):,}, {measure}", value) for measure, value in fit_rows])


def _load_largest_corpus() -> tuple[str, Embeddings]:
    counts = {name: Corpus.open(name).count_programs_by_state()["ok"] for name in list_corpora()}
    name = max(counts, key=counts.__getitem__, default="")
    if counts.get(name, 0) < MIN_PROGRAMS:
        raise EarshotError(
            f"No corpus of the workspace has {MIN_PROGRAMS} programs with a clip.",
            remedy="Build one: ./run build starter",
        )
    pairs = open_embedded_corpus(Corpus.open(name)).pairs
    return name, Embeddings(pairs.code_embeddings, pairs.audio_embeddings)


def _repeat_with_noise(
    embeddings: Embeddings, program_count: int, rng: np.random.Generator
) -> Embeddings:
    """Return as many embeddings, each repeated one with noise of its own."""
    rows = np.arange(program_count) % len(embeddings)
    repeated = embeddings.select_rows(rows)
    for matrix in (repeated.code, repeated.audio):
        scale = np.float32(SPREAD * matrix.std())
        for start in range(0, program_count, BLOCK_ROWS):
            block = matrix[start : start + BLOCK_ROWS]
            block += scale * rng.standard_normal(block.shape, dtype=np.float32)
    return repeated


def _fit_and_score(
    base: Embeddings, queries: Embeddings, reference_count: int
) -> tuple[list[Row], float]:
    """Fit, and predict the clips of the queries; return rows and the normalized similarity."""
    before_gb = _restart_peak_memory_gb()
    started, cpu_started = time.monotonic(), time.process_time()
    with mock.patch("core.alignment.kernel_ridge.MAX_REFERENCE_PROGRAMS", reference_count):
        heads = _fit_heads(base)
    seconds, cpu_seconds = time.monotonic() - started, time.process_time() - cpu_started
    memory_gb = _read_memory_gb("VmHWM") - before_gb
    score, cosine = _score(heads, base, queries)
    return [
        ("reference programs", f"{reference_count:,}"),
        ("fit", f"{seconds:.0f} s"),
        ("processor time", f"{cpu_seconds:.0f} s"),
        ("memory beside the embeddings", f"{memory_gb:.2f} GB"),
        (f"normalized similarity@{NEIGHBOUR_COUNT}", f"{score:.4f}"),
        ("mean cosine of predicted and true clip", f"{cosine:.4f}"),
    ], score


def _fit_heads(base: Embeddings) -> ProjectionHeads:
    code, audio = torch.from_numpy(base.code), torch.from_numpy(base.audio)
    validation_pairs = ValidationPairs(code[:0], audio[:0])
    return train(TrainingPairs(code, audio), validation_pairs, CONFIG).heads


def _score(heads: ProjectionHeads, base: Embeddings, queries: Embeddings) -> tuple[float, float]:
    predicted = project_embeddings(heads, queries.code, "code")
    true_clips = project_embeddings(heads, queries.audio, "audio")
    base_clips = project_embeddings(heads, base.audio, "audio")
    retrieved_rows, _ = find_k_nearest_rows(predicted, base_clips, NEIGHBOUR_COUNT)
    similarities = normalized_similarity(retrieved_rows, queries.audio, base.audio)
    return float(np.nanmean(similarities)), float((predicted * true_clips).sum(axis=1).mean())


def _restart_peak_memory_gb() -> float:
    """Let Linux measure the peak anew; return what the process holds now."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _read_memory_gb("VmRSS")


def _read_memory_gb(field: str) -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = [line for line in status.splitlines() if line.startswith(f"{field}:")]
    return int(line.split()[1]) / 1e6
