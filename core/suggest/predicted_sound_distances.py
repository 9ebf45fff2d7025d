"""Distances between candidates by a mix of what is predicted of their sound.

The mix joins three views: the code embedding, the aspects of the simulated sound (timbre, rhythm,
pitch and level), and the vector in the shared space that code and simulated sound predict together.
It was chosen on variants of held-out templates: `docs/suggest.md` has the numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.blas_thread_limit import limit_blas_to_one_thread
from core.encoders.simulation.gain_invariant_features import remove_overall_level
from core.search.aspect_similarity import get_aspect_index
from core.suggest.candidate_prediction import PredictedCandidates, simulate_candidates

if TYPE_CHECKING:
    from core.search.aligned_corpus import AlignedCorpus

VIEW_WEIGHTS = (0.5, 1.0, 2.0)
"""Of the squared distances by code, aspects and shared space."""
SIMULATION_WEIGHT = 2.0
"""Of the prediction from the simulated sound, beside that from the code, which has the weight 1."""


@dataclass(frozen=True, eq=False)
class PredictedSounds:
    """Views of the predicted sound of a program and of some of its candidates.

    Row 0 of each array is the program, row i + 1 belongs to `rows[i]`.

    Attributes
    ----------
    rows : list of int
        Rows of the candidates.
    code : float [m + 1, d1]
        Code embeddings of unit length.
    aspects : dict of str to float [m + 1, d_a]
        Unit vectors by aspect.
    properties : float [m + 1, t]
        Forecast, in standard deviations over programs.
    vectors : float32 [m + 1, d]
        In the shared space: the weighted mean of the unit vectors that the alignment predicts from
        the code and the regression from the simulated sound. They are the shorter, the less the
        two agree.
    """

    rows: list[int]
    code: np.ndarray
    aspects: dict[str, np.ndarray]
    properties: np.ndarray
    vectors: np.ndarray

    def compute_pairwise_sound_distances(self, aspect: str | None = None) -> np.ndarray:
        """Return the distances of all pairs, float [m + 1, m + 1].

        Parameters
        ----------
        aspect : str, optional
            Only by this aspect. The default is the mix.

        Returns
        -------
        float [m + 1, m + 1]
            The median distance of each view is 1; in the mix, views add up as in a Euclidean
            distance.
        """
        if aspect is not None:
            return _scale_by_median(_compute_euclidean_distances(self.aspects[aspect]))
        return mix_distances_of_views((self.code, self.stack_aspects(), self.vectors), VIEW_WEIGHTS)

    def stack_aspects(self) -> np.ndarray:
        """Return the vectors of all aspects side by side, float [m + 1, d_all]."""
        return np.concatenate(list(self.aspects.values()), axis=1)


def mix_distances_of_views(views: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
    """Return the distances of all pairs of rows by several views, float [n, n].

    Parameters
    ----------
    views : sequence of float [n, d_v]
        Their distances are divided by their medians.
    weights : sequence of float
        Of the squared distances, one per view.
    """
    squares = [
        weight * _scale_by_median(_compute_euclidean_distances(view)) ** 2
        for view, weight in zip(views, weights)
    ]
    mixed: np.ndarray = np.sqrt(np.sum(squares, axis=0))
    return mixed


def can_predict_sounds(aligned_corpus: AlignedCorpus) -> bool:
    """Return whether the clips of a corpus are measured, as aspects and forecast need."""
    return (
        aligned_corpus.clip_aspect_search_index is not None
        and aligned_corpus.forecast_model is not None
    )


@limit_blas_to_one_thread()
def predict_sounds(
    aligned_corpus: AlignedCorpus, predicted: PredictedCandidates, rows: Sequence[int]
) -> PredictedSounds:
    """Simulate a program and some of its candidates, and predict aspects and properties.

    Takes a few milliseconds per candidate.

    Raises
    ------
    EarshotError
        When the clips of the corpus are not measured.
    """
    model = aligned_corpus.forecast_model
    assert model is not None, "can_predict_sounds is checked before"
    seconds = float(aligned_corpus.corpus.settings["seconds"])
    sounds = simulate_candidates(predicted, rows, seconds)
    assert sounds.aspects is not None, "a length was given"
    properties, _ = model.predict_values_with_intervals(sounds.features)
    vectors = np.concatenate([predicted.current_vector[None], predicted.vectors[list(rows)]])
    regression = aligned_corpus.simulation_regression
    if regression is not None:
        simulated = regression.predict_shared_space_vectors(remove_overall_level(sounds.features))
        vectors = (vectors + SIMULATION_WEIGHT * simulated) / (1 + SIMULATION_WEIGHT)
    code = np.concatenate([predicted.current_embedding, predicted.code_embeddings[list(rows)]])
    norms = np.linalg.norm(code, axis=1, keepdims=True)
    return PredictedSounds(
        list(rows),
        code / np.maximum(norms, 1e-12),
        get_aspect_index(aligned_corpus).standardize_aspects(sounds.aspects),
        properties,
        vectors,
    )


def _compute_euclidean_distances(vectors: np.ndarray) -> np.ndarray:
    vectors = np.asarray(vectors, dtype=np.float64)
    squares = (vectors**2).sum(axis=1)
    distances: np.ndarray = np.sqrt(
        np.maximum(squares[:, None] + squares - 2 * vectors @ vectors.T, 0)
    )
    return distances


def _scale_by_median(distances: np.ndarray) -> np.ndarray:
    """Divide distances by the median over pairs; zeros stay zero."""
    pairs = distances[np.triu_indices(len(distances), 1)]
    median = float(np.median(pairs)) if len(pairs) else 0.0
    return distances / median if median > 0 else distances
