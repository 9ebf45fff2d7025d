"""Steps that browser tests, screenshots and benchmarks share."""

from __future__ import annotations

import time
from typing import Any

from playwright.sync_api import Locator, Page, TimeoutError, expect

# Attempts at an input that a run of the page may undo, and how long the effect of each may take.
MAX_ATTEMPTS = 6
ATTEMPT_MS = 10_000
PLAYING_TIMEOUT_S = 120
MAX_LAYOUT_SHIFT = 0.02  # As browsers score it; 0.1 is a good page by Google's Core Web Vitals.

# Decodes a player's clip as the browser does, and measures it.
_MEASURE = """
async (player) => {
  const bytes = await (await fetch(player.dataset.src)).arrayBuffer();
  const decoded = await new OfflineAudioContext(2, 44100, 44100).decodeAudioData(bytes);
  const samples = decoded.getChannelData(0);
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return { seconds: decoded.duration, rms: Math.sqrt(sum / samples.length) };
}
"""
# Whether the tab's audio element plays the clip of one of these players, or has played it to its
# end: a short clip may end before a slow browser answers.
_IS_ANY_PLAYING = """
(players) => {
  const audio = document.getElementById("earshot-audio");
  const urls = players.map((player) => new URL(player.dataset.src, location).href);
  return urls.includes(audio?.src) && audio.played.length > 0 && audio.played.end(0) > 0.1
    && (!audio.paused || audio.ended);
}
"""
# The position of a point of a trace, in pixels of the page.
_POINT = """
([trace, index]) => {
  const chart = document.querySelector('[class*="st-key-map-"] .js-plotly-plot');
  const { x, y, xaxis, yaxis } = chart._fullData[trace];
  const across = chart._fullLayout["xaxis" + xaxis.slice(1)];
  const down = chart._fullLayout["yaxis" + yaxis.slice(1)];
  const box = chart.getBoundingClientRect();
  return {
    x: box.left + across._offset + across.l2p(x[index]),
    y: box.top + down._offset + down.l2p(y[index]),
  };
}
"""


# Waits until the browser is idle, and then for an answer of the server: by then the server has
# received what the browser sent before.
_WAIT_UNTIL_SENT = """
async () => {
  await new Promise((resolve) => requestIdleCallback(resolve, { timeout: 10000 }));
  await fetch("/_stcore/health");
  await new Promise((resolve) => requestIdleCallback(resolve, { timeout: 10000 }));
}
"""


# All layout shifts since the page was loaded that no click or key has caused, and what moved.
_LAYOUT_SHIFTS = """
() => new Promise((resolve) => {
  const describe = ({ node, previousRect, currentRect }) => {
    const element = node?.nodeType === 1 ? node : node?.parentElement;
    const keys = [...(element?.closest('[class*="st-key-"]')?.classList ?? [])];
    const format = ({ x, y, width, height }) => [x, y, width, height].map(Math.round).join(" ");
    return [element?.className, keys.find((name) => name.startsWith("st-key-")),
      format(previousRect), "to", format(currentRect)].join(" ");
  };
  const list = (entries) => entries.getEntries()
    .filter((entry) => !entry.hadRecentInput)
    .map((entry) => [entry.value, entry.sources.map(describe).join("; ")]);
  new PerformanceObserver((entries) => resolve(list(entries))).observe(
    { type: "layout-shift", buffered: true });
  setTimeout(() => resolve([]), 1000);
})
"""


def measure_layout_shift(page: Page) -> tuple[float, str]:
    """Return how much the page has moved by itself since it was loaded, and what has moved.

    The first value is the sum of the scores that browsers give; the second one is for messages.
    """
    shifts = page.evaluate(_LAYOUT_SHIFTS)
    return sum(value for value, _ in shifts), "\n".join(
        f"{value:.4f} {text}" for value, text in shifts
    )


def wait_until_settled(page: Page) -> None:
    """Wait until the script has run and everything is drawn."""
    page.wait_for_timeout(200)  # Streamlit sends some inputs after up to 150 ms.
    page.evaluate(_WAIT_UNTIL_SENT)
    page.wait_for_function(
        "document.querySelector('[data-testid=\"stApp\"]')?.dataset.testScriptState"
        " === 'notRunning'"
    )
    page.wait_for_function(
        '!document.querySelector(\'[data-testid="stSkeleton"], [data-testid="stSpinner"]\')'
    )


