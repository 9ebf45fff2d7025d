"""What browser tests and screenshots do on the dashboard, in its own words."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, Page, expect

# Decodes what a player names, as the browser would, and measures it.
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
# Whether the tab's one audio element plays the clip of a player, and can go on.
_SOUNDS = """
(src) => {
  const audio = document.getElementById("earshot-audio");
  return audio?.src === new URL(src, location).href && !audio.paused && audio.readyState >= 2
    && audio.currentTime > 0.1;
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


def sounding(player: Locator) -> None:
    """Wait until a player's clip, and so no other, is heard."""
    player.wait_for()
    player.page.wait_for_function(_SOUNDS, arg=player.get_attribute("data-src"))


def heard(page: Page) -> dict[str, Any]:
    """Where the tab's one audio element is: "paused", "at" and "seconds"."""
    return page.evaluate(
        "() => { const audio = document.getElementById('earshot-audio');"
        " return { paused: audio.paused, at: audio.currentTime, seconds: audio.duration }; }"
    )


def measured(player: Locator, *, starts: bool = False) -> dict[str, float]:
    """Play a player's clip; return its length in seconds, as loaded and as decoded, and its RMS.

    Parameters
    ----------
    player : Locator
    starts : bool
        Whether it is to start by itself.
    """
    button = player.locator(".play")
    if not starts:
        button.click()
    sounding(player)
    ready = heard(player.page)["seconds"]
    button.click()
    return {**player.evaluate(_MEASURE), "ready": ready}


def point(page: Page, trace: int, index: int) -> dict[str, Any]:
    """Pixel at which a point of the map lies."""
    page.wait_for_function(
        "!!document.querySelector('[class*=\"st-key-map-\"] .js-plotly-plot')"
        "?._fullLayout?.xaxis?.l2p"
    )
    page.wait_for_timeout(1000)  # WebGL draws after the layout is there
    return page.evaluate(_POINT, [trace, index])
