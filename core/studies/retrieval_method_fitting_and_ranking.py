"""Retriever: fits a retrieval method, ranks base clips for all queries and measures its time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from statistics import median

import numpy as np
import torch

from core import encoders
from core.alignment import AlignmentConfig, ProjectionHeads, TrainingPairs, ValidationPairs
from core.alignment import train as train_heads
from core.alignment.projection_heads import project_embeddings
from core.alignment.sound_property_regression_with_intervals import select_evenly_spaced_rows
from core.evaluation.array_validation_and_normalization import COSINE_STEPS_PER_UNIT
from core.evaluation.nearest_neighbours import find_k_nearest_rows
from core.evaluation.text_retrieval_baselines import (
    SHORTLIST_SIZE,
    compute_identifier_tfidf,
    find_nearest_programs_by_edit_distance,
)
from core.search.simulation_columns import count_simulation_columns
from core.studies.process_cpu_time import measure_cpu_seconds
from core.studies.retrieval_method_definitions import (
    BAG_OF_WORDS,
    EDIT_DISTANCE,
    PROJECTION_HEADS,
    RAW_EMBEDDINGS,
    ZERO_SHOT,
    RetrievalMethod,
)
from core.studies.retrieval_study_data import QueryScorer, RetrievalStudyData, make_cosine_scorer
from core.studies.zero_shot_retrieval_methods import fit_zero_shot_scorer

NEIGHBOUR_COUNT = 5
TIMED_QUERY_COUNT = 12

ScorerFitter = Callable[[RetrievalMethod, RetrievalStudyData], QueryScorer]


@dataclass(frozen=True)
class RetrievalResult:
    """Clips that a method retrieved for each query.

    Attributes
    ----------
    base_rows : array, int [m, NEIGHBOUR_COUNT]
        Rows of the base, nearest first.
    similarities : array, float [m, NEIGHBOUR_COUNT]
        As the method measures them.
    fit_seconds : float
        Processor time of fitting, with programs that are rewritten or rendered for it, but
        without the embedding of the corpus.
    query_ms : float
        Median time from a program to its neighbours, with its embedding.
    """

    base_rows: np.ndarray
    similarities: np.ndarray
    fit_seconds: float
    query_ms: float


class Retriever:
    """Retrieves clips by any method; a scorer that two methods share is fitted once.

    Parameters
    ----------
    context : RetrievalStudyData
    """

    def __init__(self, context: RetrievalStudyData):
        self.context = context
        self._fitted_scorers: dict[RetrievalMethod, tuple[QueryScorer, float]] = {}
        self._embedding_ms: dict[str, float] = {}

    @property
    def scorer_fitters(self) -> Mapping[str, ScorerFitter]:
        """Functions that fit a scorer, by algorithm."""
        return SCORER_FITTERS

    def fit_and_retrieve_clips(self, method: RetrievalMethod) -> RetrievalResult:
        """Fit a method and retrieve the nearest clips of every query."""
        scorer, fit_seconds = self._get_fitted_scorer(method)
        similarities = self.score_base_clips(method)
        base_rows = list_nearest_rows_per_query(similarities)

        def retrieve_clips_of_query(row: int) -> None:
            list_nearest_rows_per_query(scorer(np.array([row])))

        ranking_ms = _measure_median_task_ms(retrieve_clips_of_query, self._select_timed_queries())
        embedding_ms = sum(
            self._measure_embedding_ms(encoder_id)
            for encoder_id in sorted(method.list_required_query_encoders())
        )
        return RetrievalResult(
            base_rows,
            np.take_along_axis(similarities, base_rows, axis=1),
            fit_seconds,
            embedding_ms + ranking_ms,
        )

    def score_base_clips(self, method: RetrievalMethod) -> np.ndarray:
        """Return the similarity of every query and clip of the base: float [m, n]."""
        scorer, _ = self._get_fitted_scorer(method)
        return scorer(np.arange(len(self.context.query_set.queries)))

    def _get_fitted_scorer(self, method: RetrievalMethod) -> tuple[QueryScorer, float]:
        """Return a method's scorer and the processor seconds of fitting it."""
        key = replace(method, name="", is_default=False)
        if key not in self._fitted_scorers:
            self._fitted_scorers[key] = self._fit_scorer(method)
        return self._fitted_scorers[key]

    def _fit_scorer(self, method: RetrievalMethod) -> tuple[QueryScorer, float]:
        if method.code_encoder and method.algorithm != ZERO_SHOT:
            # Reading embeddings from the corpus is not part of the time of fitting.
            self.context.get_base_and_query_code_embeddings(method.code_encoder)
        started = measure_cpu_seconds()
        scorer = self.scorer_fitters[method.algorithm](method, self.context)
        return scorer, measure_cpu_seconds() - started

    def _select_timed_queries(self) -> np.ndarray:
        return select_evenly_spaced_rows(len(self.context.query_set.queries), TIMED_QUERY_COUNT)

    def _measure_embedding_ms(self, encoder_id: str) -> float:
        """Return the median time of embedding a query, without loading the encoder."""
        if encoder_id not in self._embedding_ms:
            encoder = encoders.get_encoder(encoder_id)
            sources = self.context.query_set.queries["source"].to_numpy()
            encoder.embed([sources[0]])

            def embed_query_for_timing(row: int) -> None:
                encoder.embed([sources[row]])

            self._embedding_ms[encoder_id] = _measure_median_task_ms(
                embed_query_for_timing, self._select_timed_queries()
            )
        return self._embedding_ms[encoder_id]


