"""Sounds by address, so that a browser fetches a clip when it is played and not before.

Whatever is fetched is heard, and so is noted among what was heard last.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections import OrderedDict
from pathlib import Path
from urllib.parse import quote

import anyio
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from core import play_history, workspace
from core.errors import EarshotError

MIME_TYPES = {
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
}
MAX_CACHED_CLIPS = 64  # sounds that were made for a page and lie on no disk
_RESPONSE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",  # what is played again is asked for again, and so noted
}

# Nothing that is kept has more bytes than fifteen digits count.
_BYTE_RANGE_PATTERN = re.compile(r"bytes=([0-9]{1,15})-([0-9]{0,15})")

_cached_clips: OrderedDict[str, bytes] = OrderedDict()
_cache_lock = threading.Lock()


def build_audio_url(audio_path: str | Path, name: str) -> str:
    """The address of a sound file below the workspace, with the name of its program.

    Raises
    ------
    EarshotError
        When it lies elsewhere.
    """
    try:
        inside = Path(audio_path).relative_to(workspace.get_workspace_root())
    except ValueError:
        raise EarshotError("This sound lies outside the workspace.", where=str(audio_path)) from None
    return f"/sound/file/{quote(inside.as_posix())}?name={quote(name)}"


def cache_audio_bytes(flac_bytes: bytes, name: str) -> str:
    """Keep an encoded sound in memory, the newest `KEPT` of them; return its address."""
    digest = hashlib.sha256(flac_bytes).hexdigest()[:32]
    with _cache_lock:
        _cached_clips[digest] = flac_bytes
        _cached_clips.move_to_end(digest)
        while len(_cached_clips) > MAX_CACHED_CLIPS:
            _cached_clips.popitem(last=False)
    return f"/sound/made/{digest}.flac?name={quote(name)}"


def build_routes() -> list[Route]:
    """What the server answers besides Streamlit's own."""
    return [
        Route("/sound/file/{path:path}", _serve_audio_file, methods=["GET"]),
        Route("/sound/made/{name}.flac", _serve_cached_audio, methods=["GET"]),
    ]


async def _serve_audio_file(request: Request) -> Response:
    path = await anyio.to_thread.run_sync(_resolve_audio_path, request.path_params["path"])
    if path is None:
        return PlainTextResponse("There is no such sound.", 404, headers=_RESPONSE_HEADERS)
    if name := _get_played_name(request):
        await anyio.to_thread.run_sync(play_history.record_played_clip, path, name)
    return FileResponse(path, media_type=MIME_TYPES[path.suffix], headers=_RESPONSE_HEADERS)


def _resolve_audio_path(relative_path: str) -> Path | None:
    """The sound file of that name below the workspace; None unless there is one."""
    root = workspace.get_workspace_root()
    try:
        path = (root / relative_path).resolve()
        fits = path.is_relative_to(root) and path.suffix in MIME_TYPES and path.is_file()
    except (OSError, ValueError):  # a name that no file system takes
        return None
    return path if fits else None


async def _serve_cached_audio(request: Request) -> Response:
    digest = request.path_params["name"]
    with _cache_lock:
        found = _cached_clips.get(digest)
    if found is None:
        return PlainTextResponse("This sound is kept no longer.", 404, headers=_RESPONSE_HEADERS)
    if name := _get_played_name(request):
        await anyio.to_thread.run_sync(play_history.record_generated_clip, name, digest, found)
    first, last = _parse_byte_range(request.headers.get("range", ""), len(found))
    headers = {**_RESPONSE_HEADERS, "Accept-Ranges": "bytes"}
    if first is None:
        return Response(found, 200, headers, MIME_TYPES[".flac"])
    headers["Content-Range"] = f"bytes {first}-{last}/{len(found)}"
    return Response(found[first : last + 1], 206, headers, MIME_TYPES[".flac"])


def _get_played_name(request: Request) -> str:
    """The program's name when a page of ours begins to play its clip, else ""."""
    span = request.headers.get("range", "bytes=0-")
    ours = request.headers.get("sec-fetch-site", "same-origin") == "same-origin"
    audio = request.headers.get("sec-fetch-dest") == "audio"
    return request.query_params.get("name", "") if ours and audio and "=0-" in span else ""


def _parse_byte_range(header: str, byte_count: int) -> tuple[int | None, int]:
    """First and last byte of a "bytes=5-" or "bytes=5-9"; (None, 0) for the whole."""
    found = _BYTE_RANGE_PATTERN.fullmatch(header.strip())
    if found is None or int(found[1]) >= byte_count:
        return None, 0
    first = int(found[1])
    last = min(int(found[2]), byte_count - 1) if found[2] else byte_count - 1
    return (first, last) if last >= first else (None, 0)
