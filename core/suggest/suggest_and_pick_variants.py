"""Suggestions: candidates of a program, and the few that are picked by their predicted sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from core.blas_thread_limit import limit_blas_to_one_thread
from core.encoders.aspect_vectors import ASPECTS
from core.encoders.static_analysis_encoder import reuse_program_embeddings
from core.errors import EarshotError
from core.search.aspect_similarity import get_aspect_index
from core.search.clip_property_forecast import Forecast, predict_forecast
from core.search.nearest_neighbour_queries import find_neighbours
from core.search.search_confidence import estimate_confidence
from core.search.silent_snippet_check import SilentSnippetError, interpret_audible_snippet
from core.sonicpi.interpreter import ProgramReading
from core.sonicpi.interpreter.program_interpretation import STATUS_SYNTAX, reuse_program_readings
from core.suggest.candidate_picking import (
    DEFAULT_RELEVANCE_WEIGHT,
    pick_by_marginal_distance,
    pick_by_marginal_relevance,
    pick_medoids,
)
from core.suggest.candidate_prediction import (
    DUPLICATE_DISTANCE,
    PredictedCandidates,
    drop_repeated_candidates,
    get_forecast_features,
    join_predicted_candidates,
    predict_candidates,
)
from core.suggest.candidates import Candidate, CandidateOptions, iterate_candidates
from core.suggest.changed_source_ranges import locate_inserted_ranges, locate_replaced_ranges
from core.suggest.incremental_variant_interpretation import pause_garbage_collection
from core.suggest.picks_and_dropped_candidate_counts import DroppedCandidates, Pick
from core.suggest.predicted_sound_distances import can_predict_sounds, predict_sounds
from core.suggest.program_literals_calls_and_blocks import ProgramOutline, build_program_outline
from core.suggest.sound_target import SoundTarget
from core.suggest.target_relevance import compute_target_relevance

if TYPE_CHECKING:
    from core.search.aligned_corpus import AlignedCorpus

PICKING_MODES = ("diverse", "cover", "toward", "away")
NEIGHBOUR_COUNT = 5
MAX_CANDIDATES = 5000
MAX_PICKS = 100
SHORTLIST_SIZE = 24
"""Candidates whose sound is simulated before the picks are made of them."""


@dataclass(frozen=True)
class SuggestOptions:
    """How many candidates are made, and how some of them are picked.

    Attributes
    ----------
    candidate_count : int
        1 to 5,000.
    pick_count : int
        1 to 100.
    mode : {"diverse", "cover", "toward", "away"}
        ``diverse`` picks candidates that differ most from the program and from each other,
        ``cover`` those that represent all candidates, ``toward`` those nearest to the target,
        ``away`` those farthest from the program.
    target : SoundTarget, optional
        Of the mode ``toward``.
    aspect : {"timbre", "rhythm", "pitch", "level"}, optional
        Pick by this aspect alone, in the modes ``diverse``, ``toward`` and ``away``.
    candidates : CandidateOptions

    Raises
    ------
    EarshotError
        When a number or the mode is invalid, or the target is missing.
    """

    candidate_count: int = 200
    pick_count: int = 6
    mode: str = "diverse"
    target: SoundTarget | None = None
    candidates: CandidateOptions = field(default_factory=CandidateOptions)
    aspect: str | None = None

    def __post_init__(self) -> None:
        _validate_count("candidates", self.candidate_count, MAX_CANDIDATES)
        _validate_count("picks", self.pick_count, MAX_PICKS)
        if self.mode not in PICKING_MODES:
            raise EarshotError(
                f"There is no mode {self.mode!r}.",
                remedy=f"Use one of: {', '.join(PICKING_MODES)}.",
            )
        if (self.mode == "toward") != (self.target is not None):
            raise EarshotError(
                "The mode toward needs a target, and no other mode has one.",
                remedy="Name a clip or words such as darker.",
            )
        if self.aspect is not None:
            self._validate_aspect()

    def _validate_aspect(self) -> None:
        if self.aspect not in ASPECTS:
            raise EarshotError(
                f"There is no aspect {self.aspect!r}.", remedy=f"Use one of: {', '.join(ASPECTS)}."
            )
        if self.mode == "cover":
            raise EarshotError(
                "The mode cover picks by the whole sound.",
                remedy="Pick diverse, toward or away by an aspect.",
            )
        if self.target is not None and self.target.vector is None:
            raise EarshotError(
                "Words name properties of their own, so an aspect cannot be chosen too.",
                remedy="Leave the aspect out, or name a clip.",
            )


@dataclass(frozen=True, eq=False)
class SuggestionResult:
    """All candidates of a program, and the picks.

    Attributes
    ----------
    predicted : PredictedCandidates
    picked_rows : list of int
        Rows of the candidates, in the order of the picks.
    picks : list of Pick
    dropped : DroppedCandidates
    """

    predicted: PredictedCandidates
    picked_rows: list[int]
    picks: list[Pick]
    dropped: DroppedCandidates


def suggest(
    aligned_corpus: AlignedCorpus, source: str, options: SuggestOptions | None = None
) -> list[Pick]:
    """Suggest variants of a program that differ in their predicted sound, without rendering any.

    Parameters
    ----------
    aligned_corpus : AlignedCorpus
    source : str
        Sonic Pi code. It is neither run nor rendered.
    options : SuggestOptions, optional

    Returns
    -------
    list of Pick
        Best first. Fewer than asked for when the program has fewer variants.

    Raises
    ------
    SilentSnippetError
        When the program does not parse, or nothing in it would sound.
    EarshotError
        When the code encoder is missing, or words are the target and the corpus has no forecast.

    Examples
    --------
    >>> from core.corpus import Corpus
    >>> from core.search import open_aligned_corpus
    >>> aligned_corpus = open_aligned_corpus(Corpus.open("starter"))
    >>> options = SuggestOptions(candidate_count=30, pick_count=2)
    >>> picks = suggest(aligned_corpus, "use_synth :saw; play 60, cutoff: 90", options)
    >>> [pick.rank for pick in picks]
    [1, 2]
    """
    return suggest_and_return_all_candidates(aligned_corpus, source, options).picks


def suggest_and_return_all_candidates(
    aligned_corpus: AlignedCorpus,
    source: str,
    options: SuggestOptions | None = None,
    written_candidates: Sequence[Candidate] = (),
) -> SuggestionResult:
    """Suggest as `suggest` does, and return all candidates beside the picks.

    Parameters
    ----------
    aligned_corpus : AlignedCorpus
    source : str
    options : SuggestOptions, optional
    written_candidates : sequence of Candidate
        Candidates of a language model, which compete with the edits. Those that do not parse, make
        no sound or repeat another are counted in the result.
    """
    options = options or SuggestOptions()
    outline = build_outline_of_audible_program(source)
    with pause_garbage_collection(), limit_blas_to_one_thread():
        return _suggest_variants_of_parsed_program(
            aligned_corpus, outline, options, written_candidates
        )


def _suggest_variants_of_parsed_program(
    aligned_corpus: AlignedCorpus,
    outline: ProgramOutline,
    options: SuggestOptions,
    written_candidates: Sequence[Candidate],
) -> SuggestionResult:
    predicted = predict_candidates(
        aligned_corpus,
        outline,
        iterate_candidates(outline, options.candidates),
        options.candidate_count,
    )
    dropped = DroppedCandidates()
    if written_candidates:
        written = predict_candidates(
            aligned_corpus, outline, written_candidates, len(written_candidates)
        )
        distinct, repeated_count = drop_repeated_candidates(written)
        dropped = DroppedCandidates(written.unparsable_count, written.silent_count, repeated_count)
        predicted = join_predicted_candidates(distinct, predicted)
    rows = pick_best_candidate_rows(aligned_corpus, predicted, options)
    with (
        reuse_program_readings(predicted.readings),
        reuse_program_embeddings(predicted.symbolic_embeddings),
    ):
        forecasts = _forecast_picks(aligned_corpus, predicted, rows)
        picks = [
            _build_pick_description(aligned_corpus, predicted, row, rank, forecast)
            for rank, (row, forecast) in enumerate(zip(rows, forecasts), 1)
        ]
    return SuggestionResult(predicted, rows, picks, dropped)


def build_outline_of_audible_program(source: str) -> ProgramOutline:
    """Outline a program that parses and sounds.

    Raises
    ------
    SilentSnippetError
        When it does not parse, or nothing in it would sound.
    """
    reading = interpret_audible_snippet(source)
    outline = None if reading.has_syntax_error else build_program_outline(source)
    if outline is None:
        message = reading.message.split("; predicted")[0] or "The code could not be read"
        raise SilentSnippetError(
            ProgramReading([], STATUS_SYNTAX, reading.line, f"{message}.".replace("..", "."))
        )
    return outline


def pick_best_candidate_rows(
    aligned_corpus: AlignedCorpus, predicted: PredictedCandidates, options: SuggestOptions
) -> list[int]:
    """Return the rows of the picks, best first.

    Candidates that are predicted to sound like the program, or like a pick, are left out while
    there are others.
    """
    vectors, k = predicted.vectors, options.pick_count
    if not len(vectors):
        return []
    if options.mode == "cover":
        return pick_medoids(vectors, k)
    if options.mode == "toward":
        assert options.target is not None
        relevance = compute_target_relevance(
            aligned_corpus, predicted, options.target, options.aspect
        )
        return _rank_distinct_rows_by_relevance(vectors, relevance, k)
    if options.aspect is not None:
        get_aspect_index(aligned_corpus)  # Raises an error that says how to measure clips.
    weight = DEFAULT_RELEVANCE_WEIGHT if options.mode == "away" else 0.0
    # An aspect may differ where the whole sound does not, so all candidates are simulated for it.
    count = len(vectors) if options.aspect else max(SHORTLIST_SIZE, 2 * k)
    shortlist = _pick_by_predicted_vectors_alone(predicted, count, weight)
    if not can_predict_sounds(aligned_corpus):
        return shortlist[:k]
    sounds = predict_sounds(aligned_corpus, predicted, shortlist)
    distances = sounds.compute_pairwise_sound_distances(options.aspect)
    return [shortlist[row - 1] for row in pick_by_marginal_distance(distances, k, weight)]


def _pick_by_predicted_vectors_alone(
    predicted: PredictedCandidates, count: int, weight: float
) -> list[int]:
    """Return candidates by their vectors in the shared space alone."""
    if weight:
        return pick_by_marginal_relevance(
            predicted.vectors, count, predicted.candidate_distances_from_program, weight
        )
    return pick_by_marginal_relevance(
        predicted.vectors, count, known_vectors=predicted.current_vector[None]
    )


def _rank_distinct_rows_by_relevance(
    vectors: np.ndarray, relevance: np.ndarray, k: int
) -> list[int]:
    """Return the most relevant rows, without those that sound like one before them."""
    order = np.argsort(-relevance, kind="stable")
    rows: list[int] = []
    repeated: list[int] = []
    for row in order.tolist():
        is_repeated = any(1 - vectors[row] @ vectors[other] < DUPLICATE_DISTANCE for other in rows)
        (repeated if is_repeated else rows).append(row)
        if len(rows) == k:
            break
    return (rows + repeated)[:k]


def _forecast_picks(
    aligned_corpus: AlignedCorpus, predicted: PredictedCandidates, rows: Sequence[int]
) -> list[Forecast | None]:
    model = aligned_corpus.forecast_model
    if model is None or not rows:
        return [None] * len(rows)
    features = get_forecast_features(predicted, rows)
    return [predict_forecast(model, row[None]) for row in features]


def _build_pick_description(
    aligned_corpus: AlignedCorpus,
    predicted: PredictedCandidates,
    row: int,
    rank: int,
    forecast: Forecast | None,
) -> Pick:
    candidate: Candidate = predicted.candidates[row]
    neighbours = find_neighbours(aligned_corpus, candidate.source, NEIGHBOUR_COUNT)
    return Pick(
        rank,
        candidate.kind,
        candidate.change,
        candidate.source,
        forecast,
        float(predicted.candidate_distances_from_program[row]),
        estimate_confidence(aligned_corpus, candidate.source, neighbours),
        neighbours,
        locate_replaced_ranges(predicted.current_source, candidate.replacements),
        locate_inserted_ranges(candidate.source, candidate.replacements),
    )


def _validate_count(noun: str, count: int, maximum: int) -> None:
    if not 1 <= count <= maximum:
        raise EarshotError(
            f"{count} {noun} were asked for.", remedy=f"Ask for 1 to {maximum:,} {noun}."
        )