def list_nearest_rows_per_query(similarities: np.ndarray) -> np.ndarray:
    """Return the columns of the largest values per row of [m, n]: int [m, NEIGHBOUR_COUNT].

    Equal values are ordered by column. The rounding is that of
    `core.evaluation.nearest_neighbours.find_k_nearest_rows`.
    """
    steps = np.round(similarities * COSINE_STEPS_PER_UNIT)
    return np.argsort(-steps, axis=1, kind="stable")[:, :NEIGHBOUR_COUNT]


def _measure_median_task_ms(task: Callable[[int], None], query_rows: np.ndarray) -> float:
    durations = []
    for row in query_rows:
        started = time.perf_counter()
        task(row)
        durations.append(1000 * (time.perf_counter() - started))
    return median(durations)


def _fit_bag_of_words_scorer(_method: RetrievalMethod, context: RetrievalStudyData) -> QueryScorer:
    base_vectors, query_vectors = _compute_program_tfidf(context)
    return make_cosine_scorer(lambda rows: query_vectors[rows], base_vectors)


def _fit_edit_distance_scorer(_method: RetrievalMethod, context: RetrievalStudyData) -> QueryScorer:
    base_sources, query_sources = context.query_set.list_base_and_query_sources()
    base_vectors, query_vectors = _compute_program_tfidf(context)

    def score_queries(query_rows: np.ndarray) -> np.ndarray:
        """Score by rank, among the programs that share most identifiers with the query."""
        shortlist = find_k_nearest_rows(query_vectors[query_rows], base_vectors, SHORTLIST_SIZE)[0]
        sources = [query_sources[row] for row in query_rows]
        ranked_rows = find_nearest_programs_by_edit_distance(
            base_sources, sources, NEIGHBOUR_COUNT, shortlist
        )
        scores = np.zeros((len(query_rows), len(base_sources)))
        rank_scores = 1 - np.arange(ranked_rows.shape[1]) / NEIGHBOUR_COUNT
        np.put_along_axis(scores, ranked_rows, rank_scores, axis=1)
        return scores

    return score_queries


def _compute_program_tfidf(context: RetrievalStudyData) -> tuple[np.ndarray, np.ndarray]:
    base_sources, query_sources = context.query_set.list_base_and_query_sources()
    return compute_identifier_tfidf(base_sources, query_sources)


def _fit_raw_embedding_scorer(method: RetrievalMethod, context: RetrievalStudyData) -> QueryScorer:
    base_code, query_code = context.get_base_and_query_code_embeddings(method.code_encoder)
    return make_cosine_scorer(lambda rows: query_code[rows], np.nan_to_num(base_code))


def _fit_projection_heads_scorer(
    method: RetrievalMethod, context: RetrievalStudyData
) -> QueryScorer:
    base_code, query_code = context.get_base_and_query_code_embeddings(method.code_encoder)
    is_embedded = ~np.isnan(base_code).any(axis=1)
    training, validation = (
        is_embedded & ~context.validation_program_mask,
        is_embedded & context.validation_program_mask,
    )
    training_pairs = TrainingPairs(
        torch.tensor(base_code[training]),
        torch.tensor(context.base_audio[training]),
        groups=context.query_set.base["template"].to_numpy(dtype=str)[training],
        simulation_dim=count_simulation_columns(method.code_encoder),
    )
    validation_pairs = ValidationPairs(
        torch.tensor(base_code[validation]), torch.tensor(context.base_audio[validation])
    )
    config = get_config_with_study_seed(method, context)
    heads = train_heads(training_pairs, validation_pairs, config).heads
    return make_heads_scorer(heads, query_code, context)


def get_config_with_study_seed(
    method: RetrievalMethod, context: RetrievalStudyData
) -> AlignmentConfig:
    """Return a method's alignment config with the seed of the study."""
    return replace(method.get_alignment_config(), seed=context.seed)


def make_heads_scorer(
    heads: ProjectionHeads, query_code: np.ndarray, context: RetrievalStudyData
) -> QueryScorer:
    """Return a scorer that compares projected queries with projected base clips."""
    base_audio = project_embeddings(heads, context.base_audio, "audio")
    return make_cosine_scorer(
        lambda rows: project_embeddings(heads, query_code[rows], "code"), base_audio
    )


SCORER_FITTERS: dict[str, ScorerFitter] = {
    BAG_OF_WORDS: _fit_bag_of_words_scorer,
    EDIT_DISTANCE: _fit_edit_distance_scorer,
    RAW_EMBEDDINGS: _fit_raw_embedding_scorer,
    PROJECTION_HEADS: _fit_projection_heads_scorer,
    ZERO_SHOT: fit_zero_shot_scorer,
}
