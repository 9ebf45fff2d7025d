"""Operations of Earshot for other programs: plain functions from a request to a typed result.

The HTTP API and the MCP server call these functions, so that both accept and return the same.
Importing this package loads no torch; the exports load their modules at the first access.

>>> from core.operations import PredictRequest, predict_programs
>>> result = predict_programs(PredictRequest(programs=["play 60"]))  # doctest: +SKIP
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.operations.candidate_ranking import rank_candidates
    from core.operations.corpus_and_job_listing import (
        get_program_clip_path,
        list_corpus_summaries,
        list_job_summaries,
    )
    from core.operations.operation_requests import (
        CompareRequest,
        ForecastRequest,
        PredictRequest,
        RankRequest,
        RenderRequest,
        SoundSearchRequest,
        SuggestRequest,
    )
    from core.operations.operation_results import (
        CompareResult,
        CorpusSummary,
        ForecastsResult,
        JobSummary,
        PredictResult,
        RankResult,
        RenderedClip,
        SoundSearchResult,
        SuggestResult,
    )
    from core.operations.program_comparison import compare_programs
    from core.operations.program_prediction import forecast_programs, predict_programs
    from core.operations.program_rendering import read_rendered_clip, render_program
    from core.operations.sound_file_search import find_programs_by_sound
    from core.operations.variant_suggestion import suggest_variants

__all__ = [
    "CompareRequest",
    "CompareResult",
    "CorpusSummary",
    "ForecastRequest",
    "ForecastsResult",
    "JobSummary",
    "PredictRequest",
    "PredictResult",
    "RankRequest",
    "RankResult",
    "RenderRequest",
    "RenderedClip",
    "SoundSearchRequest",
    "SoundSearchResult",
    "SuggestRequest",
    "SuggestResult",
    "compare_programs",
    "find_programs_by_sound",
    "forecast_programs",
    "get_program_clip_path",
    "list_corpus_summaries",
    "list_job_summaries",
    "predict_programs",
    "rank_candidates",
    "read_rendered_clip",
    "render_program",
    "suggest_variants",
]
_LAZY_EXPORTS = {
    "CompareRequest": "operation_requests",
    "CompareResult": "operation_results",
    "CorpusSummary": "operation_results",
    "ForecastRequest": "operation_requests",
    "ForecastsResult": "operation_results",
    "JobSummary": "operation_results",
    "PredictRequest": "operation_requests",
    "PredictResult": "operation_results",
    "RankRequest": "operation_requests",
    "RankResult": "operation_results",
    "RenderRequest": "operation_requests",
    "RenderedClip": "operation_results",
    "SoundSearchRequest": "operation_requests",
    "SoundSearchResult": "operation_results",
    "SuggestRequest": "operation_requests",
    "SuggestResult": "operation_results",
    "compare_programs": "program_comparison",
    "find_programs_by_sound": "sound_file_search",
    "forecast_programs": "program_prediction",
    "get_program_clip_path": "corpus_and_job_listing",
    "list_corpus_summaries": "corpus_and_job_listing",
    "list_job_summaries": "corpus_and_job_listing",
    "predict_programs": "program_prediction",
    "rank_candidates": "candidate_ranking",
    "read_rendered_clip": "program_rendering",
    "render_program": "program_rendering",
    "suggest_variants": "variant_suggestion",
}

if not TYPE_CHECKING:  # A type checker would accept any name from a module's __getattr__.

    def __getattr__(name: str) -> Any:
        if name not in _LAZY_EXPORTS:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{__name__}.{_LAZY_EXPORTS[name]}"), name)
