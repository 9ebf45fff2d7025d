"""Browser test: pages follow a file while another program changes it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e import page_steps
from tests.e2e.conftest import Dashboard

pytestmark = pytest.mark.timeout(900)


def test_listen_and_suggest_follow_a_file_while_it_changes(
    stocked: Dashboard, page: Page, tmp_path: Path
) -> None:
    path = tmp_path / "beat.rb"
    path.write_text("use_synth :tb303\nplay 40\nsleep 1\nplay 47\n", encoding="utf-8")
    page.goto(f"{stocked.url}listen?corpus=starter")
    page_steps.wait_until_settled(page)
    page.get_by_role("button", name="Follow a file or Sonic Pi").click()
    page.get_by_role("textbox", name="File", exact=True).fill(str(path))
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Follow file").click()
    followed = page.locator(".st-key-followed-code")
    expect(followed.get_by_text("tb303")).to_be_visible()
    expect(followed.get_by_text(path.name)).to_be_visible()

    # No click: the page finds the change, and predicts from it.
    path.write_text("sample :loop_amen\nsleep 2\n", encoding="utf-8")
    expect(followed.get_by_text("loop_amen")).to_be_visible()
    expect(page.locator('[class*="st-key-neighbour-"]').first).to_be_visible()
    path.write_text("# no sound yet\n", encoding="utf-8")
    expect(page.get_by_text("Nothing in this code would sound").first).to_be_visible()

    page_steps.open_page(page, "Suggest")
    path.write_text("use_synth :prophet\nplay 52, release: 2\nsleep 1\n", encoding="utf-8")
    expect(page.locator(".st-key-followed-code").get_by_text("prophet")).to_be_visible()

    page.get_by_role("button", name="Edit this code").click()
    page_steps.wait_until_settled(page)
    expect(page.locator(".st-key-followed-code")).to_have_count(0)
    path.write_text("play 30\n", encoding="utf-8")
    expect(page.locator(".cm-content")).to_contain_text("prophet")
