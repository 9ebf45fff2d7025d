"""Benchmark: waiting time of a new user, from an empty workspace to the first neighbour.

Times are seconds since the click on "Build the starter corpus".
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from _dashboard import CHROMIUM, CHROMIUM_FLAGS, serve_dashboard
from playwright.sync_api import Page, expect, sync_playwright

HEADERS = ("step", "time since the first click")
TIMEOUT_MS = 3_600_000


def run(variants: int = 0) -> list[tuple[str, str]]:
    """Build, train and search as a new user does; return (step, time) rows.

    Parameters
    ----------
    variants : int
        Programs per template in a smaller starter corpus without grammar programs. 0: the whole
        recipe.
    """
    with tempfile.TemporaryDirectory() as folder:
        environment = {"EARSHOT_WORKSPACE": folder}
        if variants:
            environment["EARSHOT_STARTER_PER_TEMPLATE"] = str(variants)
        with serve_dashboard(**environment) as dashboard, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
            rows = _follow_home_page(browser.new_page(), dashboard.url)
            browser.close()
        paths = Path(folder).rglob("*")
        workspace_bytes = sum(path.stat().st_size for path in paths if path.is_file())
    return [*rows, ("size of the workspace", f"{workspace_bytes / 1e6:.0f} MB")]


def _follow_home_page(page: Page, url: str) -> list[tuple[str, str]]:
    page.goto(url)
    page.get_by_role("button", name="Build the starter corpus").click()
    started = time.monotonic()
    rows = []

    def record_step(step: str) -> None:
        rows.append((step, f"{time.monotonic() - started:.1f} s"))

    train_button = page.get_by_role("button", name="Train on starter")
    expect(train_button).to_be_enabled(timeout=TIMEOUT_MS)
    record_step("corpus built, training can start")
    train_button.click()
    listen_button = page.get_by_role("button", name="Find clips for code")
    expect(listen_button).to_be_visible(timeout=TIMEOUT_MS)
    record_step("alignment trained")
    listen_button.click()
    play_button = page.locator('[class*="st-key-neighbour-"] .player .play').first
    play_button.click(timeout=TIMEOUT_MS)
    page.wait_for_function(
        "document.getElementById('earshot-audio')?.currentTime > 0", timeout=TIMEOUT_MS
    )
    record_step("first neighbour plays")
    return rows
