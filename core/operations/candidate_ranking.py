"""Ranking of a caller's own candidates by their predicted sound."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.errors import EarshotError
from core.operations.corpus_opening import format_alignment_name, open_corpus_for_prediction
from core.operations.operation_requests import RankRequest
from core.operations.operation_results import (
    ProgramCheck,
    RankedCandidate,
    RankResult,
    RefusedCandidate,
)
from core.operations.search_result_conversion import (
    check_program_statically,
    check_whole_program_statically,
    convert_forecast_to_result,
)
from core.operations.sound_target_choice import choose_sound_target
from core.search.aligned_corpus import AlignedCorpus
from core.suggest.candidate_picking import (
    DEFAULT_RELEVANCE_WEIGHT,
    pick_by_marginal_relevance,
    pick_medoids,
)
from core.suggest.candidate_prediction import PredictedCandidates, embed_sources
from core.suggest.candidates import Candidate, SourceChange
from core.suggest.parallel_program_reading_and_simulation import (
    share_program_reading_and_simulation,
)
from core.suggest.sound_target import SoundTarget
from core.suggest.suggest_and_pick_variants import compute_target_relevance

_NO_CHANGE = SourceChange(1, "", "", "")


def rank_candidates(request: RankRequest) -> RankResult:
    """Rank programs by their predicted sound, or pick the few that suit a purpose.

    Parameters
    ----------
    request : RankRequest

    Returns
    -------
    RankResult
        Candidates that do not parse or make no sound are listed apart.

    Raises
    ------
    EarshotError
        When the corpus, alignment or target is missing, the program would not sound, the mode away
        has no program, or an encoder has another revision.

    Examples
    --------
    >>> from core.operations import RankRequest, rank_candidates
    >>> request = RankRequest(candidates=["play 90", "play 30", "puts 1"], mode="cover")
    >>> [refused.index for refused in rank_candidates(request).refused]
    [2]
    """
    aligned_corpus = open_corpus_for_prediction(request.corpus, request.alignment, "suggestion")
    target = choose_sound_target(aligned_corpus, request.mode, request.target)
    _raise_if_current_program_is_unpredictable(request)
    with share_program_reading_and_simulation(request.candidates):
        checks = [check_whole_program_statically(source) for source in request.candidates]
        indices = [index for index, check in enumerate(checks) if check.status == "ok"]
        ranking = _rank_audible_candidates(aligned_corpus, request, target, indices)
    return RankResult(
        corpus=aligned_corpus.corpus.name,
        alignment=format_alignment_name(aligned_corpus),
        ranking=ranking,
        refused=[
            RefusedCandidate(index=index, **check.model_dump())
            for index, check in enumerate(checks)
            if check.status != "ok"
        ],
    )


def _raise_if_current_program_is_unpredictable(request: RankRequest) -> None:
    """Raise an EarshotError if distances cannot be measured from the program of a request."""
    if request.program is None:
        if request.mode == "away":
            raise EarshotError(
                "The mode away needs a program.",
                where="program",
                remedy="Give the program that the candidates should differ from.",
            )
        return
    check: ProgramCheck = check_program_statically(request.program)
    if check.status != "ok":
        raise EarshotError(
            check.message, where="program", remedy="Leave it out, or give a program that sounds."
        )


def _rank_audible_candidates(
    aligned_corpus: AlignedCorpus,
    request: RankRequest,
    target: SoundTarget | None,
    indices: Sequence[int],
) -> list[RankedCandidate]:
    if not indices:
        return []
    sources = [request.candidates[index] for index in indices]
    predicted = _predict_candidate_sources(aligned_corpus, sources, request.program)
    relevance = None
    if target is not None:
        relevance = compute_target_relevance(aligned_corpus, predicted, target)
    distances = None
    if request.program is not None:
        distances = predicted.candidate_distances_from_program
    rows = _rank_candidate_rows(predicted, request, relevance, request.pick_count or len(sources))
    return [
        RankedCandidate(
            rank=rank,
            index=indices[row],
            code=sources[row],
            distance=None if distances is None else float(distances[row]),
            target_relevance=None if relevance is None else float(relevance[row]),
            forecast=convert_forecast_to_result(
                aligned_corpus.forecast_sound_properties(sources[row])
            ),
        )
        for rank, row in enumerate(rows, 1)
    ]


def _predict_candidate_sources(
    aligned_corpus: AlignedCorpus, sources: Sequence[str], program: str | None
) -> PredictedCandidates:
    """Predict candidates; without a program, the first one takes the program's place."""
    current = sources[0] if program is None else program
    embeddings = embed_sources(aligned_corpus, [current, *sources])
    vectors = aligned_corpus.project_code_embeddings(embeddings)
    return PredictedCandidates(
        candidates=[Candidate(source, "", _NO_CHANGE) for source in sources],
        code_embeddings=embeddings[1:],
        vectors=vectors[1:],
        current_source=current,
        current_embedding=embeddings[:1],
        current_vector=vectors[0],
        readings={},
    )


def _rank_candidate_rows(
    predicted: PredictedCandidates, request: RankRequest, relevance: np.ndarray | None, k: int
) -> list[int]:
    """Return up to k rows, best first."""
    vectors = predicted.vectors
    if request.mode == "cover":
        return pick_medoids(vectors, k)
    if relevance is not None:
        order: list[int] = np.argsort(-relevance, kind="stable").tolist()
        return order[:k]
    if request.mode == "away":
        distances = predicted.candidate_distances_from_program
        return pick_by_marginal_relevance(vectors, k, distances, DEFAULT_RELEVANCE_WEIGHT)
    current = None if request.program is None else predicted.current_vector[None]
    return pick_by_marginal_relevance(vectors, k, known_vectors=current)
