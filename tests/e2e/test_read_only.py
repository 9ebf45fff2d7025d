"""Browser tests of read-only mode: no page has a button that writes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e import page_steps
from tests.e2e.conftest import Dashboard, serve

PAGES = (
    "Home",
    "Generate",
    "Corpus",
    "Train",
    "Map",
    "Listen",
    "Suggest",
    "Compare",
    "Studies",
    "Jobs",
)
WRITES = re.compile(
    r"^(Add|Build|Cancel|Check|Compose|Compute|Create|Delete|Embed|Evaluate|Export|Find pairs"
    r"|Import|Keep|Note|Remove|Rename|Render gallery|Repair|Resume|Run|Save|Start|Stop|Train"
    r"|Samples|Upload)",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def read_only(stocked: Dashboard) -> Iterator[Dashboard]:
    """The stocked workspace in a dashboard started by `./run --read-only`."""
    with serve(stocked.workspace, owns_workspace=False, EARSHOT_READ_ONLY="1") as running:
        yield running


def test_no_page_has_a_button_that_writes(read_only: Dashboard, page: Page) -> None:
    page.goto(read_only.url)
    page_steps.wait_until_settled(page)
    links = page.get_by_test_id("stSidebarNavLink").all_inner_texts()
    assert set(PAGES) == {link.strip().splitlines()[-1] for link in links}
    jobs = sorted(path.name for path in (read_only.workspace / "jobs").glob("*"))
    for name in PAGES:
        page_steps.open_page(page, name)
        expect(page.get_by_text("Read-only: nothing can be changed")).to_be_visible()
        buttons = page.get_by_test_id("stMain").get_by_role("button").all()
        # Those of the code editor write to the visitor's own browser alone.
        buttons = [button for button in buttons if not button.get_attribute("data-control")]
        labels = [button.get_attribute("aria-label") or button.inner_text() for button in buttons]
        assert not [label for label in labels if WRITES.match(label.strip())], name
        expect(page.locator('input[type="file"]')).to_have_count(0)
        # Commands are for who started the dashboard.
        expect(page.get_by_test_id("stMain")).not_to_contain_text("./run")
    for view in ("Side by side", "Sweep"):
        page.goto(f"{read_only.url}train")
        page_steps.wait_until_settled(page)
        page.get_by_text(view, exact=True).click()
        page_steps.wait_until_settled(page)
        expect(page.get_by_role("button", name="Start the sweep")).to_have_count(0)
    assert sorted(path.name for path in (read_only.workspace / "jobs").glob("*")) == jobs


def test_playing_and_searching_still_work(read_only: Dashboard, page: Page) -> None:
    page.goto(f"{read_only.url}generate?template=02_1_beeps")
    page_steps.wait_until_settled(page)
    page.get_by_role("button", name="Render and play").click()
    clip = page_steps.measure_clip(page.locator(".player[data-player-key='preview']"), starts=True)
    assert clip["rms"] > 1e-3
    page_steps.open_page(page, "Listen")
    neighbours = page.locator('[class*="st-key-neighbour-"]')
    expect(neighbours.first).to_be_visible()
    assert page_steps.measure_clip(neighbours.first.locator(".player"))["rms"] > 1e-3
    # Controls that would be refused are not drawn; a notice explains why.
    expect(page.get_by_text("Read-only: rendering is off")).to_be_visible()
    expect(page.get_by_role("button", name="☆")).to_have_count(0)
    page.get_by_text("From sound to code", exact=True).click()
    expect(page.get_by_text("A clip of this corpus", exact=True)).to_be_visible()
    expect(page.get_by_text("A file", exact=True)).to_have_count(0)
    page.get_by_text("Favourites", exact=True).click()
    expect(page.get_by_text("No favourites yet.", exact=True)).to_be_visible()


def test_the_owners_renderings_are_private(read_only: Dashboard, page: Page) -> None:
    # Its play history, its single renders, and whatever else is in no corpus.
    private_clips = [f"{name}/private.flac" for name in ("heard", "renders", "jobs/1", "other")]
    for name in private_clips:
        path = read_only.workspace / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(b"fLaC")
    folder = read_only.workspace / "heard"
    history = [{"path": "heard/private.flac", "name": "secret", "played_at": 1.0}]
    (folder / "heard.json").write_text(json.dumps(history))
    page.goto(read_only.url)
    page_steps.wait_until_settled(page)
    expect(page.get_by_role("heading", name="Corpora")).to_be_visible()
    expect(page.get_by_text("Recently played")).to_have_count(0)
    expect(page.get_by_role("button", name="Generate more programs")).to_have_count(0)
    for name in private_clips:
        for route in ("file", "loudness/file"):
            answer = page.request.get(f"{read_only.url}sound/{route}/{name}")
            assert answer.status == 404
        (read_only.workspace / name).unlink()
    (read_only.workspace / "jobs" / "1").rmdir()
    (folder / "heard.json").unlink()
