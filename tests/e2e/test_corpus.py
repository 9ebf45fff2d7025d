"""Browser test of the page Corpus: import, inspect, check, export and delete."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e import page_steps
from tests.e2e.conftest import PATIENCE_MS, Dashboard

pytestmark = pytest.mark.timeout(900)

PROGRAMS = {
    "calm.rb": "use_synth :saw\nplay 50, release: 4, amp: 0.5\n",
    "broken.rb": "use_synth :saw\nsleep 1\nplay nothing_of_that_name\n",
}


def test_a_corpus_is_imported_inspected_checked_exported_and_deleted(
    dashboard: Dashboard, page: Page
) -> None:
    page.goto(dashboard.url)
    page_steps.wait_until_settled(page)
    page_steps.open_page(page, "Corpus")
    expect(page.get_by_text("There is no corpus yet")).to_be_visible()

    # Import: the programs are listed at once and rendered by a job.
    page.get_by_role("button", name="Import", exact=True).click()
    dialog = page.get_by_role("dialog")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, source in PROGRAMS.items():
            archive.writestr(name, source)
    dialog.locator('input[type="file"]').set_input_files(
        {"name": "mine.zip", "mimeType": "application/zip", "buffer": packed.getvalue()}
    )
    dialog.get_by_role("combobox", name="Corpus").fill("mine")
    page.keyboard.press("Enter")
    page_steps.wait_until_settled(page)
    dialog.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("2 new programs of 2 read")).to_be_visible()
    expect(page.get_by_text("1 with a clip, 1 failed")).to_be_visible(timeout=PATIENCE_MS)
    page_steps.wait_until_settled(page)

    # Inspect.
    page_steps.select_table_row(page, page.get_by_test_id("stDataFrame"), 0)
    card = page.locator(".st-key-card")
    clip = page_steps.measure_clip(card.locator(".player"), starts=True)
    assert clip["ready"] == pytest.approx(18, abs=0.05)
    assert clip["rms"] > 1e-3
    expect(card.locator(".js-plotly-plot")).to_be_visible()
    expect(card.get_by_text("Seconds", exact=True)).to_be_visible()
    url = page.url
    assert "program=" in url
    # The actions of its card: the same menu as on Listen.
    card.get_by_role("button", name="Use it …").click()
    menu = page.get_by_test_id("stPopoverBody")
    with page.expect_download() as download_info:
        menu.get_by_role("button", name="Code", exact=True).click()
    assert download_info.value.suggested_filename.endswith(".rb")
    menu.get_by_role("button", name="Use this code").click()
    expect(page.get_by_role("heading", name="Listen")).to_be_visible()
    page_steps.wait_until_settled(page)
    page.goto(url)
    page_steps.wait_until_settled(page)
    page_steps.select_table_row(page, page.get_by_test_id("stDataFrame"), 1)
    expect(card.get_by_text("Line 3")).to_be_visible()
    expect(card.locator(".player")).to_have_count(0)
    # A click on a cell opens its row; arrow keys walk the rows, and Space pauses the clip.
    table = page_steps.wait_until_still(page.get_by_test_id("stDataFrame"))
    page.mouse.click(table["x"] + 150, table["y"] + 34 + 16)
    page_steps.wait_until_playing(card.locator(".player"))
    page.keyboard.press("Space")
    page.wait_for_function("document.getElementById('earshot-audio').paused")
    page.keyboard.press("ArrowDown")
    expect(card.get_by_text("Line 3")).to_be_visible()
    page.keyboard.press("ArrowUp")
    page_steps.wait_until_playing(card.locator(".player"))
    page.goto(url)
    page_steps.wait_until_settled(page)
    expect(card.locator(".player")).to_be_visible()

    # Import embeddings of an existing and of an unknown program.
    page.get_by_role("button", name="Import", exact=True).click()
    dialog.get_by_role("radio", name="Embeddings").click()
    page_steps.wait_until_settled(page)
    # Separated by semicolons; the first row has another width than most.
    table = b"name;vector\nbroken;[1]\ncalm;[0.5, -1, 2]\nother;[1, 2, 3]\n"
    dialog.locator('input[type="file"]').set_input_files(
        {"name": "mine.csv", "mimeType": "text/csv", "buffer": table}
    )
    dialog.get_by_label("Name").fill("custom")
    page.keyboard.press("Tab")
    page_steps.wait_until_settled(page)
    dialog.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("1 new embedding of 2 read")).to_be_visible()
    expect(page.get_by_text("'other' is no program of the corpus")).to_be_visible()
    expect(page.get_by_text("its vector has 1 dimensions, most have 3")).to_be_visible()
    page_steps.wait_until_settled(page)

    # Check.
    page.get_by_role("button", name="Check", exact=True).click()
    dialog.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_text("no faults found").first).to_be_visible(timeout=PATIENCE_MS)
    page_steps.wait_until_settled(page)

    # Export: the download contains the imported program and its clip.
    page.get_by_role("button", name="Export", exact=True).click()
    dialog.get_by_role("button", name="Export", exact=True).click()
    download = page.get_by_role(
        "button", name=re.compile(r"^Download \(")
    )  # Not that of the table.
    expect(download).to_be_visible(timeout=PATIENCE_MS)
    page_steps.wait_until_settled(page)
    with page.expect_download() as download_info:
        download.click()
    with zipfile.ZipFile(Path(download_info.value.path())) as archive:
        names = archive.namelist()
        assert archive.read("programs/calm.rb").decode() == PROGRAMS["calm.rb"]
        assert "audio/calm.flac" in names and "audio/broken.flac" not in names

    # Delete: the page then shows what to do next.
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(dialog.get_by_text("2 programs")).to_be_visible()
    dialog.get_by_role("button", name="Delete mine").click()
    expect(page.get_by_text("There is no corpus yet")).to_be_visible()
    assert not (dashboard.workspace / "corpora" / "mine").exists()
