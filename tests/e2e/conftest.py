"""Fixtures: dashboards on temporary workspaces, a browser, and a page that reports errors."""

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
from playwright.sync_api import Browser, Page, expect, sync_playwright

PROJECT = Path(__file__).resolve().parent.parent.parent
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
# The map needs WebGL; without a GPU, Chromium renders it in software.
FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
# Four templates of different roles: enough programs for a training, and quick to render.
STARTER = {
    "EARSHOT_STARTER_TEMPLATES": "02_1_beeps,02_3_synths,03_1_samples,09_1_live_loop",
    "EARSHOT_STARTER_PER_TEMPLATE": "6",
}
PATIENCE_MS = 400_000


@dataclass(frozen=True)
class Dashboard:
    """A running dashboard."""

    url: str
    workspace: Path
    environment: dict[str, str]


@contextmanager
def serve(
    workspace: Path, *, owns_workspace: bool = True, **environment: str
) -> Iterator[Dashboard]:
    """Run `streamlit run server.py` on a free port, without a model hub, until the block ends.

    Parameters
    ----------
    workspace : Path
    owns_workspace : bool
        Whether the workspace belongs to this server: then its jobs are cancelled at the end.
    environment : str
        Further environment variables.
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
            if owns_workspace:
                _end_jobs(environment)
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()
            if owns_workspace:
                # The server's log helps to explain a failure.
                log.seek(0)
                print(log.read().decode(errors="replace")[-4000:])


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """A dashboard on an empty workspace."""
    with serve(tmp_path_factory.mktemp("workspace")) as running:
        yield running


@pytest.fixture(scope="session")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """A dashboard on a workspace with a real corpus, "starter", of 24 programs and an alignment.

    All tests share it: they may add to it, but must not remove anything.
    """
    with serve(tmp_path_factory.mktemp("stocked")) as running:
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
                env=running.environment,
                check=True,
                timeout=900,
                capture_output=True,
            )
        yield running


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
    """Cancel the jobs, which outlive their server."""
    code = "from core import jobs; [job.cancel() for job in jobs.list_jobs() if job.is_active]"
    subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, env=environment, timeout=120, check=False
    )


@pytest.fixture(scope="session", autouse=True)
def patience_with_doubled_elements() -> None:
    """Make locators wait while a run of the page shows an element twice."""
    from tests.e2e.doubled_elements import be_patient_with_doubled_elements

    be_patient_with_doubled_elements()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser, which each test uses in a context of its own."""
    # Not for the whole session: Playwright's event loop runs in the main thread until it is closed,
    # and other tests need one there.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """A page without cookies or stored data; the test fails if its console shows an error."""
    expect.set_options(timeout=60_000)
    console_errors: list[str] = []
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    opened = context.new_page()
    opened.set_default_timeout(120_000)
    opened.on(
        "console",
        lambda message: (
            console_errors.append(f"{message.text} ({message.location.get('url', '')})")
            if message.type == "error"
            else None
        ),
    )
    opened.on("pageerror", lambda error: console_errors.append(str(error)))
    yield opened
    # The last view helps to explain a failure.
    opened.screenshot(path=tmp_path / "last.png")
    exceptions = opened.locator('[data-testid="stException"]').all_inner_texts()
    exceptions += opened.get_by_text("Something went wrong in Earshot").all_inner_texts()
    context.close()
    assert not exceptions, exceptions
    # A test that stops its server leaves a page that can no longer connect.
    serious = [error for error in console_errors if "net::ERR_CONNECTION_REFUSED" not in error]
    assert not serious, serious
