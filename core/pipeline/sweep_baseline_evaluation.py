"""Baselines of a sweep: raw embeddings, and linear alignments in closed form."""

from __future__ import annotations

from typing import Any

from core.evaluation.linear_alignment_baselines import fit_linear_alignments
from core.evaluation.metrics_with_intervals import ALIGNED_VS_ALIGNED, ALIGNED_VS_RAW
from core.evaluation.null_calibration import DEFAULT_PERMUTATIONS
from core.pipeline.evaluate_alignment_on_held_out_programs import (
    ComparedSpaces,
    build_raw_embedding_spaces,
)
from core.pipeline.sweep_run_training import compute_metric_rows
from core.search.embedded_corpus import EmbeddedCorpus

BASELINE_NAME = "unaligned"
FIRST_LINEAR_NUMBER = -101
"""Number of linear CCA among the rows of a sweep; the numbers below are further linear alignments.
Those from -1 down to it are raw embeddings."""


def evaluate_raw_embeddings_of_sweep(
    embedded_corpus: EmbeddedCorpus, trial_code_encoders: list[str]
) -> list[dict[str, Any]]:
    """Evaluate raw embeddings: by the sweep's own code encoder first, then by the others."""
    default_encoder = embedded_corpus.code_encoder.id
    audio_encoder = embedded_corpus.audio_encoder.id
    rows = []
    for place, encoder_id in enumerate(dict.fromkeys([default_encoder, *trial_code_encoders]), 1):
        pairs = embedded_corpus.corpus.load_embedding_pairs(encoder_id, audio_encoder)
        name = BASELINE_NAME
        if encoder_id != default_encoder:
            name = f"{BASELINE_NAME}, {encoder_id}"
        rows += [
            {"name": name, "number": -place, "seed": 0, **row}
            for row in compute_metric_rows(
                pairs,
                build_raw_embedding_spaces(pairs),
                with_intervals=True,
                permutations=DEFAULT_PERMUTATIONS,
            )
        ]
    return rows


def evaluate_linear_alignments_of_sweep(embedded_corpus: EmbeddedCorpus) -> list[dict[str, Any]]:
    """Evaluate the linear alignments of the sweep's own encoders, which have closed forms."""
    pairs = embedded_corpus.pairs
    alignments = fit_linear_alignments(pairs.code_embeddings, pairs.audio_embeddings, pairs.splits)
    rows = []
    for place, alignment in enumerate(alignments):
        code, audio = alignment.code, alignment.audio
        spaces = {
            ALIGNED_VS_ALIGNED: ComparedSpaces(code, audio, None),
            ALIGNED_VS_RAW: ComparedSpaces(code, pairs.audio_embeddings, audio),
        }
        name = f"{alignment.name}, {alignment.dimension} dimensions"
        number = FIRST_LINEAR_NUMBER - place
        rows += [
            {"name": name, "number": number, "seed": 0, **row}
            for row in compute_metric_rows(pairs, spaces, with_intervals=True)
        ]
    return rows
