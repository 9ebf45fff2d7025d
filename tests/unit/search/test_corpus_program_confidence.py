"""Confidence of the prediction of every program of a corpus."""

from __future__ import annotations

import numpy as np
import pytest

from core.alignment.projection_heads import measure_projection_strengths
from core.corpus import Corpus
from core.evaluation.confidence_calibration import (
    ConfidenceCalibration,
    compute_confidence_features,
)
from core.search import corpus_program_confidence
from core.search.aligned_corpus import open_aligned_corpus
from core.search.corpus_program_confidence import estimate_confidence_of_programs
from tests.unit.search.alignments import save_untrained_alignment
from tests.unit.search.test_search_confidence import CALIBRATION
from tests.unit.search.tone_corpora import make_tone_corpus


def test_each_program_is_searched_for_without_its_own_clip_and_code(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpus_program_confidence, "BLOCK_ROWS", 4)
    songs = make_tone_corpus("songs", 9)
    alignment_id = save_untrained_alignment(songs)
    songs.save_alignment_metrics(alignment_id, {"readings": [], "confidence": CALIBRATION})
    aligned = open_aligned_corpus(songs, alignment_id)
    confidence = estimate_confidence_of_programs(aligned)
    assert confidence is not None
    assert confidence.index.tolist() == list(aligned.pairs.program_ids)
    row = 6
    code = aligned.pairs.code_embeddings[row : row + 1]
    found, similarities = aligned.find_nearest_rows(code, 5, "code->audio", row)
    assert row not in found
    features = compute_confidence_features(
        aligned.pairs.audio_embeddings[found][None],
        similarities[None],
        aligned.find_nearest_rows(code, 1, "code->code", row)[1],
        measure_projection_strengths(aligned.heads, code, "code"),
    )
    calibration = ConfidenceCalibration.from_dict(CALIBRATION)
    expected = calibration.predict_correctness_probability(features)
    np.testing.assert_allclose(confidence.iloc[row], expected[0], rtol=1e-5)

    # Too few programs, or no calibration: no confidence.
    small_id = save_untrained_alignment(corpus)
    corpus.save_alignment_metrics(small_id, {"readings": [], "confidence": CALIBRATION})
    assert estimate_confidence_of_programs(open_aligned_corpus(corpus, small_id)) is None
    songs.save_alignment_metrics(alignment_id, {"readings": [], "confidence": None})
    uncalibrated = open_aligned_corpus(songs, songs.load_alignment(alignment_id))
    assert estimate_confidence_of_programs(uncalibrated) is None
