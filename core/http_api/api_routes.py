"""Routes of the HTTP API: one per operation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse

from core import operations
from core.http_api.operation_executor import OperationExecutor
from core.http_api.problem_details import PROBLEM_MEDIA_TYPE, ProblemDetails
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

_PROBLEM = {"model": ProblemDetails, "content": {PROBLEM_MEDIA_TYPE: {}}}
_PROBLEM_DESCRIPTIONS = {
    400: "The body is not JSON.",
    401: "The token is missing or wrong.",
    403: "The workspace is read-only, or a page of another site asks.",
    404: "There is no such corpus or clip.",
    413: "The request is too large.",
    422: "A field is not valid, or the program cannot be rendered.",
    503: "Too many requests are waiting, or the machine has failed.",
    504: "The answer takes too long.",
}
PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {**_PROBLEM, "description": description}
    for status, description in _PROBLEM_DESCRIPTIONS.items()
}
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_CLIP_MEDIA_TYPES = ("audio/flac", "audio/wav", "audio/ogg")
_CLIP_RESPONSE = {"description": "The clip.", "content": dict.fromkeys(_CLIP_MEDIA_TYPES, _BINARY)}
_SOUND_BODY = {
    "requestBody": {
        "required": True,
        "description": "Content of a FLAC, WAV, Ogg or MP3 file of at most 20 MB and 2 minutes.",
        "content": {"application/octet-stream": _BINARY},
    }
}
_CLIP_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


def build_api_router(executor: OperationExecutor) -> APIRouter:
    """Return the routes below ``/v1``; operations run in the executor."""
    router = APIRouter(prefix="/v1", responses=PROBLEM_RESPONSES)
    _add_prediction_and_suggestion_routes(router, executor)
    _add_render_search_and_clip_routes(router, executor)
    _add_corpus_and_job_list_routes(router, executor)
    return router


def _add_prediction_and_suggestion_routes(router: APIRouter, executor: OperationExecutor) -> None:
    @router.post("/predict", name="predict", tags=["programs"])
    async def predict_requested_programs(request: PredictRequest) -> PredictResult:
        """Predict the sound of programs: nearest clips, confidence and forecast."""
        return await executor.run_operation(operations.predict_programs, request)

    @router.post("/forecast", name="forecast", tags=["programs"])
    async def forecast_requested_programs(request: ForecastRequest) -> ForecastsResult:
        """Forecast loudness, onset rate, register and other properties, with intervals."""
        return await executor.run_operation(operations.forecast_programs, request)

    @router.post("/suggest", name="suggest", tags=["programs"])
    async def suggest_requested_variants(request: SuggestRequest) -> SuggestResult:
        """Suggest variants of a program that differ in their predicted sound.

        With render and a clip as target, the picks are run in the sandbox and ordered by their true
        sound.
        """
        return await executor.run_operation(operations.suggest_variants, request)

    @router.post("/rank", name="rank", tags=["programs"])
    async def rank_requested_candidates(request: RankRequest) -> RankResult:
        """Rank your own candidates, or pick a few, by their predicted sound."""
        return await executor.run_operation(operations.rank_candidates, request)

    @router.post("/compare", name="compare", tags=["programs"])
    async def compare_requested_programs(request: CompareRequest) -> CompareResult:
        """Compare the predicted sounds of two programs as a whole and by aspect."""
        return await executor.run_operation(operations.compare_programs, request)


def _add_render_search_and_clip_routes(router: APIRouter, executor: OperationExecutor) -> None:
    @router.post(
        "/render",
        name="render",
        tags=["sound"],
        response_model=RenderedClip,
        responses={200: _CLIP_RESPONSE},
    )
    async def render_requested_program(request: RenderRequest, http_request: Request) -> Response:
        """Render a program in the sandbox.

        The response is the clip. With the header Accept: application/json, it is the description
        of the clip, with the path of its file and warnings.
        """
        clip = await executor.run_operation(operations.render_program, request)
        if "application/json" in http_request.headers.get("accept", ""):
            return Response(clip.model_dump_json(), media_type="application/json")
        content = await executor.run_operation(operations.read_rendered_clip, clip)
        return Response(content, headers=_CLIP_HEADERS, media_type=clip.mime_type)

    @router.post("/search", name="search", tags=["sound"], openapi_extra=_SOUND_BODY)
    async def find_programs_by_uploaded_sound(
        request: Annotated[SoundSearchRequest, Query()], http_request: Request
    ) -> SoundSearchResult:
        """Find the programs that sound like a sound file, which is the body of the request."""
        audio = await http_request.body()
        return await executor.run_operation(operations.find_programs_by_sound, audio, request)

    @router.get(
        "/clips/{corpus}/{program}",
        name="clip",
        tags=["sound"],
        response_class=FileResponse,
        responses={200: _CLIP_RESPONSE},
    )
    async def serve_program_clip(corpus: str, program: str) -> FileResponse:
        """Return the clip of a program of a corpus."""
        path = await executor.run_operation(operations.get_program_clip_path, corpus, program)
        media_type = f"audio/{Path(path).suffix[1:]}"
        return FileResponse(path, media_type=media_type, headers=_CLIP_HEADERS)


def _add_corpus_and_job_list_routes(router: APIRouter, executor: OperationExecutor) -> None:
    @router.get("/corpora", name="corpora", tags=["workspace"])
    async def list_corpora_for_client() -> list[CorpusSummary]:
        """List the corpora with their encoders and alignments."""
        return await executor.run_operation(operations.list_corpus_summaries)

    @router.get("/jobs", name="jobs", tags=["workspace"])
    async def list_jobs_for_client() -> list[JobSummary]:
        """List the background jobs, newest first."""
        return await executor.run_operation(operations.list_job_summaries)
