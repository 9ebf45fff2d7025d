"""Order of candidates toward a clip, by shared space and forecast."""

from __future__ import annotations

import numpy as np

from core.suggest.predicted_sound_distances import PredictedSounds
from core.suggest.sound_target import SoundTarget
from core.suggest.target_relevance import score_sounds_for_target


def make_sounds(angles: list[float], properties: list[float]) -> PredictedSounds:
    """Return sounds with vectors at these angles and one property; row 0 is the program."""
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    rows = list(range(len(angles) - 1))
    return PredictedSounds(rows, vectors, {}, np.array(properties)[:, None], vectors)


def test_the_nearest_vector_wins_where_the_properties_of_the_clip_are_unknown() -> None:
    sounds = make_sounds([0.0, 0.5, 1.0, 2.0], [0.0, 3.0, 9.0, 3.0])
    target = SoundTarget("clip", np.array([np.cos(1.1), np.sin(1.1)]))
    scores = score_sounds_for_target(sounds, target)
    assert np.argsort(-scores).tolist() == [1, 0, 2]


def test_properties_of_the_clip_decide_between_equal_vectors() -> None:
    sounds = make_sounds([0.0, 1.0, 1.0, 1.0], [0.0, 3.0, 9.0, 2.5])
    vector = np.array([np.cos(1.0), np.sin(1.0)])
    target = SoundTarget("clip", vector, properties=np.array([2.0]))
    scores = score_sounds_for_target(sounds, target)
    assert np.argsort(-scores).tolist() == [2, 0, 1]
