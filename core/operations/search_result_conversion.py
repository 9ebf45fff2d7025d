"""Conversion of objects of `core.search` to results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from core.corpus import try_to_fetch_clip_files
from core.operations.operation_results import (
    ConfidenceResult,
    ForecastResult,
    NeighbourResult,
    ProgramCheck,
    PropertyResult,
)
from core.search.aligned_corpus import AlignedCorpus
from core.search.aspect_queries import AspectNeighbour
from core.search.clip_property_forecast import Forecast
from core.search.nearest_neighbour_queries import Neighbour
from core.search.search_confidence import Confidence
from core.search.silent_snippet_check import SilentSnippetError, interpret_audible_snippet
from core.sonicpi.interpreter.program_interpretation import PARTIAL_READING_NOTE


def check_program_statically(source: str) -> ProgramCheck:
    """Read a program statically and return whether it would sound."""
    try:
        reading = interpret_audible_snippet(source)
    except SilentSnippetError as error:
        return ProgramCheck.model_validate(error.to_dict())
    return ProgramCheck(status="ok", line=reading.line, message=reading.message)


def check_whole_program_statically(source: str) -> ProgramCheck:
    """Read a program as `check_program_statically` does, and refuse one with any syntax error.

    A snippet that is being typed is predicted from the part before an error. A program that is
    offered to a user has to run.
    """
    check = check_program_statically(source)
    if check.status != "ok" or not interpret_audible_snippet(source).has_syntax_error:
        return check
    message = check.message.replace(PARTIAL_READING_NOTE, "")
    return ProgramCheck(status="syntax", line=check.line, message=message)


def convert_confidence_to_result(confidence: Confidence | None) -> ConfidenceResult | None:
    """Convert a confidence; None stays None."""
    if confidence is None:
        return None
    return ConfidenceResult(
        probability=confidence.probability,
        level=confidence.level,  # type: ignore[arg-type]  # its documented values
        calibration_program_count=confidence.calibration_program_count,
    )


def convert_forecast_to_result(forecast: Forecast | None) -> ForecastResult | None:
    """Convert a forecast; None stays None."""
    if forecast is None:
        return None
    return ForecastResult(
        words=forecast.words,
        coverage=forecast.coverage,
        calibration_program_count=forecast.calibration_program_count,
        properties={
            item.name: PropertyResult(
                value=item.value, low=item.low, high=item.high, unit=item.unit
            )
            for item in forecast.properties
        },
    )


def convert_neighbour_to_result(neighbour: Neighbour, match_words: str = "") -> NeighbourResult:
    """Convert a neighbour."""
    fields: dict[str, Any] = asdict(neighbour)
    return NeighbourResult(
        rank=fields["rank"],
        similarity=fields["similarity"],
        corpus=fields["corpus_name"],
        program=fields["program_id"],
        name=fields["name"],
        template=fields["template"] or "",
        code=fields["source"],
        clip_path=fields["audio_path"],
        match=match_words,
    )


def convert_aspect_neighbours_to_results(
    neighbours: Sequence[AspectNeighbour],
) -> list[NeighbourResult]:
    """Convert neighbours with their matches by aspect, and fetch their clips."""
    try_to_fetch_clip_files(item.neighbour.audio_path for item in neighbours)
    return [
        convert_neighbour_to_result(item.neighbour, item.match.words if item.match else "")
        for item in neighbours
    ]


def forecast_checked_program(
    aligned_corpus: AlignedCorpus, source: str, check: ProgramCheck
) -> ForecastResult | None:
    """Forecast a program, unless it would not sound."""
    if check.status != "ok":
        return None
    return convert_forecast_to_result(aligned_corpus.forecast_sound_properties(source))
