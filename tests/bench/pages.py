"""How long a musician waits for pages: 13,500 programs, in a real browser.

Medians, each beside its goal, after the server and the browser have shown each page once: until
the page's main thing is there, anew and by the navigation; until a click on the map has led to a
card whose clip can be played; what the server takes to run a page's script again, from a tab's
message to the last one that it gets; how large the map's figure is on its way; and how long a
picture of the map stands while it is moved. What the very first visitor of a new server waits for
stands above them, without a goal.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from contextlib import contextmanager
from statistics import median
from typing import Iterator
from urllib.parse import quote_plus

from _streamlit_client import Client
from playwright.sync_api import Page, sync_playwright

from core.workspace import PROJECT_FOLDER
from tests.e2e import page_steps
from tests.e2e.conftest import CHROMIUM, FLAGS

PROGRAMS = 13_500
NAME = "big"
# The main thing on each page: that for which one opens it.
MAIN = {
    "Home": ".st-key-step-listen",
    "Generate": '[class*="st-key-template-"]',
    "Corpus": '[data-testid="stDataFrame"] canvas',
    "Train": '[data-testid="stMain"] [data-testid="stButton"] button',
    "Map": '[class*="st-key-map-"] .js-plotly-plot .gl-canvas-context',
    "Listen": '[class*="st-key-neighbour-"] .player',
    "Compare": ".playlist-button",
    "Studies": "h1",
    "Jobs": "h1",
}
OWN = ("Map", "Listen", "Compare", "Corpus")  # whose first paint is measured
# At most so many milliseconds, or megabytes.
PAINT, SWITCH, CLICK, RERUN, PAYLOAD = 2000, 500, 500, 100, 1.5
PLAYABLE = """
(before) => {
  const audio = document.getElementById("earshot-audio");
  const player = document.querySelector(".st-key-card .player");
  return player && player.dataset.src !== before && audio.readyState >= 2
    && audio.src === new URL(player.dataset.src, location).href;
}
"""
# Notes when each picture comes, until it is told to stop.
WATCH = """
() => {
  const times = [];
  let on = true;
  const look = (now) => { times.push(now); if (on) requestAnimationFrame(look); };
  requestAnimationFrame(look);
  window.stopWatching = () => { on = false; return times.slice(1).map((t, i) => t - times[i]); };
}
"""


def run(variants: int = 7) -> list[tuple[str, str]]:
    """Measure; return (what, value) rows.

    Parameters
    ----------
    variants : int
        How often each thing is done.
    """
    with tempfile.TemporaryDirectory() as folder:
        os.environ["EARSHOT_WORKSPACE"] = folder
        import _big_corpus
        from core.corpus import Corpus
        from core.pipeline.compare import find_disagreement_pairs
        from core.search.aligned_corpus import open_aligned_corpus

        _big_corpus.make(NAME, PROGRAMS)
        started = time.perf_counter()
        find_disagreement_pairs(open_aligned_corpus(Corpus.open(NAME)))
        compared = time.perf_counter() - started
        with served() as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            page = browser.new_page(viewport={"width": 1366, "height": 768})
            page.set_default_timeout(120_000)
            rows = [("programs", f"{PROGRAMS:,}"), *told(_first(page, address))]
            frames = Frames(page)
            page.goto(f"{address}map")
            shown(page, "Map")
            rows += told(_paints(page, address, variants))
            rows += told(_switches(page, variants))
            rows += told(_clicks(page, variants))
            rows += told(_reruns(address, variants))
            rows += told(_payloads(page, frames, address))
            rows += told(_moves(page))
            browser.close()
        return [*rows, ("comparing all pairs, in core", f"{compared:.1f} s")]


def told(rows: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The same rows, said at once to who waits for the rest."""
    for what, value in rows:
        print(f"{what}: {value}", file=sys.stderr, flush=True)
    return rows


@contextmanager
def served() -> Iterator[str]:
    """A dashboard of its own on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "server.py", "--server.port", str(port)],
        cwd=PROJECT_FOLDER,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5).close()
                break
            except OSError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait()


class Frames:
    """When the browser and the server said something to each other, and how much."""

    def __init__(self, page: Page):
        self.sent: list[float] = []
        self.received: list[tuple[float, int]] = []
        page.on("websocket", self._listen)

    def _listen(self, channel) -> None:
        channel.on("framesent", lambda _: self.sent.append(time.perf_counter()))
        channel.on(
            "framereceived",
            lambda said: self.received.append((time.perf_counter(), len(said))),
        )

    def clear(self) -> None:
        """Forget what was said."""
        self.sent.clear()
        self.received.clear()


def shown(page: Page, name: str) -> None:
    """Wait until a page's main thing is there."""
    page.wait_for_function(
        "([title, main]) =>"
        " document.querySelector('a[aria-current=page]')?.innerText.includes(title)"
        " && document.querySelector('[data-testid=stMain] h1') && document.querySelector(main)",
        arg=[name, MAIN[name]],
        polling=20,
    )


def settled(page: Page) -> None:
    """Wait until the server has nothing more to say."""
    page.wait_for_timeout(150)
    page.wait_for_function(
        "document.querySelector('[data-testid=stApp]').dataset.testScriptState === 'notRunning'"
    )
    page.wait_for_timeout(600)


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - started)


