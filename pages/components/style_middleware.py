"""The dashboard's style sheet in the page that a browser gets first: nothing moves when it comes.

A style that is drawn by a page comes after the page's first words.
"""

from __future__ import annotations

from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

STYLE = f"<style>\n{Path(__file__).with_name('style.css').read_text(encoding='utf-8')}</style>\n"
END = b"</body>"  # after Streamlit's own styles, which would win otherwise
# With these, a browser could be answered that what it has, styled or not, is still the newest.
UNASKED = (b"accept-encoding", b"if-none-match", b"if-modified-since", b"range")


class Styled:
    """ASGI middleware: puts the style sheet into every HTML page."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or not _wants_html(scope):
            await self.app(scope, receive, send)
            return
        asked = [(name, value) for name, value in scope["headers"] if name not in UNASKED]
        start: Message = {}
        body = b""

        async def styled(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start" and _is_html(message):
                start = message
            elif message["type"] != "http.response.body" or not start:
                await send(message)
            else:
                body += message.get("body", b"")
                if not message.get("more_body"):
                    await _send_page(start, body.replace(END, STYLE.encode() + END, 1), send)

        await self.app({**scope, "headers": asked}, receive, styled)


def _wants_html(scope: Scope) -> bool:
    return "text/html" in Headers(scope=scope).get("accept", "")


def _is_html(start: Message) -> bool:
    return Headers(raw=start["headers"]).get("content-type", "").startswith("text/html")


async def _send_page(start: Message, page: bytes, send: Send) -> None:
    headers = MutableHeaders(raw=list(start["headers"]))
    for name in ("etag", "last-modified", "accept-ranges"):
        del headers[name]
    headers["content-length"] = str(len(page))
    await send({**start, "headers": headers.raw})
    await send({"type": "http.response.body", "body": page})
