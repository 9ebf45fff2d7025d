"""HTTP routes that serve clips and their loudness, so that a browser fetches only what it plays.

Playing a clip adds it to the play history.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections import OrderedDict
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

import anyio
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from core import play_history, workspace
from core.corpus import get_local_clip_file
from core.errors import EarshotError
from core.search.query_audio_decoding import decode_audio_bytes
from core.sonicpi import Clip
from core.suggest.audition_loop_timing_and_loudness import ClipLoudness, measure_clip_loudness

MIME_TYPES = {
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
}
MAX_CACHED_CLIPS = 64  # Clips in memory, which have no file.
MAX_CACHED_LOUDNESSES = 10_000
_RESPONSE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    # A browser must ask again on every playback, so that the play history knows about it.
    "Cache-Control": "no-cache",
}

# 15 digits count more bytes than any file has.
_BYTE_RANGE_PATTERN = re.compile(r"bytes=([0-9]{1,15})-([0-9]{0,15})")

_cached_clips: OrderedDict[str, bytes] = OrderedDict()
_cache_lock = threading.Lock()


def build_audio_url(audio_path: str | Path, name: str) -> str:
    """Return the URL of an audio file in the workspace.

    Parameters
    ----------
    audio_path : str or Path
    name : str
        The program's name, for the play history.

    Raises
    ------
    EarshotError
        When the file is outside the workspace.
    """
    try:
        relative_path = Path(audio_path).relative_to(workspace.get_workspace_root())
    except ValueError:
        raise EarshotError("This clip is outside the workspace.", where=str(audio_path)) from None
    return f"/sound/file/{quote(relative_path.as_posix())}?name={quote(name)}"


def cache_audio_and_build_url(flac_bytes: bytes, name: str) -> str:
    """Keep a FLAC file in memory and return its URL.

    Only the newest `MAX_CACHED_CLIPS` are kept.
    """
    digest = hashlib.sha256(flac_bytes).hexdigest()[:32]
    with _cache_lock:
        _cached_clips[digest] = flac_bytes
        _cached_clips.move_to_end(digest)
        while len(_cached_clips) > MAX_CACHED_CLIPS:
            _cached_clips.popitem(last=False)
    return f"/sound/made/{digest}.flac?name={quote(name)}"


def build_audio_routes() -> list[Route]:
    """Return the routes that the server adds to Streamlit's own."""
    return [
        Route("/sound/file/{path:path}", _serve_audio_file, methods=["GET"]),
        Route("/sound/made/{name}.flac", _serve_cached_audio, methods=["GET"]),
        Route("/sound/loudness/file/{path:path}", _serve_file_loudness, methods=["GET"]),
        Route("/sound/loudness/made/{name}.flac", _serve_cached_loudness, methods=["GET"]),
    ]


async def _serve_audio_file(request: Request) -> Response:
    path = await anyio.to_thread.run_sync(
        _find_audio_file_in_workspace, request.path_params["path"]
    )
    if path is None:
        return PlainTextResponse("No such clip.", 404, headers=_RESPONSE_HEADERS)
    if name := _get_started_program_name(request):
        await anyio.to_thread.run_sync(play_history.record_played_clip, path, name)
    return FileResponse(path, media_type=MIME_TYPES[path.suffix], headers=_RESPONSE_HEADERS)


def _find_audio_file_in_workspace(relative_path: str) -> Path | None:
    """Return the audio file at a path in the workspace; None if there is none."""
    root = workspace.get_workspace_root()
    try:
        path = (root / relative_path).resolve()
        is_servable = path.is_relative_to(root) and path.suffix in MIME_TYPES and path.is_file()
        if not is_servable and path.is_relative_to(workspace.get_corpora_folder().resolve()):
            is_servable = path.suffix in MIME_TYPES and get_local_clip_file(path).is_file()
    except (OSError, ValueError, EarshotError):  # No file system accepts this name, or no store.
        return None
    # Visitors of a read-only dashboard must not play what its owner rendered.
    if workspace.is_workspace_read_only() and play_history.is_clip_private(path):
        return None
    return path if is_servable else None


async def _serve_cached_audio(request: Request) -> Response:
    digest = request.path_params["name"]
    with _cache_lock:
        flac_bytes = _cached_clips.get(digest)
    if flac_bytes is None:
        return PlainTextResponse(
            "This clip is no longer available.", 404, headers=_RESPONSE_HEADERS
        )
    if name := _get_started_program_name(request):
        await anyio.to_thread.run_sync(
            play_history.record_played_generated_clip, name, digest, flac_bytes
        )
    first, last = _parse_byte_range(request.headers.get("range", ""), len(flac_bytes))
    headers = {**_RESPONSE_HEADERS, "Accept-Ranges": "bytes"}
    if first is None:
        return Response(flac_bytes, 200, headers, MIME_TYPES[".flac"])
    headers["Content-Range"] = f"bytes {first}-{last}/{len(flac_bytes)}"
    return Response(flac_bytes[first : last + 1], 206, headers, MIME_TYPES[".flac"])


async def _serve_file_loudness(request: Request) -> Response:
    path = await anyio.to_thread.run_sync(
        _find_audio_file_in_workspace, request.path_params["path"]
    )
    if path is None:
        return PlainTextResponse("No such clip.", 404, headers=_RESPONSE_HEADERS)
    try:
        loudness = await anyio.to_thread.run_sync(_measure_file_loudness, str(path))
    except EarshotError as error:
        return PlainTextResponse(error.message, 422, headers=_RESPONSE_HEADERS)
    return JSONResponse(asdict(loudness), headers=_RESPONSE_HEADERS)


# A clip's file is named by what it was rendered from, so its content never changes.
@lru_cache(maxsize=MAX_CACHED_LOUDNESSES)
def _measure_file_loudness(audio_path: str) -> ClipLoudness:
    return measure_clip_loudness(Clip.load(audio_path))


async def _serve_cached_loudness(request: Request) -> Response:
    digest = request.path_params["name"]
    loudness = await anyio.to_thread.run_sync(_measure_cached_loudness, digest)
    if loudness is None:
        return PlainTextResponse(
            "This clip is no longer available.", 404, headers=_RESPONSE_HEADERS
        )
    return JSONResponse(asdict(loudness), headers=_RESPONSE_HEADERS)


def _measure_cached_loudness(digest: str) -> ClipLoudness | None:
    with _cache_lock:
        flac_bytes = _cached_clips.get(digest)
    if flac_bytes is None:
        return None
    return measure_clip_loudness(decode_audio_bytes(flac_bytes, f"{digest}.flac"))


def _get_started_program_name(request: Request) -> str:
    """Return the program's name if one of our pages starts to play its clip, else ""."""
    byte_range = request.headers.get("range", "bytes=0-")
    is_same_origin = request.headers.get("sec-fetch-site", "same-origin") == "same-origin"
    is_audio = request.headers.get("sec-fetch-dest") == "audio"
    if is_same_origin and is_audio and "=0-" in byte_range:
        return request.query_params.get("name", "")
    return ""


def _parse_byte_range(header: str, byte_count: int) -> tuple[int | None, int]:
    """Parse "bytes=5-" or "bytes=5-9" into first and last byte; (None, 0) is the whole file."""
    match = _BYTE_RANGE_PATTERN.fullmatch(header.strip())
    if match is None or int(match[1]) >= byte_count:
        return None, 0
    first = int(match[1])
    last = min(int(match[2]), byte_count - 1) if match[2] else byte_count - 1
    return (first, last) if last >= first else (None, 0)
