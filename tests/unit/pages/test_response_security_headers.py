"""Every HTTP response forbids other sites to frame it; sockets pass unchanged."""

from __future__ import annotations

import asyncio
from typing import Any

from pages.components.response_security_headers import (
    SECURITY_HEADERS,
    SecurityHeadersMiddleware,
)


def send_response_through(
    kind: str, headers: list[tuple[bytes, bytes]], message_type: str
) -> dict[str, Any]:
    messages: list[dict[str, Any]] = []

    async def app(_scope, _receive, send):
        await send({"type": message_type, "status": 403, "headers": headers})

    async def send(message):
        messages.append(message)

    asyncio.run(SecurityHeadersMiddleware(app)({"type": kind}, None, send))
    return messages[0]


def test_a_response_gets_the_headers_once_and_keeps_its_own() -> None:
    own = [(b"content-type", b"text/html"), (b"x-frame-options", b"DENY")]
    message = send_response_through("http", own, "http.response.start")
    headers = [(name.decode(), value.decode()) for name, value in message["headers"]]
    assert dict(headers)["x-frame-options"] == "DENY" and len(headers) == 1 + len(SECURITY_HEADERS)
    assert dict(headers)["content-security-policy"] == "frame-ancestors 'self'"


def test_a_socket_is_passed_on_unchanged() -> None:
    message = send_response_through("websocket", [], "websocket.accept")
    assert message["headers"] == []
