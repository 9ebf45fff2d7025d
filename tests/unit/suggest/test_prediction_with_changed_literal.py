"""Prediction of one literal at new values, and the map that shows it."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import EarshotError
from core.search.aligned_corpus import AlignedCorpus
from core.suggest import (
    CandidateOptions,
    LiteralPredictor,
    SuggestOptions,
    build_candidate_map,
    suggest_and_return_all_candidates,
)
from core.suggest.code_edit import Replacement, apply_source_replacements
from tests.unit.suggest.programs import BASS_AND_DRUMS

START = BASS_AND_DRUMS.index("100")
END = START + 3


@pytest.fixture
def predictor(aligned_corpus: AlignedCorpus) -> LiteralPredictor:
    return LiteralPredictor(aligned_corpus, BASS_AND_DRUMS)


def test_a_new_value_is_predicted_as_the_whole_program_is(
    predictor: LiteralPredictor, aligned_corpus: AlignedCorpus
) -> None:
    for text in ("70", "71", "110.5"):
        prediction = predictor.predict_literal_value(START, END, text)
        assert prediction.source == BASS_AND_DRUMS[:START] + text + BASS_AND_DRUMS[END:]
        embedding = aligned_corpus.embed_snippet(prediction.source)
        expected = aligned_corpus.project_code_embeddings(embedding)[0]
        np.testing.assert_allclose(prediction.vector, expected, atol=1e-6)
        assert prediction.distance > 0
    assert predictor.forecast_literal_value(START, END, "70") is None


@pytest.mark.parametrize("text", [" ", "x" * 300, "70)", "70 do"])
def test_a_value_that_is_none_is_refused(predictor: LiteralPredictor, text: str) -> None:
    with pytest.raises(EarshotError):
        predictor.predict_literal_value(START, END, text)


def test_a_place_without_a_literal_is_refused(predictor: LiteralPredictor) -> None:
    with pytest.raises(EarshotError, match="no literal"):
        predictor.predict_literal_value(START, END + 1, "70")


def test_the_map_separates_candidates_and_places_other_predictions(
    aligned_corpus: AlignedCorpus, predictor: LiteralPredictor
) -> None:
    result = suggest_and_return_all_candidates(
        aligned_corpus, BASS_AND_DRUMS, SuggestOptions(20, 2)
    )
    candidate_map = build_candidate_map(result.predicted)
    assert candidate_map.candidate_points.shape == (20, 2)
    np.testing.assert_allclose(
        candidate_map.place_vectors_on_map(result.predicted.vectors),
        candidate_map.candidate_points,
        atol=1e-6,
    )
    assert np.ptp(candidate_map.candidate_points, axis=0).min() > 0
    center = candidate_map.place_vectors_on_map(predictor.program_vector[None])
    np.testing.assert_allclose(center, 0, atol=1e-6)


def test_the_ranges_of_a_pick_restore_its_source(aligned_corpus: AlignedCorpus) -> None:
    options = SuggestOptions(20, 4, candidates=CandidateOptions(wildness=0.5))
    for pick in suggest_and_return_all_candidates(aligned_corpus, BASS_AND_DRUMS, options).picks:
        replacements = [
            Replacement(before.start, before.end, pick.source[after.start : after.end])
            for before, after in zip(pick.replaced_ranges, pick.changed_ranges, strict=True)
        ]
        assert replacements
        assert apply_source_replacements(BASS_AND_DRUMS, replacements) == pick.source
