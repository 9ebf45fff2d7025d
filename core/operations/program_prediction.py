"""Prediction and forecast of programs."""

from __future__ import annotations

from collections.abc import Sequence

from core.errors import EarshotError
from core.operations.corpus_opening import (
    format_alignment_name,
    open_corpora_for_prediction,
    open_corpus_for_prediction,
)
from core.operations.operation_requests import ForecastRequest, PredictRequest
from core.operations.operation_results import (
    ForecastsResult,
    Prediction,
    PredictResult,
    ProgramForecast,
)
from core.operations.search_result_conversion import (
    check_program_statically,
    convert_aspect_neighbours_to_results,
    convert_confidence_to_result,
    forecast_checked_program,
)
from core.search.aligned_corpus import AlignedCorpus
from core.search.aspect_queries import add_aspect_matches, find_neighbours_by_aspects
from core.search.multi_corpus_search import find_neighbours_in_corpora
from core.search.search_confidence import estimate_confidence
from core.suggest.parallel_program_reading_and_simulation import (
    share_program_reading_and_simulation,
)


def predict_programs(request: PredictRequest) -> PredictResult:
    """Predict the sound of programs: the nearest clips, their confidence and a forecast.

    Parameters
    ----------
    request : PredictRequest

    Returns
    -------
    PredictResult
        A program that would not sound has a status other than ok, and no neighbours.

    Raises
    ------
    EarshotError
        When a corpus or alignment is missing, or an encoder has another revision.

    Examples
    --------
    >>> from core.operations import PredictRequest, predict_programs
    >>> result = predict_programs(PredictRequest(programs=["play 60", "puts 1"]))
    >>> [prediction.status for prediction in result.predictions]
    ['ok', 'no_sound']
    """
    if request.aspect_weights is not None and not any(request.aspect_weights.values()):
        raise EarshotError(
            "All weights are 0.", where="aspect_weights", remedy="Give at least one a weight."
        )
    aligned_corpora = open_corpora_for_prediction(request.corpora, request.alignment)
    seconds = float(aligned_corpora[0].corpus.settings["seconds"])
    with share_program_reading_and_simulation(request.programs, seconds):
        predictions = [
            _predict_program(aligned_corpora, source, request) for source in request.programs
        ]
    return PredictResult(
        corpora=[corpus.corpus.name for corpus in aligned_corpora],
        alignment=format_alignment_name(aligned_corpora[0]),
        predictions=predictions,
    )


def _predict_program(
    aligned_corpora: Sequence[AlignedCorpus], source: str, request: PredictRequest
) -> Prediction:
    check = check_program_statically(source)
    fields = check.model_dump()
    if check.status != "ok":
        return Prediction(**fields, neighbours=[], confidence=None, forecast=None)
    count = request.neighbour_count
    nearest = find_neighbours_in_corpora(aligned_corpora, source, count)
    if request.aspect_weights:
        weights = {str(name): weight for name, weight in request.aspect_weights.items()}
        aspect_neighbours = find_neighbours_by_aspects(aligned_corpora, source, weights, count)
    else:
        aspect_neighbours = add_aspect_matches(aligned_corpora, source, nearest)
    forecast = None
    if request.with_forecast:
        forecast = forecast_checked_program(aligned_corpora[0], source, check)
    return Prediction(
        **fields,
        neighbours=convert_aspect_neighbours_to_results(aspect_neighbours),
        confidence=convert_confidence_to_result(
            estimate_confidence(aligned_corpora, source, nearest)
        ),
        forecast=forecast,
    )


def forecast_programs(request: ForecastRequest) -> ForecastsResult:
    """Forecast loudness, onset rate, register and other properties of programs.

    Parameters
    ----------
    request : ForecastRequest

    Raises
    ------
    EarshotError
        As `predict_programs`.
    """
    aligned_corpus = open_corpus_for_prediction(request.corpus, request.alignment)
    with share_program_reading_and_simulation(request.programs):
        forecasts = [check_and_forecast(aligned_corpus, source) for source in request.programs]
    return ForecastsResult(
        corpus=aligned_corpus.corpus.name,
        alignment=format_alignment_name(aligned_corpus),
        forecasts=forecasts,
    )


def check_and_forecast(aligned_corpus: AlignedCorpus, source: str) -> ProgramForecast:
    """Check whether a program would sound, and forecast it if so."""
    check = check_program_statically(source)
    return ProgramForecast(
        **check.model_dump(), forecast=forecast_checked_program(aligned_corpus, source, check)
    )
