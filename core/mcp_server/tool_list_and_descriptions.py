"""The tools of the server, and what an assistant reads about them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import anyio
from mcp.server.mcpserver.tools import Tool
from mcp_types import AudioContent
from pydantic import BaseModel, Field

from core.mcp_server.operation_tools import OperationTool
from core.mcp_server.sound_file_access import read_sound_file
from core.operations import (
    CompareRequest,
    CompareResult,
    ForecastRequest,
    ForecastsResult,
    PredictRequest,
    PredictResult,
    RankRequest,
    RankResult,
    RenderedClip,
    RenderRequest,
    SoundSearchRequest,
    SoundSearchResult,
    SuggestRequest,
    SuggestResult,
    compare_programs,
    find_programs_by_sound,
    forecast_programs,
    predict_programs,
    rank_candidates,
    read_rendered_clip,
    render_program,
    suggest_variants,
)
from core.operations.sonic_pi_reference import (
    ReferenceRequest,
    ReferenceResult,
    look_up_sonic_pi_names,
)

MAX_PATH_CHARS = 4096
RENDER_TOOL = "render"


class SoundFileRequest(SoundSearchRequest):
    """A sound file, and the corpora in which the programs nearest to it are searched."""

    path: str = Field(
        min_length=1,
        max_length=MAX_PATH_CHARS,
        description="Absolute path of a FLAC, WAV, Ogg or MP3 file of at most 20 MB and 2 minutes:"
        " a clip_path of a neighbour, the path of a rendering, or a file in a folder that the user"
        " allowed.",
    )


def build_tools(folders: Sequence[Path] = ()) -> list[Tool]:
    """Return the tools of the server.

    Parameters
    ----------
    folders : sequence of Path
        Folders whose sound files find_by_sound may read, besides those of the workspace.
    """
    lock, render_lock = anyio.Lock(), anyio.Lock()
    # Rendering takes seconds; a lock of its own keeps the other tools fast.
    tools = [
        tool.build_sdk_tool(lock, render_lock=render_lock)
        for tool in (*_list_prediction_tools(), _REFERENCE_TOOL)
    ]
    find_by_sound: OperationTool[SoundFileRequest] = OperationTool(
        "find_by_sound",
        "Find programs by sound",
        "Find the programs of a corpus whose clips sound most like a sound file.",
        request_type=SoundFileRequest,
        result_type=SoundSearchResult,
        operation=partial(_find_programs_by_sound_file, folders),
    )
    render = _RENDER_TOOL.build_sdk_tool(render_lock, _read_clip_as_audio_content)
    return [*tools, find_by_sound.build_sdk_tool(lock), render]


def _find_programs_by_sound_file(
    folders: Sequence[Path], request: SoundFileRequest
) -> SoundSearchResult:
    audio = read_sound_file(request.path, folders)
    fields = request.model_dump(exclude={"path"})
    return find_programs_by_sound(audio, SoundSearchRequest(**fields), request.path)


def _read_clip_as_audio_content(clip: BaseModel) -> AudioContent:
    assert isinstance(clip, RenderedClip)
    data = base64.b64encode(read_rendered_clip(clip)).decode("ascii")
    return AudioContent(type="audio", data=data, mime_type=clip.mime_type)


def _list_prediction_tools() -> list[OperationTool]:
    return [
        OperationTool(
            "predict_sound",
            "Predict the sound of programs",
            "Predict how Sonic Pi programs will sound, without running them: the clips of a corpus"
            " that sound most alike, calibrated confidence, and a forecast of loudness, onset rate,"
            " tempo, register, brightness and more with intervals.",
            request_type=PredictRequest,
            result_type=PredictResult,
            operation=predict_programs,
        ),
        OperationTool(
            "forecast",
            "Forecast measured properties",
            "Forecast loudness, peak, silence, onset rate, tempo, register, brightness, noisiness"
            " and stereo width of Sonic Pi programs, without running them. Faster and shorter than"
            " predict_sound.",
            request_type=ForecastRequest,
            result_type=ForecastsResult,
            operation=forecast_programs,
        ),
        OperationTool(
            "rank_candidates",
            "Rank candidates by their predicted sound",
            "Rank or pick Sonic Pi programs that you wrote by their predicted sound: those that"
            " differ most, that represent all, that come nearest to a target, or that are farthest"
            " from a program. Programs that do not parse or make no sound are listed with the"
            " reason.",
            request_type=RankRequest,
            result_type=RankResult,
            operation=rank_candidates,
        ),
        OperationTool(
            "suggest_variants",
            "Suggest variants of a program",
            "Change a Sonic Pi program systematically, one musical change per variant, and return"
            " the variants whose predicted sounds differ most, or that come nearest to a target"
            " such as 'darker, busier'. Toward a program of the corpus, render orders them by their"
            " true sound and states which are truly nearer; otherwise no program is run.",
            request_type=SuggestRequest,
            result_type=SuggestResult,
            operation=suggest_variants,
        ),
        OperationTool(
            "compare_sounds",
            "Compare the predicted sounds of two programs",
            "Compare the predicted sounds of two Sonic Pi programs as a whole and in timbre,"
            " rhythm, pitch and level, without running them.",
            request_type=CompareRequest,
            result_type=CompareResult,
            operation=compare_programs,
        ),
    ]


_REFERENCE_TOOL: OperationTool[ReferenceRequest] = OperationTool(
    "sonic_pi_reference",
    "Look up synths, samples and FX",
    "List the synths, FX, samples, scales and chords that exist in a version of Sonic Pi, or look"
    " up the options of some with defaults and useful ranges. Other names make no sound: check"
    " before you write a program.",
    request_type=ReferenceRequest,
    result_type=ReferenceResult,
    operation=look_up_sonic_pi_names,
)
_RENDER_TOOL: OperationTool[RenderRequest] = OperationTool(
    RENDER_TOOL,
    "Render a program",
    "Run a Sonic Pi program in a sandbox, and return the clip as audio and the path of its file."
    " Takes about a second or more; the other tools predict without running.",
    request_type=RenderRequest,
    result_type=RenderedClip,
    operation=render_program,
    writes_files=True,
)
