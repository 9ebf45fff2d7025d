"""Confidence of the prediction of every program of a corpus, as if its own clip were unknown."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.alignment.projection_heads import measure_projection_strengths
from core.evaluation.confidence_calibration import (
    ConfidenceCalibration,
    compute_confidence_features,
)
from core.search.aligned_corpus import AlignedCorpus
from core.search.confidence_fitting import CONFIDENCE_KEYS, NEIGHBOUR_COUNT

BLOCK_ROWS = 2048
"""Programs per block: the audio embeddings of 5 clips each take 40 MB at 1,024 dimensions."""


def estimate_confidence_of_programs(aligned_corpus: AlignedCorpus) -> pd.Series | None:
    """Estimate how likely the prediction of each program is correct, from its code alone.

    A program's own clip and its own code are left out of the search. Programs that the alignment
    was trained on get a higher confidence than new ones would.

    Parameters
    ----------
    aligned_corpus : AlignedCorpus

    Returns
    -------
    Series of float or None
        Probability in (0, 1) by program id; None if the alignment is not calibrated, or the corpus
        has fewer than 7 programs.

    Examples
    --------
    >>> from core.corpus import Corpus
    >>> from core.search.aligned_corpus import open_aligned_corpus
    >>> confidence = estimate_confidence_of_programs(open_aligned_corpus(Corpus.open("starter")))
    >>> confidence is None or bool(confidence.between(0, 1).all())
    True
    """
    fields = aligned_corpus.record.metrics.get(CONFIDENCE_KEYS["code->audio"])
    pairs = aligned_corpus.pairs
    if not fields or len(pairs) < NEIGHBOUR_COUNT + 2:
        return None
    calibration = ConfidenceCalibration.from_dict(fields)
    probabilities = [
        calibration.predict_correctness_probability(
            _compute_features_without_own_clip(aligned_corpus, np.arange(start, stop))
        )
        for start in range(0, len(pairs), BLOCK_ROWS)
        for stop in [min(start + BLOCK_ROWS, len(pairs))]
    ]
    return pd.Series(np.concatenate(probabilities), index=pairs.program_ids)


def _compute_features_without_own_clip(
    aligned_corpus: AlignedCorpus, rows: np.ndarray
) -> np.ndarray:
    """Return the confidence features of programs whose own rows are left out: [rows, 4]."""
    code = aligned_corpus.pairs.code_embeddings[rows]
    retrieved, similarities = aligned_corpus.shared_audio_index.find_most_similar_rows(
        aligned_corpus.project_code_embeddings(code), NEIGHBOUR_COUNT, excluded_rows=rows
    )
    nearest = aligned_corpus.raw_code_index.find_most_similar_rows(code, 1, excluded_rows=rows)[1]
    return compute_confidence_features(
        aligned_corpus.pairs.audio_embeddings[retrieved],
        similarities,
        nearest[:, 0],
        measure_projection_strengths(aligned_corpus.heads, code, "code"),
    )
