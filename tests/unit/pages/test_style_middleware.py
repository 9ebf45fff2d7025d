"""Tests of the middleware that adds the style sheet to the HTML page."""

from __future__ import annotations

import asyncio
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from pages.components.script_preload import (
    COMMON_ELEMENTS,
    ELEMENTS_BY_PAGE,
    FONT_FOLDER,
    FONTS,
    SCRIPT_FOLDER,
    build_preload_links,
)
from pages.components.style_middleware import HEAD_SCRIPT_TAG, STYLE_TAG, StyleMiddleware

PAGE = b"<html><head></head><body>Earshot</body></html>"


def send_through(
    path: str, accept: str, kind: str, method: str = "GET"
) -> tuple[dict, bytes, list]:
    """Send a response in two parts through the middleware; return headers, body and request."""
    messages: list[dict[str, Any]] = []
    request_headers: list[tuple[bytes, bytes]] = []

    async def app(scope, receive, send):
        request_headers.extend(scope["headers"])
        headers = [
            (b"content-type", kind.encode()),
            (b"content-length", b"%d" % len(PAGE)),
            (b"etag", b"one"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": PAGE[:9], "more_body": True})
        await send({"type": "http.response.body", "body": PAGE[9:]})

    async def send(message):
        messages.append(message)

    headers = [(b"accept", accept.encode()), (b"accept-encoding", b"gzip")]
    scope = {"type": "http", "method": method, "path": path, "headers": headers}
    asyncio.run(StyleMiddleware(app)(scope, None, send))
    body = b"".join(message.get("body", b"") for message in messages)
    return dict(messages[0]["headers"]), body, request_headers


def test_a_page_contains_the_style_sheet() -> None:
    headers, body, request_headers = send_through(
        "/map", "text/html,*/*", "text/html; charset=utf-8"
    )
    links = build_preload_links("/map").encode()
    assert body == PAGE.replace(b"<head>", b"<head>" + HEAD_SCRIPT_TAG.encode()).replace(
        b"</head>", links + b"</head>"
    ).replace(b"</body>", STYLE_TAG.encode() + b"</body>")
    assert headers[b"content-length"] == b"%d" % len(body)
    assert b"etag" not in headers  # It would be that of the page without the style.
    assert b"accept-encoding" not in dict(request_headers)


@pytest.mark.parametrize(
    ("accept", "kind", "method"),
    [
        ("*/*", "text/html", "GET"),
        ("text/html", "text/plain", "GET"),
        ("text/html", "text/html", "HEAD"),
    ],
)
def test_other_responses_are_unchanged(accept: str, kind: str, method: str) -> None:
    headers, body, _ = send_through("/sound/file/a.flac", accept, kind, method)
    assert body == PAGE
    assert headers[b"etag"] == b"one"


def test_every_preloaded_script_exists() -> None:
    for page in ("", "map", "corpus"):
        names = re.findall(r'href="./static/js/([^"]+)"', build_preload_links(f"/{page}"))
        assert len(names) == len(set(names))
        assert all((SCRIPT_FOLDER / name).is_file() for name in names)
        for element in (*COMMON_ELEMENTS, *ELEMENTS_BY_PAGE[page]):
            assert any(name.startswith(f"{element}.") for name in names)
    assert "PlotlyChart" not in build_preload_links("/listen")


def test_the_script_of_the_map_runs_early() -> None:
    links = re.findall(r'href="./static/js/([^"]+)" data-runs-early>', build_preload_links("/map"))
    assert [name.split(".")[0] for name in links] == ["PlotlyChart"]
    assert "modulepreload][data-runs-early]" in HEAD_SCRIPT_TAG
    for path in ("/", "/studies"):
        assert "data-runs-early" not in build_preload_links(path)


def test_the_fonts_of_icons_and_code_are_preloaded() -> None:
    names = re.findall(r'as="font"[^>]*href="./static/media/([^"]+)"', build_preload_links("/"))
    assert [name.split(".")[0] for name in names] == list(FONTS)
    assert all((FONT_FOLDER / name).is_file() for name in names)


def test_the_page_is_shown_at_the_font_size_of_the_theme() -> None:
    settings = Path(__file__).parents[3] / ".streamlit" / "config.toml"
    theme = tomllib.loads(settings.read_text(encoding="utf-8"))["theme"]
    assert f'THEME_FONT_SIZE = "{theme["baseFontSize"]}px"' in HEAD_SCRIPT_TAG
