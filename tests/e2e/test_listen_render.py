"""Browser tests of Render on Listen: where its result stands, and what stops playing."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e import page_steps
from tests.e2e.conftest import Dashboard

pytestmark = pytest.mark.timeout(300)
RESULT = ".st-key-snippet-rendering"
PLAYER = ".player[data-player-key='snippet-rendering']"


def render_snippet(page: Page, code: str) -> None:
    """Replace the code and press Render."""
    page.get_by_label("Sonic Pi code").fill(code)
    page.get_by_role("button", name="Render", exact=True).click()


@pytest.mark.parametrize("size", [(1366, 768), (390, 844)])
def test_the_result_of_render_is_in_view(
    stocked: Dashboard, page: Page, size: tuple[int, int]
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(f"{stocked.url}listen?corpus=starter")
    page_steps.wait_until_settled(page)
    page.locator('[class*="st-key-neighbour-"] .play').first.click()
    old_source = page.evaluate("document.getElementById('earshot-audio').src")
    render_snippet(page, "use_synth :saw\nplay 50, release: 2\n")
    page_steps.wait_until_playing(page.locator(PLAYER))
    assert page.evaluate("document.getElementById('earshot-audio').src") != old_source
    box = page.locator(PLAYER).bounding_box()
    assert box is not None and 0 <= box["y"] < size[1] - box["height"]
    # An error stands there too, and the last sound is silent.
    render_snippet(page, "play 60\nplay (\n")
    message = page.locator(RESULT).get_by_test_id("stAlert").first
    expect(message).to_be_in_viewport()
    assert page_steps.get_playback(page)["paused"]
