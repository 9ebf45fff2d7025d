"""Real dashboards on workspaces of their own, and a real browser that complains."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

import pytest

PROJECT = Path(__file__).resolve().parent.parent.parent
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
# The map is drawn with WebGL, in software where there is no GPU.
FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
# Four templates of different roles: enough programs to train on, few enough to wait for.
STARTER = {
    "EARSHOT_STARTER_TEMPLATES": "02_1_beeps,02_3_synths,03_1_samples,09_1_live_loop",
    "EARSHOT_STARTER_PER_TEMPLATE": "6",
}
PATIENCE_MS = 400_000


@dataclass(frozen=True)
class Dashboard:
    """A running dashboard: its address and its workspace."""

    url: str
    workspace: Path
    environment: dict[str, str]


@contextmanager
def serve(workspace: Path, *, own: bool = True, **environment: str) -> Iterator[Dashboard]:
    """`streamlit run server.py` on a free port, with no model hub, until the block ends.

    Parameters
    ----------
    workspace : Path
    own : bool
        Whether the workspace is there for this server only: then its jobs end with it.
    environment : str
        Variables to set besides.
    """
    environment = {
        **os.environ,
        **STARTER,
        "EARSHOT_WORKSPACE": str(workspace),
        "HF_HUB_OFFLINE": "1",
        "PYTHONPATH": str(PROJECT),
        **environment,
    }
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "server.py", "--server.port", str(port)],
            cwd=PROJECT,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            _wait_for(f"http://127.0.0.1:{port}/_stcore/health", server)
            yield Dashboard(f"http://127.0.0.1:{port}/", workspace, environment)
        finally:
            if own:
                _end_jobs(environment)
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()
            if own:
                # What the server had to say belongs to a failure's report.
                log.seek(0)
                print(log.read().decode(errors="replace")[-4000:])


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """A dashboard on an empty workspace."""
    with serve(tmp_path_factory.mktemp("workspace")) as found:
        yield found


@pytest.fixture(scope="session")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """A dashboard on a workspace with a real corpus, "starter", of 24 programs and an alignment.

    It is made once for all tests: they may add to it, and take nothing away.
    """
    with serve(tmp_path_factory.mktemp("stocked")) as found:
        for command in (
            [
                "build",
                "starter",
                "--per-template",
                STARTER["EARSHOT_STARTER_PER_TEMPLATE"],
                "--templates",
                *STARTER["EARSHOT_STARTER_TEMPLATES"].split(","),
            ],
            ["train", "starter", "--epochs", "30"],
        ):
            subprocess.run(
                [sys.executable, "-m", "core", *command],
                cwd=PROJECT,
                env=found.environment,
                check=True,
                timeout=900,
                capture_output=True,
            )
        yield found


def _wait_for(url: str, server: subprocess.Popen) -> None:
    for _ in range(600):
        assert server.poll() is None, "the dashboard ended before it answered"
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the dashboard does not answer")


def _end_jobs(environment: dict[str, str]) -> None:
    """Jobs outlive their server, as they should; not this test, though."""
    code = "from core import jobs; [job.cancel() for job in jobs.list_jobs() if job.is_active]"
    subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, env=environment, timeout=120, check=False
    )


@pytest.fixture
def page(tmp_path: Path):
    """A page of a new browser; the test fails on any error in its console."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=60_000)
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = browser.new_context(viewport={"width": 1366, "height": 768})
        opened = context.new_page()
        opened.set_default_timeout(120_000)
        opened.on(
            "console",
            lambda said: (
                complaints.append(f"{said.text} ({said.location.get('url', '')})")
                if said.type == "error"
                else None
            ),
        )
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        yield opened
        # The last thing seen, for whoever wonders why a test failed.
        opened.screenshot(path=tmp_path / "last.png")
        exceptions = opened.locator('[data-testid="stException"]').all_inner_texts()
        exceptions += opened.get_by_text("Something went wrong in Earshot").all_inner_texts()
        browser.close()
    assert not exceptions, exceptions
    # Streamlit asks for these beside an inner page's address before it finds where they are.
    serious = [each for each in complaints if "/_stcore/" not in each]
    assert not serious, serious
