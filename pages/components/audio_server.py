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

MIME = {
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
}
KEPT = 64  # sounds that were made for a page and lie on no disk
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",  # what is played again is asked for again, and so noted
}

# Nothing that is kept has more bytes than fifteen digits count.
_SPAN = re.compile(r"bytes=([0-9]{1,15})-([0-9]{0,15})")

_made: OrderedDict[str, bytes] = OrderedDict()
_lock = threading.Lock()


def address(path: str | Path, name: str) -> str:
    """The address of a sound file below the workspace, with the name of its program.

    Raises
    ------
    EarshotError
        When it lies elsewhere.
    """
    try:
        inside = Path(path).relative_to(workspace.root())
    except ValueError:
        raise EarshotError("This sound lies outside the workspace.", where=str(path)) from None
    return f"/sound/file/{quote(inside.as_posix())}?name={quote(name)}"


def keep(flac: bytes, name: str) -> str:
    """Keep an encoded sound in memory, the newest `KEPT` of them; return its address."""
    digest = hashlib.sha256(flac).hexdigest()[:32]
    with _lock:
        _made[digest] = flac
        _made.move_to_end(digest)
        while len(_made) > KEPT:
            _made.popitem(last=False)
    return f"/sound/made/{digest}.flac?name={quote(name)}"


def routes() -> list[Route]:
    """What the server answers besides Streamlit's own."""
    return [
        Route("/sound/file/{path:path}", _file, methods=["GET"]),
        Route("/sound/made/{name}.flac", _from_memory, methods=["GET"]),
    ]


async def _file(request: Request) -> Response:
    path = await anyio.to_thread.run_sync(_inside, request.path_params["path"])
    if path is None:
        return PlainTextResponse("There is no such sound.", 404, headers=_HEADERS)
    if name := _played(request):
        await anyio.to_thread.run_sync(play_history.note, path, name)
    return FileResponse(path, media_type=MIME[path.suffix], headers=_HEADERS)


def _inside(named: str) -> Path | None:
    """The sound file of that name below the workspace; None unless there is one."""
    root = workspace.root()
    try:
        path = (root / named).resolve()
        fits = path.is_relative_to(root) and path.suffix in MIME and path.is_file()
    except (OSError, ValueError):  # a name that no file system takes
        return None
    return path if fits else None


async def _from_memory(request: Request) -> Response:
    digest = request.path_params["name"]
    with _lock:
        found = _made.get(digest)
    if found is None:
        return PlainTextResponse("This sound is kept no longer.", 404, headers=_HEADERS)
    if name := _played(request):
        await anyio.to_thread.run_sync(play_history.note_made, name, digest, found)
    first, last = _asked(request.headers.get("range", ""), len(found))
    headers = {**_HEADERS, "Accept-Ranges": "bytes"}
    if first is None:
        return Response(found, 200, headers, MIME[".flac"])
    headers["Content-Range"] = f"bytes {first}-{last}/{len(found)}"
    return Response(found[first : last + 1], 206, headers, MIME[".flac"])


def _played(request: Request) -> str:
    """The program's name when a page of ours begins to play its clip, else ""."""
    span = request.headers.get("range", "bytes=0-")
    ours = request.headers.get("sec-fetch-site", "same-origin") == "same-origin"
    audio = request.headers.get("sec-fetch-dest") == "audio"
    return request.query_params.get("name", "") if ours and audio and "=0-" in span else ""


def _asked(header: str, size: int) -> tuple[int | None, int]:
    """First and last byte of a "bytes=5-" or "bytes=5-9"; (None, 0) for the whole."""
    found = _SPAN.fullmatch(header.strip())
    if found is None or int(found[1]) >= size:
        return None, 0
    first = int(found[1])
    last = min(int(found[2]), size - 1) if found[2] else size - 1
    return (first, last) if last >= first else (None, 0)
