"""ASGI middleware that puts the style sheet, a first script and preload links into the HTML page.

A style that a page draws arrives after the first elements, which would then move.
"""

from __future__ import annotations

from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pages.components.script_preload import build_preload_links

STYLE_SHEET = Path(__file__).with_name("style.css").read_text(encoding="utf-8")
STYLE_TAG = f"<style>\n{STYLE_SHEET}</style>\n"
# The theme's script comes first: the other one shows the choice.
HEAD_SCRIPT = "".join(
    Path(__file__).with_name(name).read_text(encoding="utf-8")
    for name in ("theme_choice.js", "page_head.js")
)
HEAD_SCRIPT_TAG = f"<script>\n{HEAD_SCRIPT}</script>\n"
HEAD_TAG = b"<head>"
HEAD_END_TAG = b"</head>"  # After the links to what Streamlit always needs.
BODY_END_TAG = b"</body>"  # The last style wins, so this one comes after Streamlit's.
# With these, a browser could be told that its copy, with or without the style, is current.
REMOVED_REQUEST_HEADERS = (b"accept-encoding", b"if-none-match", b"if-modified-since", b"range")


class StyleMiddleware:
    """ASGI middleware that adds the style sheet, the first script and the preload links."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, as ASGI defines it."""
        if (
            scope["type"] != "http"
            or scope["method"] != "GET"
            or not _does_request_accept_html(scope)
        ):
            await self.app(scope, receive, send)
            return
        headers = [
            (name, value) for name, value in scope["headers"] if name not in REMOVED_REQUEST_HEADERS
        ]
        response_start: Message = {}
        body = b""

        async def send_response_with_style(message: Message) -> None:
            nonlocal response_start, body
            if message["type"] == "http.response.start" and _is_html_response(message):
                response_start = message
            elif message["type"] != "http.response.body" or not response_start:
                await send(message)
            else:
                body += message.get("body", b"")
                if not message.get("more_body"):
                    page = body.replace(HEAD_TAG, HEAD_TAG + HEAD_SCRIPT_TAG.encode(), 1)
                    links = build_preload_links(scope["path"]).encode()
                    page = page.replace(HEAD_END_TAG, links + HEAD_END_TAG, 1)
                    page = page.replace(BODY_END_TAG, STYLE_TAG.encode() + BODY_END_TAG, 1)
                    await _send_html_with_style(response_start, page, send)

        await self.app({**scope, "headers": headers}, receive, send_response_with_style)


def _does_request_accept_html(scope: Scope) -> bool:
    return "text/html" in Headers(scope=scope).get("accept", "")


def _is_html_response(response_start: Message) -> bool:
    content_type = Headers(raw=response_start["headers"]).get("content-type", "")
    return content_type.startswith("text/html")


async def _send_html_with_style(response_start: Message, page: bytes, send: Send) -> None:
    headers = MutableHeaders(raw=list(response_start["headers"]))
    for name in ("etag", "last-modified", "accept-ranges"):
        del headers[name]
    headers["content-length"] = str(len(page))
    await send({**response_start, "headers": headers.raw})
    await send({"type": "http.response.body", "body": page})