def _ms(spent: list[float], goal: float) -> str:
    return _judged(median(spent), goal, "ms", 0)


def _judged(value: float, goal: float, unit: str, digits: int) -> str:
    """A value beside what it is to stay under."""
    met = "met" if value < goal else "missed"
    return f"{value:.{digits}f} {unit} (goal: under {goal:g} {unit}, {met})"


def _first(page: Page, address: str) -> list[tuple[str, str]]:
    def visit(name: str) -> float:
        def work() -> None:
            page.goto(f"{address}{name.lower()}" if name != "Home" else address)
            shown(page, name)

        return timed(work)

    rows = [
        (f"the first visitor of a new server: {name}", f"{visit(name):.0f} ms")
        for name in ("Home", *OWN)
    ]
    for name in MAIN:
        page.get_by_role("link", name=name, exact=True).click()
        shown(page, name)
        settled(page)
    return rows


def _paints(page: Page, address: str, times: int) -> list[tuple[str, str]]:
    rows = []
    for name in ("Home", *OWN):
        spent = []
        for _ in range(times):
            page.goto("about:blank")

            def work(name: str = name) -> None:
                page.goto(f"{address}{name.lower() if name != 'Home' else ''}", wait_until="commit")
                shown(page, name)

            spent.append(timed(work))
            settled(page)
        rows.append((f"first useful paint: {name}", _ms(spent, PAINT)))
    return rows


def _switches(page: Page, times: int) -> list[tuple[str, str]]:
    spent: dict[str, list[float]] = {name: [] for name in MAIN}
    for _ in range(times):
        for name in MAIN:
            # Where it is: to find that out is no part of what somebody waits for.
            link = page.get_by_role("link", name=name, exact=True).bounding_box()
            x, y = link["x"] + link["width"] / 2, link["y"] + link["height"] / 2

            def work(name: str = name, x: float = x, y: float = y) -> None:
                page.mouse.click(x, y)
                shown(page, name)

            spent[name].append(timed(work))
            settled(page)
    return [(f"page switch: {name}", _ms(each, SWITCH)) for name, each in spent.items()]


def _clicks(page: Page, times: int) -> list[tuple[str, str]]:
    page.get_by_role("link", name="Map", exact=True).click()
    shown(page, "Map")
    settled(page)
    spent = []
    for number in range(times):
        # The code of a program after alignment, each time of another template.
        at = page_steps.point(page, trace=1, index=number * PROGRAMS // 27)
        before = page.evaluate("document.querySelector('.st-key-card .player')?.dataset.src ?? ''")

        def work(at: dict = at, before: str = before) -> None:
            page.mouse.click(at["x"], at["y"])
            page.wait_for_function(PLAYABLE, arg=before, polling=20)

        spent.append(timed(work))
        settled(page)
    return [("click on the map to a card with a playable clip", _ms(spent, CLICK))]


def _reruns(address: str, times: int) -> list[tuple[str, str]]:
    """Ask for each page's script again as a browser does, which has what it was sent before."""
    rows = []
    with Client(address) as client:
        for name in MAIN:
            client.open("" if name == "Home" else name.lower())
            client.rerun()
            spent = [client.rerun() for _ in range(times)]
            assert not client.failed, name
            rows.append((f"server rerun: {name}", _ms(spent, RERUN)))
        client.open("corpus")
        spent = [client.write("Words", f"sleep {number}") for number in range(times)]
        assert not client.failed
        rows.append(("server rerun: Corpus, other words looked for", _ms(spent, RERUN)))
    return rows


def _payloads(page: Page, frames: Frames, address: str) -> list[tuple[str, str]]:
    rows = []
    for colour in ("Code and audio", "Template", "Error: distance of code and sound"):
        frames.clear()
        page.goto("about:blank")
        page.goto(f"{address}map?colour={quote_plus(colour)}")
        shown(page, "Map")
        settled(page)
        largest = max(size for _, size in frames.received)
        by = colour.partition(":")[0].lower()
        told = _judged(largest / 1e6, PAYLOAD, "MB", 2)
        rows.append((f"figure payload, by {by}", told))
    return rows


def _moves(page: Page) -> list[tuple[str, str]]:
    """Drag the map and turn the wheel over it; how long each picture stood until the next."""
    page.get_by_role("link", name="Map", exact=True).click()
    shown(page, "Map")
    settled(page)
    chart = page.locator('[class*="st-key-map-"] .js-plotly-plot').bounding_box()
    x, y = chart["x"] + chart["width"] * 0.25, chart["y"] + chart["height"] * 0.5
    rows = []
    for name, move in (("dragging", _drag), ("zooming", _zoom)):
        page.evaluate(WATCH)
        move(page, x, y)
        stood = page.evaluate("window.stopWatching()")
        late = sorted(stood)[int(0.95 * (len(stood) - 1))]
        rows.append(
            (
                f"a picture of the map while {name}, WebGL in software",
                f"{median(stood):.0f} ms, 95 % under {late:.0f} ms",
            )
        )
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
