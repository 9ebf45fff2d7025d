"""An S3-compatible server of the package moto, behind a proxy that causes faults."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ACCESS_DENIED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


class FaultyProxy:
    """An HTTP server that passes requests on to another, unless a fault is set.

    Parameters
    ----------
    port : int
        Port of the other server at 127.0.0.1.

    Attributes
    ----------
    fault : callable or None
        Called with the handler of a request; returns whether it answered the request itself.
    requests : list of (str, str, str)
        Method, path and range of each request.
    """

    def __init__(self, port: int):
        self.fault: Callable[[Any], bool] | None = None
        self.requests: list[tuple[str, str, str]] = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_request(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                proxy.requests.append((self.command, self.path, self.headers.get("Range", "")))
                if proxy.fault is not None and proxy.fault(self):
                    return
                status, headers, content = forward(self, body)
                send(self, status, headers, content)

            def log_message(self, *_: object) -> None:
                pass

        def forward(handler: BaseHTTPRequestHandler, body: bytes) -> tuple[int, Any, bytes]:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request(handler.command, handler.path, body, dict(handler.headers))
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            return answer.status, answer.getheaders(), content

        def send(
            handler: BaseHTTPRequestHandler, status: int, headers: Any, content: bytes
        ) -> None:
            handler.send_response_only(status)
            for name, value in headers:
                if name.lower() not in ("transfer-encoding", "connection"):
                    handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(content)

        for method in ("GET", "PUT", "POST", "HEAD", "DELETE"):
            setattr(Handler, f"do_{method}", Handler.handle_request)
        self.forward = forward
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop listening: later requests are refused."""
        self._server.shutdown()
        self._server.server_close()


def refuse_access(handler: Any) -> bool:
    """Answer as S3 does to wrong credentials."""
    handler.send_response_only(403)
    handler.send_header("Content-Type", "application/xml")
    handler.send_header("Content-Length", str(len(ACCESS_DENIED)))
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(ACCESS_DENIED)
    return True


def drop_connection(handler: Any) -> bool:
    """Close the connection without an answer, as a server that is killed."""
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True
    return True


def make_slow(seconds: float) -> Callable[[Any], bool]:
    """Return a fault that delays each answer."""

    def delay(_: Any) -> bool:
        time.sleep(seconds)
        return False

    return delay


def truncate_first_answers(proxy: FaultyProxy, count: int) -> Callable[[Any], bool]:
    """Return a fault that breaks off in the middle of the first answers to GET requests."""
    remaining = [count]

    def truncate(handler: Any) -> bool:
        if handler.command != "GET" or "Range" not in handler.headers or remaining[0] == 0:
            return False
        remaining[0] -= 1
        status, headers, content = proxy.forward(handler, b"")
        handler.send_response_only(status)
        for name, value in headers:
            if name.lower() != "connection":
                handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(content[: len(content) // 2])
        handler.wfile.flush()
        return drop_connection(handler)

    return truncate
