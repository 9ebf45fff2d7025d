"""The style sheet that a browser gets with the page itself."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pages.components.style_middleware import STYLE_TAG, StyleMiddleware

PAGE = b"<html><head></head><body>Earshot</body></html>"


def answer(path: str, accept: str, kind: str, method: str = "GET") -> tuple[dict, bytes, list]:
    """What the middleware makes of an answer in two parts: headers, body, what was asked for."""
    said: list[dict[str, Any]] = []
    asked: list[tuple[bytes, bytes]] = []

    async def app(scope, receive, send):
        asked.extend(scope["headers"])
        headers = [
            (b"content-type", kind.encode()),
            (b"content-length", b"%d" % len(PAGE)),
            (b"etag", b"one"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": PAGE[:9], "more_body": True})
        await send({"type": "http.response.body", "body": PAGE[9:]})

    async def send(message):
        said.append(message)

    headers = [(b"accept", accept.encode()), (b"accept-encoding", b"gzip")]
    scope = {"type": "http", "method": method, "path": path, "headers": headers}
    asyncio.run(StyleMiddleware(app)(scope, None, send))
    body = b"".join(each.get("body", b"") for each in said)
    return dict(said[0]["headers"]), body, asked


def test_a_page_comes_with_its_style_and_says_its_length() -> None:
    headers, body, asked = answer("/map", "text/html,*/*", "text/html; charset=utf-8")
    assert body == PAGE.replace(b"</body>", STYLE_TAG.encode() + b"</body>")
    assert headers[b"content-length"] == b"%d" % len(body)
    assert b"etag" not in headers  # it is of the page without
    assert b"accept-encoding" not in dict(asked)


@pytest.mark.parametrize(
    ("accept", "kind", "method"),
    [
        ("*/*", "text/html", "GET"),
        ("text/html", "text/plain", "GET"),
        ("text/html", "text/html", "HEAD"),
    ],
)
def test_all_else_stays_as_it_is(accept: str, kind: str, method: str) -> None:
    headers, body, _ = answer("/sound/file/a.flac", accept, kind, method)
    assert body == PAGE
    assert headers[b"etag"] == b"one"
