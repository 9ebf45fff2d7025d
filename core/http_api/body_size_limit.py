"""Limit of the size of a request's body and of the time that it takes to arrive."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.http_api.problem_details import make_problem_response
from core.search.query_audio_decoding import MAX_AUDIO_BYTES

MAX_JSON_BYTES = 8_000_000
MAX_BODY_SECONDS = 60.0
SOUND_PATH_SUFFIX = "/v1/search"


class BodySizeLimitMiddleware:
    """ASGI middleware that reads the whole body first, and refuses a large or slow one."""

    def __init__(self, app: ASGIApp, max_seconds: float = MAX_BODY_SECONDS):
        self.app = app
        self.max_seconds = max_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request, as ASGI defines it."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self.app(scope, receive, send)
            return
        is_sound = scope["path"].endswith(SOUND_PATH_SUFFIX)
        max_bytes = MAX_AUDIO_BYTES if is_sound else MAX_JSON_BYTES
        stated = Headers(scope=scope).get("content-length", "")
        body = None
        if not (stated.isdecimal() and int(stated[:20]) > max_bytes):
            try:
                body = await asyncio.wait_for(_read_body(receive, max_bytes), self.max_seconds)
            except TimeoutError:
                response = make_problem_response(
                    HTTPStatus.REQUEST_TIMEOUT, "The request did not arrive in time."
                )
                await response(scope, receive, send)
                return
        if body is None:
            response = make_problem_response(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"The request has more than {max_bytes / 1e6:.0f} MB.",
                remedy="Send fewer programs at once, or a shorter sound.",
            )
            await response(scope, receive, send)
            return
        await self.app(scope, _make_receive_with_buffered_body(body, receive), send)


async def _read_body(receive: Receive, max_bytes: int) -> bytes | None:
    """Return the whole body; None if it is larger than allowed."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":  # The client has gone.
            return b"".join(chunks)
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > max_bytes:
            return None
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _make_receive_with_buffered_body(body: bytes, receive: Receive) -> Receive:
    """Return a function that yields the body once, and then what the client sends after it."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_body() -> Message:
        return messages.pop() if messages else await receive()

    return receive_body
