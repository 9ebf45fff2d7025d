"""A dashboard that only shows a workspace: on no page is there anything that writes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e import page_steps
from tests.e2e.conftest import Dashboard, serve

PAGES = ("Home", "Generate", "Corpus", "Train", "Map", "Listen", "Compare", "Studies", "Jobs")
WRITES = re.compile(
    r"^(Add|Build|Cancel|Check|Compute|Create|Delete|Embed|Evaluate|Export|Find pairs|Import|Keep"
    r"|Note|Remove|Rename|Render gallery|Repair|Resume|Run|Save|Start|Stop|Train|Upload)",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def shown(stocked: Dashboard) -> Iterator[Dashboard]:
    """The stocked workspace as `./run --read-only` shows it."""
    with serve(stocked.workspace, own=False, EARSHOT_READ_ONLY="1") as found:
        yield found


def test_no_page_has_a_button_that_writes(shown: Dashboard, page: Page) -> None:
    page.goto(shown.url)
    page_steps.settled(page)
    known = page.get_by_test_id("stSidebarNavLink").all_inner_texts()
    assert set(PAGES) == {each.strip().splitlines()[-1] for each in known}
    jobs = sorted(path.name for path in (shown.workspace / "jobs").glob("*"))
    for name in PAGES:
        page_steps.open_page(page, name)
        expect(page.get_by_text("Read-only: nothing can be changed")).to_be_visible()
        buttons = page.get_by_test_id("stMain").get_by_role("button").all()
        labels = [each.get_attribute("aria-label") or each.inner_text() for each in buttons]
        assert not [label for label in labels if WRITES.match(label.strip())], name
        expect(page.locator('input[type="file"]')).to_have_count(0)
    for view in ("Side by side", "Sweep"):
        page.goto(f"{shown.url}train")
        page_steps.settled(page)
        page.get_by_text(view, exact=True).click()
        page_steps.settled(page)
        expect(page.get_by_role("button", name="Start the sweep")).to_have_count(0)
    assert sorted(path.name for path in (shown.workspace / "jobs").glob("*")) == jobs


def test_playing_and_searching_still_work(shown: Dashboard, page: Page) -> None:
    page.goto(f"{shown.url}generate?template=02_1_beeps")
    page_steps.settled(page)
    page.get_by_role("button", name="Render and play").click()
    heard = page_steps.measured(page.locator(".player[data-player-key='preview']"), starts=True)
    assert heard["rms"] > 1e-3
    page_steps.open_page(page, "Listen")
    neighbours = page.locator('[class*="st-key-neighbour-"]')
    expect(neighbours.first).to_be_visible()
    assert page_steps.measured(neighbours.first.locator(".player"))["rms"] > 1e-3
    # What would be refused isn't offered, and that is said.
    expect(page.get_by_text("Read-only: rendering is off")).to_be_visible()
    expect(page.get_by_role("button", name="☆")).to_have_count(0)
    page.get_by_text("From sound to code", exact=True).click()
    expect(page.get_by_text("A clip of this corpus", exact=True)).to_be_visible()
    expect(page.get_by_text("A file", exact=True)).to_have_count(0)
    page.get_by_text("Favourites", exact=True).click()
    expect(page.get_by_text("No favourites yet.", exact=True)).to_be_visible()
