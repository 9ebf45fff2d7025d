"""Benchmark: waiting times on the dashboard, with 13,500 programs in a real browser.

Values are medians with their goals, after the server and the browser have shown each page once:
first paint of a page's main element, on opening and through the navigation; a click on the map to a
card with a playable clip; the server's rerun of a page's script; the size of the map's figure; and
the time per frame while the map moves. Each first visit of Home and Map is of a new server by a new
browser; `bench first_visit` measures these alone.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from statistics import median
from typing import Any
from urllib.parse import quote_plus

from _big_corpus import create_big_corpus
from _dashboard import CHROMIUM, CHROMIUM_FLAGS, serve_dashboard
from _first_visits import MAX_FIRST_VISIT_MS, measure_first_visits
from _page_loading import MAIN_ELEMENTS, get_page_url, wait_for_page
from _streamlit_client import StreamlitClient
from playwright.sync_api import Page, WebSocket, sync_playwright

from core.pipeline.disagreement_search import find_disagreeing_program_pairs
from core.pipeline.map_colour_values import GROUP_LABELS, MEASURE_LABELS
from core.search.aligned_corpus import open_aligned_corpus
from tests.e2e import page_steps

PROGRAM_COUNT, TEMPLATE_COUNT = 13_500, 27
CORPUS_NAME = "big"
MAX_FIRST_VISITS = 3  # Each takes a new server.
PAINTED_PAGES = ("Home", "Map", "Listen", "Compare", "Corpus")
COLOUR_LABELS = (GROUP_LABELS["modality"], GROUP_LABELS["template"], MEASURE_LABELS["error"])
# Goals, as upper limits.
MAX_PAINT_MS = 2000
MAX_SWITCH_MS = 500
MAX_CLICK_MS = 500
MAX_RERUN_MS = 100
MAX_FIGURE_MB = 1.5
HAS_PLAYABLE_CARD = """
(previousSource) => {
  const audio = document.getElementById("earshot-audio");
  const player = document.querySelector(".st-key-card .player");
  return player && player.dataset.src !== previousSource && audio.readyState >= 2
    && audio.src === new URL(player.dataset.src, location).href;
}
"""
IS_SCRIPT_IDLE = (
    "document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'"
)
RECORD_FRAMES = """
() => {
  const times = [];
  let isRecording = true;
  const record = (now) => {
    times.push(now);
    if (isRecording) requestAnimationFrame(record);
  };
  requestAnimationFrame(record);
  window.stopRecording = () => {
    isRecording = false;
    return times.slice(1).map((time, index) => time - times[index]);
  };
}
"""

Row = tuple[str, str]


def run(variants: int = 7) -> list[Row]:
    """Measure every page; return (measure, value) rows.

    Parameters
    ----------
    variants : int
        Repetitions of each measurement.
    """
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"EARSHOT_WORKSPACE": folder, "HF_HUB_OFFLINE": "1"}
        pair_seconds = _create_corpus()
        rows = [("programs", f"{PROGRAM_COUNT:,}")]
        with sync_playwright() as playwright:
            for page_name in MAX_FIRST_VISIT_MS:
                rows += _print_rows(
                    [measure_first_visits(playwright, page_name, min(variants, MAX_FIRST_VISITS))]
                )
        with serve_dashboard() as dashboard, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
            page = browser.new_page(viewport={"width": 1366, "height": 768})
            page.set_default_timeout(120_000)
            message_sizes = _record_message_sizes(page)
            page.goto(f"{dashboard.url}map")
            wait_for_page(page, "Map")
            _show_every_page_once(page)
            rows += _print_rows(_measure_paints(page, dashboard.url, variants))
            rows += _print_rows(_measure_switches(page, variants))
            rows += _print_rows(_measure_map_clicks(page, variants))
            rows += _print_rows(_measure_reruns(dashboard.url, variants))
            rows += _print_rows(_measure_figure_sizes(page, message_sizes, dashboard.url))
            rows += _print_rows(_measure_frames(page))
            browser.close()
        return [*rows, ("search for disagreeing pairs, without a page", f"{pair_seconds:.1f} s")]


def _create_corpus() -> float:
    """Create the corpus with its pairs; return the seconds that the search for pairs took."""
    corpus = create_big_corpus(CORPUS_NAME, PROGRAM_COUNT)
    aligned_corpus = open_aligned_corpus(corpus)
    started = time.perf_counter()
    find_disagreeing_program_pairs(aligned_corpus)
    return time.perf_counter() - started


def _print_rows(rows: list[Row]) -> list[Row]:
    """Print rows to standard error while the other measurements run, and return them."""
    for measure, value in rows:
        print(f"{measure}: {value}", file=sys.stderr, flush=True)
    return rows


# -- Waiting ----------------------------------------------------------------------------------


def _wait_until_idle(page: Page) -> None:
    """Wait until the server sends nothing more."""
    page.wait_for_timeout(150)
    page.wait_for_function(IS_SCRIPT_IDLE)
    page.wait_for_timeout(600)


def _measure_ms(action: Callable[..., object], *arguments: object) -> float:
    started = time.perf_counter()
    action(*arguments)
    return 1000 * (time.perf_counter() - started)


def _format_median_ms(durations_ms: list[float], goal: float) -> str:
    return _format_with_goal(median(durations_ms), goal, "ms", 0)


def _format_with_goal(value: float, goal: float, unit: str, digits: int) -> str:
    verdict = "met" if value < goal else "missed"
    return f"{value:.{digits}f} {unit} (goal: under {goal:g} {unit}, {verdict})"


# -- Measurements -----------------------------------------------------------------------------


def _show_every_page_once(page: Page) -> None:
    for page_name in MAIN_ELEMENTS:
        page.get_by_role("link", name=page_name, exact=True).click()
        wait_for_page(page, page_name)
        _wait_until_idle(page)


def _measure_paints(page: Page, base_url: str, repetitions: int) -> list[Row]:
    """Measure the time from opening a page's address until its main element exists."""

    def open_page(page_name: str) -> None:
        page.goto(get_page_url(base_url, page_name), wait_until="commit")
        wait_for_page(page, page_name)

    rows = []
    for page_name in PAINTED_PAGES:
        durations_ms = []
        for _ in range(repetitions):
            page.goto("about:blank")
            durations_ms.append(_measure_ms(open_page, page_name))
            _wait_until_idle(page)
        rows.append((f"first paint: {page_name}", _format_median_ms(durations_ms, MAX_PAINT_MS)))
    return rows


