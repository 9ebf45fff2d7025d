"""Browser tests of the code editor: reload, undo, history, named snippets and links."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e import page_steps
from tests.e2e.conftest import Dashboard

pytestmark = pytest.mark.timeout(300)


def open_listen(page: Page, dashboard: Dashboard, query: str = "") -> None:
    """Open Listen with the corpus."""
    page.goto(f"{dashboard.url}listen?corpus=starter{query}")
    page_steps.wait_until_settled(page)


def type_code(page: Page, code: str) -> None:
    """Replace the code, and leave the editor."""
    editor = page.get_by_label("Sonic Pi code")
    editor.fill(code)
    editor.blur()
    page_steps.wait_until_settled(page)


def test_code_survives_a_reload_and_undo_goes_on(stocked: Dashboard, page: Page) -> None:
    open_listen(page, stocked)
    editor = page.get_by_label("Sonic Pi code")
    type_code(page, "play 61\n")
    type_code(page, "play 62\n")
    page.reload()
    expect(editor).to_have_value("play 62\n")
    page_steps.wait_until_settled(page)
    editor.press("Control+z")
    expect(editor).to_have_value("play 61\n")
    editor.press("Control+y")
    expect(editor).to_have_value("play 62\n")
    # Undo twice and reload: the older version stays.
    page.get_by_role("button", name="Undo").click()
    expect(editor).to_have_value("play 61\n")
    page_steps.wait_until_settled(page)
    page.reload()
    expect(editor).to_have_value("play 61\n")
    # Another tab starts with the newest code of this browser.
    other = page.context.new_page()
    open_listen(other, stocked)
    expect(other.get_by_label("Sonic Pi code")).to_have_value("play 61\n")


def test_the_history_holds_the_last_50_versions(stocked: Dashboard, page: Page) -> None:
    open_listen(page, stocked)
    type_code(page, "play 70\n")
    page.evaluate(
        "localStorage.setItem('earshot:code-versions', JSON.stringify("
        "Array.from({length: 50}, (_, i) => ({code: `play ${i}\\n`, time: i}))))"
    )
    type_code(page, "play 71\n")
    history = page.get_by_label("History of the last 50 versions")
    options = history.locator("option").all_inner_texts()
    assert len(options) == 1 + 50
    assert options[1].endswith("play 71") and options[-1].endswith("play 1")
    history.select_option(index=3)
    expect(page.get_by_label("Sonic Pi code")).to_have_value("play 48\n")


def test_named_snippets_and_links(stocked: Dashboard, page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_listen(page, stocked)
    editor = page.get_by_label("Sonic Pi code")
    code = 'play 63 # für "x" & <y>\n'
    type_code(page, code)
    page.get_by_label("Name of the snippet").fill("drop")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved as drop")).to_be_visible()
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_text("Link copied")).to_be_visible()
    link = page.evaluate("navigator.clipboard.readText()")
    type_code(page, "play 64\n")
    page.get_by_label("Named snippets").select_option("drop")
    expect(editor).to_have_value(code)
    type_code(page, "play 65\n")
    page.goto(link)
    expect(editor).to_have_value(code)
    page_steps.wait_until_settled(page)
    assert "snippet=" not in page.url
    # The code before the link is one step back.
    page.get_by_role("button", name="Undo").click()
    expect(editor).to_have_value("play 65\n")
    open_listen(page, stocked, "&snippet=%3C%3E")
    expect(page.get_by_text("names the snippet “<>”, which does not exist")).to_be_visible()