def wait_until_still(locator: Locator) -> dict[str, float]:
    """Wait until an element no longer moves, and return its box in pixels of the page."""
    locator.evaluate(
        """async (element) => {
          const getBox = () => JSON.stringify(element.getBoundingClientRect());
          const start = performance.now();
          for (let box = null, frames = 0; frames < 8 && performance.now() < start + 20000; ) {
            await new Promise(requestAnimationFrame);
            frames = getBox() === box ? frames + 1 : 0;
            box = getBox();
          }
        }"""
    )
    box = locator.bounding_box()
    assert box
    return dict(box)


def select_table_row(page: Page, table: Locator, number: int) -> None:
    """Select a row of a table by its checkbox; the first row is 0.

    A table that a run draws again loses a click, so click until the row is selected.
    """
    table.locator("canvas[data-testid='data-grid-canvas']").first.wait_for()
    table.scroll_into_view_if_needed()
    row = table.locator(f"tr[aria-rowindex='{number + 2}'][aria-selected='true']")
    for attempt in range(1, MAX_ATTEMPTS + 1):
        box = wait_until_still(table)
        page.mouse.click(box["x"] + 18, box["y"] + 34 + 33 * number + 16)
        try:
            row.wait_for(state="attached", timeout=ATTEMPT_MS)
            break
        except TimeoutError:
            if attempt == MAX_ATTEMPTS:
                raise
    wait_until_settled(page)


def choose_option(page: Page, combobox: Locator, name: str, *, typed: str = "") -> None:
    """Choose the first option whose name contains `name`, after typing a filter.

    A run that draws the combobox again closes its list, so open it until the option is there.
    """
    for attempt in range(1, MAX_ATTEMPTS + 1):
        combobox.click()
        if typed:
            page.keyboard.type(typed)
        try:
            page.get_by_role("option", name=name).first.click(timeout=ATTEMPT_MS)
            break
        except TimeoutError:
            if attempt == MAX_ATTEMPTS:
                raise
            page.keyboard.press("Escape")
    wait_until_settled(page)


def expect_editor_code(page: Page, code: str) -> None:
    """Wait until the code editor holds exactly this code, which must be short."""
    expect(page.locator(".cm-line")).to_have_text(code.split("\n"))


def open_page(page: Page, name: str) -> None:
    """Open a page by its link in the navigation."""
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("link", name=name, exact=True)).to_have_attribute(
        "aria-current", "page"
    )
    wait_until_settled(page)


def wait_until_playing(players: Locator) -> None:
    """Wait until the clip of one of these players is playing, or has played to its end.

    A run of the page may replace a player, so look for the players again at each attempt.
    """
    players.first.wait_for()
    deadline = time.monotonic() + PLAYING_TIMEOUT_S
    while not players.evaluate_all(_IS_ANY_PLAYING):
        assert time.monotonic() < deadline, "No clip of these players has started to play."
        players.page.wait_for_timeout(50)


def get_playback(page: Page) -> dict[str, Any]:
    """Return the state of the tab's audio element: "paused", "at" and "seconds"."""
    return page.evaluate(
        "() => { const audio = document.getElementById('earshot-audio');"
        " return { paused: audio.paused, at: audio.currentTime, seconds: audio.duration }; }"
    )


def measure_clip(player: Locator, *, starts: bool = False) -> dict[str, float]:
    """Play a player's clip and measure it.

    Parameters
    ----------
    player : Locator
    starts : bool
        Whether the clip must start by itself.

    Returns
    -------
    dict
        Its length in seconds, as decoded ("seconds") and as loaded ("ready"), and its "rms".
    """
    button = player.locator(".play")
    if not starts:
        button.click()
    wait_until_playing(player)
    ready = get_playback(player.page)["seconds"]
    button.click()
    return {**player.evaluate(_MEASURE), "ready": ready}


def locate_point(page: Page, trace: int, index: int) -> dict[str, Any]:
    """Return the position of a point of the map, in pixels of the page."""
    page.wait_for_function(
        "!!document.querySelector('[class*=\"st-key-map-\"] .js-plotly-plot')"
        "?._fullLayout?.xaxis?.l2p"
    )
    page.wait_for_timeout(1000)  # WebGL draws after the layout is complete.
    return page.evaluate(_POINT, [trace, index])
