"""What browser tests and screenshots do on the dashboard, in its own words."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, Page, expect

# Decodes what the player plays, as the browser would, and measures it.
_MEASURE = """
async (audio) => {
  const bytes = await (await fetch(audio.src)).arrayBuffer();
  const decoded = await new OfflineAudioContext(2, 44100, 44100).decodeAudioData(bytes);
  const samples = decoded.getChannelData(0);
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return { seconds: decoded.duration, rms: Math.sqrt(sum / samples.length) };
}
"""
# Where the index-th point of a trace is, in pixels of the page.
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


def settled(page: Page) -> None:
    """Wait until the script has run and everything that it drew is there."""
    page.wait_for_timeout(200)  # a click takes a moment to reach the server
    page.wait_for_function(
        "document.querySelector('[data-testid=\"stApp\"]')?.dataset.testScriptState"
        " === 'notRunning'"
    )
    page.wait_for_function(
        '!document.querySelector(\'[data-testid="stSkeleton"], [data-testid="stSpinner"]\')'
    )


def open_page(page: Page, name: str) -> None:
    """Go to a page through the navigation."""
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("link", name=name, exact=True)).to_have_attribute(
        "aria-current", "page"
    )
    settled(page)


def measured(audio: Locator) -> dict[str, float]:
    """Length in seconds and RMS of what a player plays, once it can play it."""
    audio.wait_for(state="attached")
    loaded = (
        "audio => new Promise(done => audio.readyState >= 2 ? done() : (audio.oncanplay = done))"
    )
    audio.evaluate(loaded)
    return {**audio.evaluate(_MEASURE), "ready": audio.evaluate("audio => audio.duration")}


def point(page: Page, trace: int, index: int) -> dict[str, Any]:
    """Pixel at which a point of the map lies."""
    page.wait_for_function(
        "!!document.querySelector('[class*=\"st-key-map-\"] .js-plotly-plot')"
        "?._fullLayout?.xaxis?.l2p"
    )
    page.wait_for_timeout(1000)  # WebGL draws after the layout is there
    return page.evaluate(_POINT, [trace, index])
