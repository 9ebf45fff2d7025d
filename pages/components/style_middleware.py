"""The dashboard's style sheet in the page that a browser gets first: nothing moves when it comes.

A style that is drawn by a page comes after the page's first words.
"""

from __future__ import annotations

from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

STYLE_TAG = f"<style>\n{Path(__file__).with_name('style.css').read_text(encoding='utf-8')}</style>\n"
BODY_END_TAG = b"</body>"  # after Streamlit's own styles, which would win otherwise
# With these, a browser could be answered that what it has, styled or not, is still the newest.
REMOVED_REQUEST_HEADERS = (b"accept-encoding", b"if-none-match", b"if-modified-since", b"range")


class StyleMiddleware:
    """ASGI middleware: puts the style sheet into every HTML page."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or not _accepts_html(scope):
            await self.app(scope, receive, send)
            return
        asked = [(name, value) for name, value in scope["headers"] if name not in REMOVED_REQUEST_HEADERS]
        start: Message = {}
        body = b""

        async def send_with_style(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start" and _is_html_response(message):
                start = message
            elif message["type"] != "http.response.body" or not start:
                await send(message)
            else:
                body += message.get("body", b"")
                if not message.get("more_body"):
                    await _send_styled_page(start, body.replace(BODY_END_TAG, STYLE_TAG.encode() + BODY_END_TAG, 1), send)

        await self.app({**scope, "headers": asked}, receive, send_with_style)


def _accepts_html(scope: Scope) -> bool:
    return "text/html" in Headers(scope=scope).get("accept", "")


def _is_html_response(response_start: Message) -> bool:
    return Headers(raw=response_start["headers"]).get("content-type", "").startswith("text/html")


async def _send_styled_page(response_start: Message, page: bytes, send: Send) -> None:
    headers = MutableHeaders(raw=list(response_start["headers"]))
    for name in ("etag", "last-modified", "accept-ranges"):
        del headers[name]
    headers["content-length"] = str(len(page))
    await send({**response_start, "headers": headers.raw})
    await send({"type": "http.response.body", "body": page})
