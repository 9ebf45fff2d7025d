"""Browser tests of a new user's way to the first neighbour, with the real Sonic Pi."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from playwright.sync_api import Page, expect

from tests.e2e import page_steps
from tests.e2e.conftest import PATIENCE_MS, PROJECT, Dashboard

pytestmark = pytest.mark.timeout(1500)


def test_from_an_empty_workspace_to_the_first_neighbour(dashboard: Dashboard, page: Page) -> None:
    page.goto(dashboard.url)
    page_steps.wait_until_settled(page)
    expect(page.get_by_text("24 programs with 18 s clips")).to_be_visible()
    page.get_by_role("button", name="Build the starter corpus").click()

    # The job shows its progress, also after a reload.
    panel = page.locator('[class*="st-key-job-"]')
    expect(panel.get_by_text("Build the starter corpus")).to_be_visible()
    page.reload()
    expect(panel.get_by_text("Build the starter corpus")).to_be_visible()
    expect(panel.get_by_role("button", name="Cancel")).to_be_visible()

    # When it has ended, the page offers the next step.
    train = page.get_by_role("button", name="Train on starter")
    expect(train).to_be_enabled(timeout=PATIENCE_MS)
    page_steps.wait_until_settled(page)
    train.click()
    listen = page.get_by_role("button", name="Find clips for code")
    expect(listen).to_be_visible(timeout=PATIENCE_MS)
    page_steps.wait_until_settled(page)
    listen.click()

    # An example snippet and its nearest clips are shown.
    expect(page.get_by_role("heading", name="Listen")).to_be_visible()
    neighbours = page.locator('[class*="st-key-neighbour-"]')
    expect(neighbours).to_have_count(6, timeout=PATIENCE_MS)
    page_steps.wait_until_settled(page)
    for number in range(6):
        clip = page_steps.measure_clip(neighbours.nth(number).locator(".player"))
        assert clip["ready"] == pytest.approx(18, abs=0.05)
        assert clip["seconds"] == pytest.approx(18, abs=0.05)
        assert clip["rms"] > 1e-3


@pytest.fixture
def trained(dashboard: Dashboard) -> None:
    """A corpus with an alignment, built by commands if the test above did not run."""
    for command in (
        [
            "build",
            "starter",
            "--per-template",
            "6",
            "--templates",
            *dashboard.environment["EARSHOT_STARTER_TEMPLATES"].split(","),
        ],
        ["train", "starter"],
    ):
        if command[0] == "train" and list(
            dashboard.workspace.glob("corpora/starter/alignments/0*")
        ):
            return
        subprocess.run(
            [sys.executable, "-m", "core", *command],
            cwd=PROJECT,
            env=dashboard.environment,
            check=True,
            timeout=900,
            capture_output=True,
        )


def test_other_code_finds_other_clips_and_one_plays_at_a_time(
    dashboard: Dashboard, trained: None, page: Page
) -> None:
    page.goto(dashboard.url)
    page_steps.wait_until_settled(page)
    page_steps.open_page(page, "Listen")
    neighbours = page.locator('[class*="st-key-neighbour-"]')
    expect(neighbours).to_have_count(6)
    similarities = neighbours.get_by_text(re.compile("^similarity"))
    before = similarities.all_inner_texts()
    page.get_by_role("textbox", name="Sonic Pi code").fill(
        "use_bpm 120\nlive_loop :drums do\n  sample :bd_haus\n  sleep 1\nend\n"
    )
    # The clips update once the user stops typing.
    expect(similarities).not_to_have_text(before)
    page_steps.wait_until_settled(page)
    expect(neighbours).to_have_count(6)

    players = page.locator('[class*="st-key-neighbour-"] .player')
    players.nth(0).locator(".play").click()
    page_steps.wait_until_playing(players.nth(0))
    # A click on the waveform plays from there and stops the other clip.
    players.nth(1).locator(".waveform").click()
    page_steps.wait_until_playing(players.nth(1))
    assert 8 < page_steps.get_playback(page)["at"] < 14
    expect(players.nth(0).locator(".time")).to_have_text("0:00 / 0:18")
    expect(page.locator("audio")).to_have_count(1)

    # Space pauses, except in the editor; arrow keys move between the neighbours.
    page.get_by_role("heading", name="Listen").click()
    page.keyboard.press("Space")
    assert page_steps.get_playback(page)["paused"]
    page.keyboard.press("ArrowDown")
    page_steps.wait_until_playing(players.nth(2))
    players.nth(2).locator(".next").click()
    page_steps.wait_until_playing(players.nth(3))
    page.get_by_role("textbox", name="Sonic Pi code").press("Space")
    assert not page_steps.get_playback(page)["paused"]

    # Another page stops the clip.
    page_steps.open_page(page, "Home")
    page.wait_for_function("document.getElementById('earshot-audio').paused")


def test_a_rendered_snippet_plays_or_shows_the_line_of_its_error(
    dashboard: Dashboard, trained: None, page: Page
) -> None:
    page.goto(dashboard.url)
    page_steps.wait_until_settled(page)
    page_steps.open_page(page, "Listen")
    editor = page.get_by_role("textbox", name="Sonic Pi code")
    editor.fill("play 60, release: 4\nsleep 4\nplay 64, release: 4\n")
    page.get_by_role("button", name="Render", exact=True).click()
    clip = page_steps.measure_clip(
        page.locator(".player[data-player-key='snippet-rendering']"), starts=True
    )
    assert clip["ready"] == pytest.approx(18, abs=0.05)
    assert clip["rms"] > 1e-3

    # An error ends its thread; what sounded before it is played, with a warning.
    editor.fill("play 60\nsleep 1\nplay nothing_of_that_name\n")
    page.get_by_role("button", name="Render", exact=True).click()
    message = page.locator(".st-key-snippet-rendering").get_by_text("line 3")
    expect(message).to_be_visible()
    expect(page.locator(".player[data-player-key='snippet-rendering']")).to_be_visible()

    editor.fill("use_synth :saw\nsleep 1\nplay nothing_of_that_name, amp: 2\n")
    page.get_by_role("button", name="Render", exact=True).click()
    expect(message).to_be_visible()
    expect(page.locator(".player[data-player-key='snippet-rendering']")).to_have_count(0)
