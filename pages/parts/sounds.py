"""Sounds by address, so that a browser fetches a clip when it is played and not before."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from pathlib import Path

import anyio
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from core import workspace
from core.errors import EarshotError

MIME = {
    ".flac": "audio/flac", ".ogg": "audio/ogg", ".wav": "audio/wav", ".mp3": "audio/mpeg",
}  # fmt: skip
KEPT = 64  # sounds that were made for a page and lie on no disk
_HEADERS = {"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin"}

_made: OrderedDict[str, bytes] = OrderedDict()
_lock = threading.Lock()


def address(path: str | Path) -> str:
    """The address of a sound file below the workspace.

    Raises
    ------
    EarshotError
        When it lies elsewhere.
    """
    try:
        inside = Path(path).relative_to(workspace.root())
    except ValueError:
        raise EarshotError("This sound lies outside the workspace.", where=str(path)) from None
    return f"/sound/file/{inside.as_posix()}"


def keep(flac: bytes) -> str:
    """Keep an encoded sound in memory, the newest `KEPT` of them; return its address."""
    name = hashlib.sha256(flac).hexdigest()[:32]
    with _lock:
        _made[name] = flac
        _made.move_to_end(name)
        while len(_made) > KEPT:
            _made.popitem(last=False)
    return f"/sound/made/{name}.flac"


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
    with _lock:
        found = _made.get(request.path_params["name"])
    if found is None:
        return PlainTextResponse("This sound is kept no longer.", 404, headers=_HEADERS)
    first, last = _asked(request.headers.get("range", ""), len(found))
    headers = {**_HEADERS, "Accept-Ranges": "bytes"}
    if first is None:
        return Response(found, 200, headers, MIME[".flac"])
    headers["Content-Range"] = f"bytes {first}-{last}/{len(found)}"
    return Response(found[first : last + 1], 206, headers, MIME[".flac"])


def _asked(header: str, size: int) -> tuple[int | None, int]:
    """First and last byte of a "bytes=5-" or "bytes=5-9"; (None, 0) for the whole."""
    unit, _, span = header.partition("=")
    first, _, last = span.partition("-")
    if unit.strip() != "bytes" or not first.isdigit() or int(first) >= size:
        return None, 0
    end = min(int(last), size - 1) if last.isdigit() else size - 1
    return (int(first), end) if end >= int(first) else (None, 0)
