"""A local server that speaks the chat protocol, well or badly."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class ChatServer(ThreadingHTTPServer):
    """Answers each request as `behaviours` lists, the last one for all further requests."""

    daemon_threads = True

    def __init__(self, behaviours: list[str], text: str):
        super().__init__(("127.0.0.1", 0), _ChatHandler)
        self.behaviours, self.text = behaviours, text
        self.requests: list[tuple[dict[str, Any], str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class _ChatHandler(BaseHTTPRequestHandler):
    server: ChatServer

    def log_message(self, *_: Any) -> None:
        """Print nothing."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append((body, self.headers.get("Authorization")))
        behaviours = self.server.behaviours
        behaviour = behaviours.pop(0) if len(behaviours) > 1 else behaviours[0]
        try:
            getattr(self, f"answer_{behaviour}")()
        except (BrokenPipeError, ConnectionResetError):
            pass  # The client had enough.

    def start(self, status: int, content_type: str, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def send_event(self, text: str) -> None:
        event = {"choices": [{"delta": {"content": text}}]}
        self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())

    def answer_stream(self) -> None:
        self.start(200, "text/event-stream")
        for start in range(0, len(self.server.text), 7):
            self.send_event(self.server.text[start : start + 7])
        usage = {"choices": [], "usage": {"prompt_tokens": 1000, "completion_tokens": 500}}
        self.wfile.write(f"data: {json.dumps(usage)}\n\ndata: [DONE]\n\n".encode())

    def answer_json(self) -> None:
        self.start(200, "application/json")
        message = {"choices": [{"message": {"content": self.server.text}}]}
        self.wfile.write(json.dumps(message).encode())

    def answer_busy(self) -> None:
        self.start(429, "text/plain", Retry_After="0.05")
        self.wfile.write(b"try later")

    def answer_refuse(self) -> None:
        self.start(401, "text/plain")
        self.wfile.write(f"bad key {self.headers.get('Authorization')}".encode())

    def answer_redirect(self) -> None:
        self.start(307, "text/plain", Location="http://127.0.0.1:9/steal")

    def answer_slow(self) -> None:
        self.start(200, "text/event-stream")
        time.sleep(5)

    def answer_drip(self) -> None:
        self.start(200, "text/event-stream")
        while True:
            self.send_event("play 60\n")
            self.wfile.flush()
            time.sleep(0.02)

    def answer_huge(self) -> None:
        self.start(200, "text/event-stream")
        while True:
            self.send_event("x" * 10_000)

    def answer_endless_line(self) -> None:
        self.start(200, "text/event-stream")
        while True:
            self.wfile.write(b"a" * 65536)

    def answer_garbage(self) -> None:
        self.start(200, "text/event-stream")
        for line in (b"\xff\xfe", b"data: {", b"data: " + b"[" * 5000, b'data: {"choices": 3}'):
            self.wfile.write(line + b"\n")
        self.wfile.write(b'data: {"choices": [{"delta": {"content": 7}}], "usage": "much"}\n')

    def answer_cut(self) -> None:
        self.start(200, "text/event-stream", Content_Length="100000")
        self.send_event(self.server.text)
        self.wfile.flush()
        self.connection.close()


@contextmanager
def run_chat_server(*behaviours: str, text: str = "play 60") -> Iterator[ChatServer]:
    """Run a server with these behaviours, one per request."""
    server = ChatServer(list(behaviours), text)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
