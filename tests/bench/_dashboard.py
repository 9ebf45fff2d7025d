"""A dashboard on a free port, and the browser that benchmarks open it with."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from core.workspace import PROJECT_FOLDER

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
# The map is drawn with WebGL, in software where there is no GPU.
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]
START_TIMEOUT_S = 120


class Dashboard(NamedTuple):
    """A running dashboard: its address, with a slash at the end, and the pid of its server."""

    url: str
    pid: int


@contextmanager
def serve_dashboard(**environment: str) -> Iterator[Dashboard]:
    """Run a dashboard, with these environment variables, during the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    server = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "server.py", "--server.port", str(port)],
        cwd=PROJECT_FOLDER,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_healthy(f"{url}_stcore/health")
        yield Dashboard(url, server.pid)
    finally:
        server.terminate()
        server.wait()


def _wait_until_healthy(url: str) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(f"{url} does not respond")
