"""First visits: a server that has just started, and a browser that has never seen it."""

from __future__ import annotations

import time
from statistics import median

from _dashboard import CHROMIUM, CHROMIUM_FLAGS, serve_dashboard
from _page_loading import get_page_url, wait_for_page
from playwright.sync_api import Page, Playwright

# Goals, as upper limits.
MAX_FIRST_VISIT_MS = {"Home": 2000, "Map": 4000}


def measure_first_visits(
    playwright: Playwright, page_name: str, repetitions: int
) -> tuple[str, str]:
    """Measure visits of a page, each as the first one of a new server by a new browser.

    The browser starts before the server, and opens the page as soon as the server responds.

    Parameters
    ----------
    playwright : Playwright
    page_name : str
        A key of `MAX_FIRST_VISIT_MS`.
    repetitions : int

    Returns
    -------
    (str, str)
        The measure, and its median in milliseconds from opening the address until the main element
        has been painted, with the range and the ratio to the goal.
    """
    durations_ms = []
    for _ in range(repetitions):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.set_default_timeout(120_000)
        with serve_dashboard() as dashboard:
            started = time.perf_counter()
            page.goto(get_page_url(dashboard.url, page_name), wait_until="commit")
            wait_for_page(page, page_name)
            wait_for_paint(page)
            durations_ms.append(1000 * (time.perf_counter() - started))
            browser.close()
    goal_ms = MAX_FIRST_VISIT_MS[page_name]
    middle = median(durations_ms)
    value = (
        f"{middle:.0f} ms ({min(durations_ms):.0f} to {max(durations_ms):.0f}),"
        f" {middle / goal_ms:.2f} of the goal of {goal_ms} ms"
    )
    return f"first visit of a new server: {page_name}", value


def wait_for_paint(page: Page) -> None:
    """Wait until the browser has painted what the page holds now."""
    page.evaluate(
        "() => new Promise((resolve) =>"
        " requestAnimationFrame(() => requestAnimationFrame(() => resolve())))"
    )
