"""ASGI middleware that serves Streamlit's scripts, fonts and style sheets from memory.

A first visit fetches more than a hundred of them. Starlette reads each in several tasks of other
threads, which takes a server that is still loading more than a second for all of them.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import NamedTuple

from starlette.responses import FileResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import file_util
from streamlit.web.server.starlette.starlette_server_config import (
    STATIC_ASSET_CACHE_MAX_AGE_SECONDS,
)

URL_PREFIX = "/static/"
CACHE_CONTROL = f"public, immutable, max-age={STATIC_ASSET_CACHE_MAX_AGE_SECONDS}"
# Streamlit's own handler answers requests for a part of a file, or for a file if it has changed.
CONDITIONAL_REQUEST_HEADERS = frozenset((b"range", b"if-none-match", b"if-modified-since"))


class StaticFile(NamedTuple):
    """A file with the headers of its response."""

    headers: list[tuple[bytes, bytes]]
    content: bytes


class StaticFileMiddleware:
    """ASGI middleware that answers plain GET requests for Streamlit's static files."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, as ASGI defines it."""
        file = _find_requested_file(scope)
        if file is None:
            await self.app(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": list(file.headers)})
        await send({"type": "http.response.body", "body": file.content})


def _find_requested_file(scope: Scope) -> StaticFile | None:
    """Return the file that a request asks for as a whole; None if it asks for anything else."""
    if scope["type"] != "http" or scope["method"] != "GET" or scope.get("root_path"):
        return None
    if not scope["path"].startswith(URL_PREFIX):
        return None
    if any(name in CONDITIONAL_REQUEST_HEADERS for name, _ in scope["headers"]):
        return None
    path = _list_static_files().get(scope["path"])
    return None if path is None else _read_static_file(path)


@functools.lru_cache(maxsize=1)
def _list_static_files() -> dict[str, Path]:
    """Return the path of each file by that of its URL; a request cannot name any other file."""
    folder = Path(file_util.get_static_dir())
    files = folder.glob(f"{URL_PREFIX.strip('/')}/**/*")
    return {f"/{path.relative_to(folder).as_posix()}": path for path in files if path.is_file()}


@functools.cache
def _read_static_file(path: Path) -> StaticFile | None:
    """Read a file; return None if it cannot be read. Its name changes with its content."""
    try:
        content = path.read_bytes()
        response = FileResponse(path, stat_result=path.stat())
    except OSError:
        return None
    response.headers["content-length"] = str(len(content))
    response.headers["cache-control"] = CACHE_CONTROL
    return StaticFile(response.raw_headers, content)
