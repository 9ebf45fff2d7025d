"""Browser tests of Listen and Compare: search by sound, favourites and pairs."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, TimeoutError, expect

from core import sonicpi
from tests.e2e import page_steps
from tests.e2e.conftest import PATIENCE_MS, Dashboard

pytestmark = pytest.mark.timeout(900)
NEIGHBOURS = '[class*="st-key-neighbour-"]'


def test_a_sound_finds_code(stocked: Dashboard, page: Page) -> None:
    page.goto(f"{stocked.url}listen?corpus=starter&way=From+sound+to+code")
    page_steps.wait_until_settled(page)
    # A clip of the corpus, found by a word of its code.
    expect(page.locator(NEIGHBOURS)).to_have_count(6)
    page.get_by_role("textbox", name="Words").fill("sample")
    page.keyboard.press("Enter")
    page_steps.wait_until_settled(page)
    expect(page.get_by_text("match.")).to_be_visible()
    page_steps.wait_until_settled(page)  # The player below it is drawn last.
    clip = page_steps.measure_clip(page.locator(".player[data-player-key='query']"))
    assert clip["rms"] > 1e-3
    # An uploaded file.
    page.get_by_text("A file", exact=True).click()
    expect(page.get_by_text("Upload a sound to find")).to_be_visible()
    sound = sonicpi.render("play 50, release: 2, amp: 0.5", seconds=3).encode_audio_file(".wav")
    page.locator('input[type="file"]').set_input_files(
        {"name": "mine.wav", "mimeType": "audio/wav", "buffer": sound}
    )
    expect(page.locator(NEIGHBOURS)).to_have_count(6)
    page_steps.wait_until_settled(page)
    clip = page_steps.measure_clip(page.locator(".player[data-player-key='query']"))
    assert clip["ready"] == pytest.approx(3, abs=0.05)
    # A file that is not audio.
    page.locator('input[type="file"]').set_input_files(
        {"name": "none.wav", "mimeType": "audio/wav", "buffer": io.BytesIO(b"RIFF none").read()}
    )
    expect(page.get_by_text("cannot be read as a sound")).to_be_visible()


def test_a_favourite_is_saved_with_its_note(stocked: Dashboard, page: Page) -> None:
    page.goto(f"{stocked.url}listen?corpus=starter")
    page_steps.wait_until_settled(page)
    expect(page.locator(NEIGHBOURS)).to_have_count(6)
    page_steps.wait_until_settled(page)
    first = page.locator(NEIGHBOURS).first
    star = '[class*="st-key-star-"] button:visible'
    # Pressed again while it still seems to do nothing, it does the same and does not undo it.
    first.locator(star).focus()
    first.locator(star).evaluate(
        """(button) => new Promise((resolve) => {
          button.click();
          setTimeout(() => resolve(button.click()), 400);
        })"""
    )
    page_steps.wait_until_settled(page)
    expect(first.locator(star)).to_have_text("★")
    expect(first.locator(star)).to_be_focused()
    page.get_by_text("Favourites", exact=True).click()
    page_steps.wait_until_settled(page)
    favourite = page.locator('[class*="st-key-favourite-"]')
    expect(favourite).to_have_count(1)
    favourite.get_by_placeholder("A note").fill("for the drop")
    favourite.get_by_placeholder("A note").press("Tab")
    page_steps.wait_until_settled(page)
    assert page_steps.measure_clip(favourite.locator(".player"))["rms"] > 1e-3
    # Another visit shows it: it is saved on disk.
    page.goto(f"{stocked.url}listen?corpus=starter&way=Favourites")
    page_steps.wait_until_settled(page)
    expect(favourite.get_by_placeholder("A note")).to_have_value("for the drop")
    with page.expect_download() as download_info:
        page.get_by_role("button", name="Export").click()
    with open(download_info.value.path(), encoding="utf-8") as file:
        assert "for the drop" in file.read()
    favourite.locator(star).click()
    expect(page.get_by_text("No favourites yet")).to_be_visible()


def test_pairs_are_found_by_a_job_and_played_in_turn(stocked: Dashboard, page: Page) -> None:
    page.goto(f"{stocked.url}compare?corpus=starter")
    page_steps.wait_until_settled(page)
    page.get_by_role("button", name="Find pairs").click()
    # A reload and another tab show the same job.
    running = page.locator('[class*="st-key-job-"]').get_by_text("Compare the programs of starter")
    expect(running).to_be_visible()
    page.reload()
    both = page.locator(".playlist-button")
    expect(running.or_(both)).to_be_visible()
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.locator(".playlist-button")).to_be_visible(timeout=PATIENCE_MS)
    other.close()
    expect(both).to_be_visible(timeout=PATIENCE_MS)
    # A visit with pairs: nothing moves by itself.
    page.reload()
    expect(both).to_be_visible()
    page_steps.wait_until_settled(page)
    shift, moved_elements = page_steps.measure_layout_shift(page)
    assert shift < page_steps.MAX_LAYOUT_SHIFT, moved_elements

    # The clips play one after the other, with one audio element.
    players = [page.locator(f".player[data-player-key='{name}']") for name in ("first", "second")]
    both.click()
    page_steps.wait_until_playing(players[0])
    page.evaluate("document.getElementById('earshot-audio').currentTime = 5.7")
    page_steps.wait_until_playing(players[1])
    # Playing a clip ends the playlist.
    players[0].locator(".play").click()
    page_steps.wait_until_playing(players[0])
    page.evaluate("document.getElementById('earshot-audio').currentTime = 5.9")
    page.wait_for_timeout(400)
    page_steps.wait_until_playing(players[0])

    # The URL names the open pair; the other kind has its own pairs.
    page.locator(".st-key-next-pair button:visible").click()
    page_steps.wait_until_settled(page)
    expect(page.get_by_text("Pair 2 of")).to_be_visible()
    assert "pair=" in page.url
    page.go_back()
    expect(page.get_by_text("Pair 1 of")).to_be_visible()
    page.get_by_text("Sounding alike, written differently").click()
    page_steps.wait_until_settled(page)
    expect(page.get_by_text("Pair 1 of")).to_be_visible()
    page.get_by_text("After alignment", exact=True).click()
    page_steps.wait_until_settled(page)
    expect(page.get_by_text("Pair 1 of")).to_be_visible()
    # Both programs have the menu that all cards have.
    page.locator('.st-key-pair-second [class*="st-key-more-"] button:visible').click()
    page.get_by_test_id("stPopoverBody").get_by_role("button", name="Show on map").click()
    expect(page.get_by_role("heading", name="Map")).to_be_visible()
    expect(page.locator(".st-key-card .player")).to_be_visible()


def open_menu_of_row(page: Page, row: Locator) -> None:
    """Open the menu of a row; a run of the page after typing may close it once more."""
    code_button = page.get_by_test_id("stPopoverBody").get_by_role(
        "button", name="Code", exact=True
    )
    for attempt in range(1, page_steps.MAX_ATTEMPTS + 1):
        row.locator('[class*="st-key-more-"] button:visible').click()
        try:
            code_button.wait_for(timeout=page_steps.ATTEMPT_MS)
            return
        except TimeoutError:
            if attempt == page_steps.MAX_ATTEMPTS:
                raise


def test_a_row_puts_its_code_into_the_editor_and_opens_the_map(
    stocked: Dashboard, page: Page
) -> None:
    page.goto(f"{stocked.url}listen?corpus=starter")
    page_steps.wait_until_settled(page)
    editor = page.get_by_label("Sonic Pi code")
    editor.fill("play 60, release: 0.5")
    page_steps.wait_until_settled(page)
    # Six rows are there by default, and all of them fit on a small screen.
    rows = page.locator(NEIGHBOURS)
    expect(rows).to_have_count(6)
    boxes = [row.bounding_box() for row in rows.all()]
    assert all(box and 0 <= box["y"] and box["y"] + box["height"] <= 768 for box in boxes)
    # The menu has the whole code, and files to download.
    menu = page.get_by_test_id("stPopoverBody")
    open_menu_of_row(page, rows.first)
    for name, suffix in (("Code", ".rb"), ("Clip", ".flac")):
        with page.expect_download() as download_info:
            menu.get_by_role("button", name=name, exact=True).click()
        assert download_info.value.suggested_filename.endswith(suffix)
        data = Path(download_info.value.path()).read_bytes()
        assert data.startswith(b"fLaC") or b"play" in data or b"sample" in data
    menu.get_by_role("button", name="Use this code").click()
    expect(page.locator(".cm-line")).not_to_have_count(1)
    editor.press("Control+z")
    page_steps.expect_editor_code(page, "play 60, release: 0.5")
    page_steps.wait_until_settled(page)
    page.reload()  # Closes the menu.
    page_steps.wait_until_settled(page)
    rows.first.locator('[class*="st-key-more-"] button:visible').click()
    menu.get_by_role("button", name="Suggest from here").click()
    expect(page.get_by_role("heading", name="Suggest")).to_be_visible()
    expect(page.locator(".cm-line")).not_to_have_count(1)
    page.goto(f"{stocked.url}listen?corpus=starter")
    page_steps.wait_until_settled(page)
    rows.first.locator('[class*="st-key-more-"] button:visible').click()
    menu.get_by_role("button", name="Show on map").click()
    expect(page.get_by_role("heading", name="Map")).to_be_visible()
    expect(page.locator(".st-key-card .player")).to_be_visible()


def test_one_bar_controls_what_plays_in_all_tabs(stocked: Dashboard, page: Page) -> None:
    page.goto(f"{stocked.url}listen?corpus=starter")
    page_steps.wait_until_settled(page)
    players = page.locator(f"{NEIGHBOURS} .player")
    expect(players).to_have_count(6)
    page_steps.wait_until_settled(page)
    bar = page.get_by_role("group", name="Sound that plays")
    expect(bar).to_be_hidden()
    players.first.locator(".play").click()
    page_steps.wait_until_playing(players.first)
    title = players.first.get_attribute("aria-label") or ""
    expect(bar).to_contain_text(title.removeprefix("Clip of "))
    bar.get_by_role("slider", name="Volume").fill("0.25")
    assert page.evaluate("document.getElementById('earshot-audio').volume") == 0.25
    expect(bar).to_contain_text("volume 25 %")
    # The gain brings the clip to -20 LUFS, by at most 12 dB; the choice is kept.
    expect(bar).to_contain_text(re.compile(r"−\d+\.\d LUFS, [+−]\d+\.\d dB"))
    matching = bar.get_by_role("button", name="Match loudness")
    expect(matching).to_have_attribute("aria-pressed", "true")
    loudness = page.evaluate("window.earshotPlayer.loudness")
    expected_gain = 10 ** (min(-20 - loudness["lufs"], 12) / 20)
    assert 0 < loudness["gain"] <= expected_gain * 1.001
    matching.click()
    expect(bar).to_contain_text("loudness as rendered")
    bar.get_by_role("button", name="Next sound").click()
    page_steps.wait_until_playing(players.nth(1))
    # Space acts on the clip, not on the button behind it that was clicked last.
    page.keyboard.press("Space")
    expect(bar).to_be_hidden()
    page.keyboard.press("Space")
    page_steps.wait_until_playing(players.nth(1))
    # Another tab starts with the same volume, and its sound ends this tab's.
    other = page.context.new_page()
    other.goto(page.url)
    others = other.locator(f"{NEIGHBOURS} .player")
    expect(others).to_have_count(6)
    page_steps.wait_until_settled(other)
    shift, moved_elements = page_steps.measure_layout_shift(other)
    assert shift < page_steps.MAX_LAYOUT_SHIFT, moved_elements
    others.first.locator(".play").click()
    page_steps.wait_until_playing(others.first)
    assert page_steps.get_playback(page)["paused"]
    assert other.evaluate("document.getElementById('earshot-audio').volume") == 0.25
    assert not other.evaluate("window.earshotPlayer.matching.isOn")
    bar = other.get_by_role("group", name="Sound that plays")
    bar.get_by_role("button", name="Stop sound").click()
    expect(bar).to_be_hidden()
    playback = page_steps.get_playback(other)
    assert playback["paused"] and playback["at"] == 0


def test_the_stage_view_shows_code_predictions_and_keys(stocked: Dashboard, page: Page) -> None:
    page.goto(f"{stocked.url}listen?corpus=starter&stage=1")
    rows = page.locator(".st-key-stage-rows .player")
    expect(rows).to_have_count(6)
    page_steps.wait_until_settled(page)
    expect(page.get_by_test_id("stSidebar")).to_be_hidden()
    expect(page.locator(".st-key-stage kbd").get_by_text("Esc")).to_be_in_viewport()
    expect(rows.last).to_be_in_viewport()
    background = "getComputedStyle(document.querySelector('.stApp')).backgroundColor"
    assert page.evaluate(background) == "rgb(11, 10, 16)"  # Dark, in a light browser.
    page.keyboard.press("3")
    page_steps.wait_until_playing(rows.nth(2))
    page.keyboard.press("ArrowDown")
    page_steps.wait_until_playing(rows.nth(3))
    # Other code has other predictions; digits in the editor are code.
    editor = page.get_by_label("Sonic Pi code")
    editor.fill("play 60")
    expect(rows.first).to_be_visible()
    page_steps.wait_until_settled(page)
    editor.press("End")
    editor.press("2")
    page_steps.expect_editor_code(page, "play 602")
    editor.press("Escape")
    expect(page.get_by_role("heading", name="Listen")).to_be_visible()
    assert "stage=" not in page.url
    page_steps.wait_until_settled(page)
    page.get_by_role("button", name="Stage view").click()
    expect(page.locator(".st-key-stage")).to_be_visible()
    page_steps.expect_editor_code(page, "play 602")
    page.locator(".stage-leave").click()
    expect(page.get_by_role("heading", name="Listen")).to_be_visible()
