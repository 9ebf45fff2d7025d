"""Distances by predicted sound, and picks by one aspect."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import EarshotError
from core.search.aligned_corpus import AlignedCorpus
from core.suggest import SoundTarget, SuggestOptions, suggest
from core.suggest.candidate_picking import pick_by_marginal_distance
from core.suggest.predicted_sound_distances import PredictedSounds, can_predict_sounds
from tests.unit.suggest.programs import BASS_AND_DRUMS


def make_sounds(rhythm: np.ndarray) -> PredictedSounds:
    count = len(rhythm)
    same = np.tile([1.0, 0.0], (count, 1))
    aspects = {"timbre": same, "rhythm": rhythm, "pitch": same, "level": same}
    return PredictedSounds(list(range(count - 1)), same, aspects, np.zeros((count, 3)), same)


def test_the_median_distance_of_an_aspect_is_1_and_equal_views_add_nothing() -> None:
    sounds = make_sounds(np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]))
    rhythm, mixed = (
        sounds.compute_pairwise_sound_distances("rhythm"),
        sounds.compute_pairwise_sound_distances(),
    )
    assert rhythm[0, 1] == pytest.approx(1) and rhythm[0, 2] == pytest.approx(2**0.5)
    np.testing.assert_allclose(mixed, rhythm, atol=1e-9)
    assert not sounds.compute_pairwise_sound_distances("pitch").any()


def test_picks_are_far_from_the_program_and_from_each_other() -> None:
    positions = np.array([0.0, 10.0, 9.5, -4.0])
    distances = np.abs(positions[:, None] - positions)
    assert pick_by_marginal_distance(distances, 2) == [1, 3]
    assert pick_by_marginal_distance(distances, 2, relevance_weight=1.0) == [1, 2]
    assert pick_by_marginal_distance(distances, 9) == [1, 3, 2]


def test_an_aspect_needs_measured_clips(aligned_corpus: AlignedCorpus) -> None:
    assert not can_predict_sounds(aligned_corpus)
    with pytest.raises(EarshotError, match="measured"):
        suggest(aligned_corpus, BASS_AND_DRUMS, SuggestOptions(20, 2, aspect="rhythm"))


def test_an_aspect_that_cannot_be_used_is_refused() -> None:
    with pytest.raises(EarshotError, match="no aspect"):
        SuggestOptions(aspect="smell")
    with pytest.raises(EarshotError, match="cover"):
        SuggestOptions(mode="cover", aspect="pitch")
    words = SoundTarget("darker", word_directions=((0, -1),))
    with pytest.raises(EarshotError, match="Words"):
        SuggestOptions(mode="toward", target=words, aspect="pitch")
