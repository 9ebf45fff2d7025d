"""How long a newcomer waits: from an empty workspace's button to the first neighbour, in a browser."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from core.workspace import PROJECT_FOLDER

PATIENCE_MS = 3_600_000
CHROMIUM = "/usr/bin/chromium"


def run(variants: int = 8) -> list[tuple[str, str]]:
    """Walk the way; return (step, seconds since the button) rows.

    Parameters
    ----------
    variants : int
        Programs of each template in the starter corpus.
    """
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "EARSHOT_WORKSPACE": folder,
            "EARSHOT_STARTER_PER_TEMPLATE": str(variants),
        }
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "server.py", "--server.port", str(port)],
            cwd=PROJECT_FOLDER,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_for(f"http://127.0.0.1:{port}/_stcore/health")
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=CHROMIUM, args=["--no-sandbox"] if os.geteuid() == 0 else []
                )
                rows = _walk(browser.new_page(), f"http://127.0.0.1:{port}/")
                browser.close()
        finally:
            server.terminate()
            server.wait()
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    return [*rows, ("workspace", f"{size / 1e6:.0f} MB")]


def _walk(page: Page, address: str) -> list[tuple[str, str]]:
    page.goto(address)
    page.get_by_role("button", name="Build the starter corpus").click()
    started = time.monotonic()
    rows = []

    def passed(step: str) -> None:
        rows.append((step, f"{time.monotonic() - started:.1f} s"))

    train = page.get_by_role("button", name="Train on starter")
    expect(train).to_be_enabled(timeout=PATIENCE_MS)
    passed("corpus built, the page offers to train")
    train.click()
    listen = page.get_by_role("button", name="Find clips for code")
    expect(listen).to_be_visible(timeout=PATIENCE_MS)
    passed("trained, the page leads to Listen")
    listen.click()
    play = page.locator('[class*="st-key-neighbour-"] .player .play').first
    play.click(timeout=PATIENCE_MS)
    page.wait_for_function(
        "document.getElementById('earshot-audio')?.currentTime > 0", timeout=PATIENCE_MS
    )
    passed("the first neighbour is heard")
    return rows


def _wait_for(address: str) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(f"{address} does not answer")