def _measure_switches(page: Page, repetitions: int) -> list[Row]:
    """Measure the time from a click in the navigation until the page's main element exists."""

    def switch_page(page_name: str, x: float, y: float) -> None:
        page.mouse.click(x, y)
        wait_for_page(page, page_name)

    durations_ms: dict[str, list[float]] = {page_name: [] for page_name in MAIN_ELEMENTS}
    for _ in range(repetitions):
        for page_name in MAIN_ELEMENTS:
            # Finding the link takes time that a user does not wait for.
            box = page.get_by_role("link", name=page_name, exact=True).bounding_box()
            assert box is not None
            x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
            durations_ms[page_name].append(_measure_ms(switch_page, page_name, x, y))
            _wait_until_idle(page)
    return [
        (f"page switch: {page_name}", _format_median_ms(durations, MAX_SWITCH_MS))
        for page_name, durations in durations_ms.items()
    ]


def _measure_map_clicks(page: Page, repetitions: int) -> list[Row]:
    """Measure the time from a click on a point until its program's clip can be played."""

    def click_point(point: dict[str, Any], previous_source: str) -> None:
        page.mouse.click(point["x"], point["y"])
        page.wait_for_function(HAS_PLAYABLE_CARD, arg=previous_source, polling=20)

    page.get_by_role("link", name="Map", exact=True).click()
    wait_for_page(page, "Map")
    _wait_until_idle(page)
    durations_ms = []
    for number in range(repetitions):
        # The code of a program after alignment, each time of another template.
        index = number * PROGRAM_COUNT // TEMPLATE_COUNT
        point = page_steps.locate_point(page, trace=1, index=index)
        source = page.evaluate("document.querySelector('.st-key-card .player')?.dataset.src ?? ''")
        durations_ms.append(_measure_ms(click_point, point, source))
        _wait_until_idle(page)
    value = _format_median_ms(durations_ms, MAX_CLICK_MS)
    return [("click on the map to a card with a playable clip", value)]


def _measure_reruns(base_url: str, repetitions: int) -> list[Row]:
    """Measure reruns of each page's script by a client that has cached earlier messages."""
    rows = []
    with StreamlitClient(base_url) as client:
        for page_name in MAIN_ELEMENTS:
            client.open_page("" if page_name == "Home" else page_name.lower())
            client.rerun()
            durations_ms = [client.rerun() for _ in range(repetitions)]
            assert not client.has_failed, page_name
            value = _format_median_ms(durations_ms, MAX_RERUN_MS)
            rows.append((f"rerun on the server: {page_name}", value))
        client.open_page("corpus")
        durations_ms = [
            client.fill_text_input("Words", f"sleep {number}") for number in range(repetitions)
        ]
        assert not client.has_failed
        value = _format_median_ms(durations_ms, MAX_RERUN_MS)
        rows.append(("rerun on the server: Corpus, with a new search text", value))
    return rows


def _record_message_sizes(page: Page) -> list[int]:
    """Return a list to which the size of every message from the server is appended."""
    sizes: list[int] = []

    def listen(connection: WebSocket) -> None:
        connection.on("framereceived", lambda message: sizes.append(len(message)))

    page.on("websocket", listen)
    return sizes


def _measure_figure_sizes(page: Page, message_sizes: list[int], base_url: str) -> list[Row]:
    rows = []
    for label in COLOUR_LABELS:
        message_sizes.clear()
        page.goto("about:blank")
        page.goto(f"{base_url}map?colour={quote_plus(label)}")
        wait_for_page(page, "Map")
        _wait_until_idle(page)
        value = _format_with_goal(max(message_sizes) / 1e6, MAX_FIGURE_MB, "MB", 2)
        rows.append((f"size of the map's figure, coloured by {label.lower()}", value))
    return rows


def _measure_frames(page: Page) -> list[Row]:
    """Measure the time per frame while the map is dragged and zoomed."""
    page.get_by_role("link", name="Map", exact=True).click()
    wait_for_page(page, "Map")
    _wait_until_idle(page)
    box = page.locator('[class*="st-key-map-"] .js-plotly-plot').bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.5
    rows = []
    for label, move in (("dragged", _drag), ("zoomed", _zoom)):
        page.evaluate(RECORD_FRAMES)
        move(page, x, y)
        durations_ms = sorted(page.evaluate("window.stopRecording()"))
        percentile_95 = durations_ms[int(0.95 * (len(durations_ms) - 1))]
        value = f"{median(durations_ms):.0f} ms, 95 % under {percentile_95:.0f} ms"
        rows.append((f"time per frame while the map is {label}, WebGL in software", value))
    return rows


def _drag(page: Page, x: float, y: float) -> None:
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(60):
        page.mouse.move(x + 2 * step, y + step)
    page.mouse.up()


def _zoom(page: Page, x: float, y: float) -> None:
    page.mouse.move(x, y)
    for step in range(30):
        page.mouse.wheel(0, -60 if step < 15 else 60)
