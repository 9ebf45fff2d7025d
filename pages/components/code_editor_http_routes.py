"""HTTP routes of the code editor's script and completion table, which a browser fetches once.

Inside a component, the script would be sent again whenever a page runs.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from core.sonicpi.code_completion_table import build_completion_table

BUNDLE_PATH = Path(__file__).parent / "frontend" / "built" / "code_editor.js"
BUNDLE_NAME, TABLE_NAME = "code_editor.js", "completions.json"
MIME_TYPES = {BUNDLE_NAME: "text/javascript", TABLE_NAME: "application/json"}
_RESPONSE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    # The URL contains the file's digest.
    "Cache-Control": "public, max-age=31536000, immutable",
}


@cache
def load_editor_file(name: str) -> bytes:
    """Return the content of `BUNDLE_NAME` or `TABLE_NAME`."""
    if name == TABLE_NAME:
        return json.dumps(build_completion_table(), separators=(",", ":")).encode()
    return BUNDLE_PATH.read_bytes()


@cache
def build_editor_file_url(name: str) -> str:
    """Return the URL of `BUNDLE_NAME` or `TABLE_NAME`, which changes with its content."""
    return f"/code-editor/{hashlib.sha256(load_editor_file(name)).hexdigest()[:16]}/{name}"


def build_code_editor_routes() -> list[Route]:
    """Return the routes that the server adds to Streamlit's own."""
    return [Route("/code-editor/{digest}/{name}", _serve_editor_file, methods=["GET"])]


async def _serve_editor_file(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in MIME_TYPES or request.url.path != build_editor_file_url(name):
        return PlainTextResponse("No such file. Reload the page.", 404)
    return Response(load_editor_file(name), 200, _RESPONSE_HEADERS, MIME_TYPES[name])
