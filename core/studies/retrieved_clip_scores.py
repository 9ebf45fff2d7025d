"""Outcome of the snippet-retrieval study: what each method retrieved, and its scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from core.evaluation.array_validation_and_normalization import normalize_rows
from core.evaluation.combined_audio_encoder_similarity import compute_consensus_similarity
from core.evaluation.metrics import normalized_similarity
from core.evaluation.nearest_neighbours import find_k_nearest_rows
from core.studies.retrieval_method_definitions import (
    DEFAULT_CODE_ENCODER,
    RAW_EMBEDDINGS,
    RetrievalMethod,
    make_kernel_ridge_method,
)
from core.studies.retrieval_method_fitting_and_ranking import (
    NEIGHBOUR_COUNT,
    RetrievalResult,
    list_nearest_rows_per_query,
)
from core.studies.retrieval_study_data import RetrievalStudyData

SCORE = f"normalized similarity@{NEIGHBOUR_COUNT}"
CONSENSUS_NEAREST = "true nearest by all encoders"


@dataclass(frozen=True)
class AudioEmbeddings:
    """Raw audio embeddings by one encoder.

    Attributes
    ----------
    base : array, float [n, d]
    queries : array, float [m, d]
        Of the queries' own clips.
    """

    base: np.ndarray
    queries: np.ndarray


@dataclass(frozen=True)
class RetrievalOutcome:
    """Clips that all methods retrieved, and their scores.

    Attributes
    ----------
    context : RetrievalStudyData
    results : mapping of RetrievalMethod to RetrievalResult
    query_audio : array, float [m, d]
        Raw audio embeddings of the queries by the training encoder.
    nearest_rows : array, int [m, NEIGHBOUR_COUNT]
        Rows of the base that are truly nearest by the training encoder.
    scores : mapping of (method name, audio encoder) to array, float [m]
        `SCORE` of each query, for all methods and for the true nearest clips.
    """

    context: RetrievalStudyData
    results: Mapping[RetrievalMethod, RetrievalResult]
    query_audio: np.ndarray
    nearest_rows: np.ndarray
    scores: Mapping[tuple[str, str], np.ndarray]

    @property
    def raw_embedding_method(self) -> RetrievalMethod:
        """The first method on raw code embeddings, with which the default method is compared."""
        return next(method for method in self.results if method.algorithm == RAW_EMBEDDINGS)

    @property
    def default_retrieval_method(self) -> RetrievalMethod:
        """Earshot's default method, whichever method has the best score.

        Without simulations of the corpus, it is kernel ridge, as in a search.
        """
        kernel_ridge_name = make_kernel_ridge_method(DEFAULT_CODE_ENCODER).name
        defaults = [method for method in self.results if method.is_default]
        return next(
            iter(
                defaults or [method for method in self.results if method.name == kernel_ridge_name]
            )
        )

    @property
    def default_method_rows(self) -> np.ndarray:
        """Rows of the base that the default method retrieved: int [m, NEIGHBOUR_COUNT]."""
        return self.results[self.default_retrieval_method].base_rows

    @property
    def eval_encoders(self) -> list[str]:
        """Ids of the audio encoders that measure; the first is the training encoder."""
        return list(dict.fromkeys(encoder for _, encoder in self.scores))

    def get_training_encoder_scores(self, method: RetrievalMethod) -> np.ndarray:
        """Return the scores of a method by the training encoder: float [m]."""
        return self.scores[method.name, self.context.audio_encoder]


def find_true_nearest_rows(audio: Mapping[str, AudioEmbeddings]) -> dict[str, np.ndarray]:
    """Return the clips that are truly nearest by each encoder, and by all of them together.

    Parameters
    ----------
    audio : mapping of encoder id to AudioEmbeddings

    Returns
    -------
    dict of str to array, int [m, NEIGHBOUR_COUNT]
        By the name that tables show.
    """
    nearest = {
        f"true nearest by {encoder}": find_k_nearest_rows(
            embeddings.queries, embeddings.base, NEIGHBOUR_COUNT
        )[0]
        for encoder, embeddings in audio.items()
    }
    if len(audio) > 1:
        consensus = compute_consensus_similarity(
            [
                (normalize_rows(embeddings.queries) @ normalize_rows(embeddings.base).T).numpy()
                for embeddings in audio.values()
            ]
        )
        nearest[CONSENSUS_NEAREST] = list_nearest_rows_per_query(consensus)
    return nearest


def score_retrieved_clips(
    context: RetrievalStudyData,
    results: Mapping[RetrievalMethod, RetrievalResult],
    audio: Mapping[str, AudioEmbeddings],
) -> RetrievalOutcome:
    """Score the retrieved clips by every audio encoder.

    Parameters
    ----------
    context : RetrievalStudyData
    results : mapping of RetrievalMethod to RetrievalResult
    audio : mapping of encoder id to AudioEmbeddings
        The training encoder first.
    """
    training_audio = audio[context.audio_encoder]
    nearest_rows = find_k_nearest_rows(
        training_audio.queries, training_audio.base, NEIGHBOUR_COUNT
    )[0]
    retrieved_rows = {method.name: result.base_rows for method, result in results.items()}
    # The score of the true nearest clips is 1 by the encoder that selects them; by another encoder
    # it is the best score to expect.
    retrieved_rows |= find_true_nearest_rows(audio)
    scores = {
        (name, encoder): normalized_similarity(rows, embeddings.queries, embeddings.base)
        for name, rows in retrieved_rows.items()
        for encoder, embeddings in audio.items()
    }
    return RetrievalOutcome(context, results, training_audio.queries, nearest_rows, scores)
