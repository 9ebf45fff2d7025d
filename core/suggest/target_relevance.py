"""How far candidates go toward a target."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from core.errors import EarshotError
from core.search.aspect_similarity import get_aspect_index
from core.suggest.candidate_prediction import PredictedCandidates, compute_property_movements
from core.suggest.predicted_sound_distances import (
    PredictedSounds,
    can_predict_sounds,
    predict_sounds,
)
from core.suggest.sound_target import SoundTarget

if TYPE_CHECKING:
    from core.search.aligned_corpus import AlignedCorpus

SHORTLIST_SIZE = 24
"""Candidates nearest to a clip by the shared space, whose sound is simulated."""
PROPERTY_ERROR_WEIGHT = 0.25
"""Of the error of the forecast beside the cosine in the shared space."""


def compute_target_relevance(
    aligned_corpus: AlignedCorpus,
    predicted: PredictedCandidates,
    target: SoundTarget,
    aspect: str | None = None,
) -> np.ndarray:
    """Return how far each candidate goes toward a target, float [n]; higher is nearer.

    For a clip it is the cosine to the clip, in the shared space or in an aspect. The nearest ones
    by the code are ordered by the prediction from code and simulated sound together, and by the
    forecast of measured properties where those of the clip are known. For words it is the mean
    movement of the predicted properties in their directions, in standard deviations over programs.

    Raises
    ------
    EarshotError
        When words are the target and the corpus has no forecast, or an aspect is chosen and the
        clips are not measured.
    """
    if target.vector is None:
        return _measure_movement_along_words(aligned_corpus, predicted, target)
    if aspect is not None:
        return _compare_aspect_with_target(aligned_corpus, predicted, target, aspect)
    cosines = np.asarray(predicted.vectors @ target.vector)
    if not len(cosines) or not can_predict_sounds(aligned_corpus):
        return cosines
    return _order_nearest_by_simulated_sound(aligned_corpus, predicted, target, cosines)


def _measure_movement_along_words(
    aligned_corpus: AlignedCorpus, predicted: PredictedCandidates, target: SoundTarget
) -> np.ndarray:
    model = aligned_corpus.forecast_model
    if model is None:
        name = aligned_corpus.corpus.name
        raise EarshotError(
            f"Words need a forecast, and too few clips of corpus '{name}' are measured.",
            remedy=f"To measure them: ./run embed {name} --audio-encoder descriptors",
        )
    columns = [column for column, _ in target.word_directions]
    signs = np.array([sign for _, sign in target.word_directions])
    movements = compute_property_movements(model, predicted, range(len(predicted.candidates)))
    return np.asarray((movements[:, columns] * signs).mean(axis=1))


def _compare_aspect_with_target(
    aligned_corpus: AlignedCorpus, predicted: PredictedCandidates, target: SoundTarget, aspect: str
) -> np.ndarray:
    get_aspect_index(aligned_corpus)  # Raises an error that says how to measure clips.
    if target.aspects is None:
        raise EarshotError(
            f"The aspects of {target.label} are not measured.",
            remedy="Leave the aspect out, or give a sound file.",
        )
    sounds = predict_sounds(aligned_corpus, predicted, range(len(predicted.candidates)))
    return np.asarray(sounds.aspects[aspect][1:] @ target.aspects[aspect])


def _order_nearest_by_simulated_sound(
    aligned_corpus: AlignedCorpus,
    predicted: PredictedCandidates,
    target: SoundTarget,
    cosines: np.ndarray,
) -> np.ndarray:
    """Return the cosines, in another order among the nearest: that of `score_sounds_for_target`."""
    rows = np.argsort(-cosines, kind="stable")[:SHORTLIST_SIZE]
    sounds = predict_sounds(aligned_corpus, predicted, rows.tolist())
    scores = score_sounds_for_target(sounds, target)
    relevance = cosines.copy()
    # The same cosines, given to the rows in the order of the scores.
    relevance[rows[np.argsort(-scores, kind="stable")]] = np.sort(cosines[rows])[::-1]
    return relevance


def score_sounds_for_target(sounds: PredictedSounds, target: SoundTarget) -> np.ndarray:
    """Return how near candidates are to a clip among each other, float [m]; higher is nearer.

    Where the properties of the clip are known, the error of the forecast counts beside the cosine
    in the shared space; both have mean 0 and deviation 1 over the candidates. The weight was chosen
    on variants of held-out templates.
    """
    cosines = _standardize_to_unit_deviation(sounds.vectors[1:] @ target.vector)
    if target.properties is None:
        return cosines
    differences = sounds.properties[1:] - target.properties
    errors = np.sqrt(np.nanmean(differences**2, axis=1))
    return cosines - PROPERTY_ERROR_WEIGHT * _standardize_to_unit_deviation(errors)


def _standardize_to_unit_deviation(values: np.ndarray) -> np.ndarray:
    deviation = float(values.std())
    return (values - values.mean()) / deviation if deviation > 0 else values - values.mean()
