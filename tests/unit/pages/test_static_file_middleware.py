"""The middleware serves Streamlit's static files as Streamlit does, and nothing else."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient
from streamlit.web.server.starlette.starlette_static_routes import (
    create_streamlit_static_assets_routes,
)

from pages.components.response_security_headers import SecurityHeadersMiddleware
from pages.components.script_preload import FONT_FOLDER, SCRIPT_FOLDER
from pages.components.static_file_middleware import StaticFileMiddleware

SCRIPT = f"/static/js/{next(SCRIPT_FOLDER.glob('react-dom.*.js')).name}"
FONT = f"/static/media/{next(FONT_FOLDER.glob('MaterialSymbols-Rounded.*woff2')).name}"


class CountingApp:
    """The routes of Streamlit's files, with a count of the requests that reach them."""

    def __init__(self) -> None:
        self.app = Starlette(routes=create_streamlit_static_assets_routes(""))
        self.request_count = 0

    async def __call__(self, scope, receive, send) -> None:
        self.request_count += scope["type"] == "http"
        await self.app(scope, receive, send)


@pytest.mark.parametrize("path", [SCRIPT, FONT])
def test_a_file_has_the_content_and_headers_of_streamlits_response(path: str) -> None:
    streamlit_app = CountingApp()
    served = TestClient(StaticFileMiddleware(streamlit_app)).get(path)
    assert streamlit_app.request_count == 0
    expected = TestClient(streamlit_app).get(path)
    assert expected.status_code == served.status_code == 200
    assert served.content == expected.content
    assert dict(served.headers) == dict(expected.headers)
    assert "immutable" in served.headers["cache-control"]


def test_security_headers_do_not_pile_up() -> None:
    app = Starlette(
        middleware=[Middleware(SecurityHeadersMiddleware), Middleware(StaticFileMiddleware)]
    )
    client = TestClient(app)
    first, second = client.get(SCRIPT), client.get(SCRIPT)
    assert first.headers.raw == second.headers.raw
    assert second.headers["x-frame-options"] == "SAMEORIGIN"


@pytest.mark.parametrize(
    ("path", "method", "headers", "status"),
    [
        (SCRIPT, "HEAD", {}, 200),
        (SCRIPT, "GET", {"range": "bytes=0-9"}, 206),
        (SCRIPT, "GET", {"if-modified-since": "Fri, 01 Jan 2100 00:00:00 GMT"}, 304),
        (SCRIPT, "POST", {}, 405),
        ("/static/../index.html", "GET", {}, 200),
        ("/static/%2e%2e/index.html", "GET", {}, 400),
        ("/static/js", "GET", {}, 200),
        ("/map", "GET", {}, 200),
    ],
)
def test_streamlit_answers_other_requests(
    path: str, method: str, headers: dict[str, str], status: int
) -> None:
    streamlit_app = CountingApp()
    client = TestClient(StaticFileMiddleware(streamlit_app))
    response = client.request(method, path, headers=headers)
    assert (response.status_code, streamlit_app.request_count) == (status, 1)
