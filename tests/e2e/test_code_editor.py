"""Browser tests of the code editor: versions, snippets, links, completion, errors and keys."""

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
    page_steps.expect_editor_code(page, "play 62\n")
    page_steps.wait_until_settled(page)
    editor.press("Control+z")
    page_steps.expect_editor_code(page, "play 61\n")
    editor.press("Control+y")
    page_steps.expect_editor_code(page, "play 62\n")
    # Undo twice and reload: the older version stays.
    page.get_by_role("button", name="Undo").click()
    page_steps.expect_editor_code(page, "play 61\n")
    page_steps.wait_until_settled(page)
    page.reload()
    page_steps.expect_editor_code(page, "play 61\n")
    # Another tab starts with the newest code of this browser.
    other = page.context.new_page()
    open_listen(other, stocked)
    page_steps.expect_editor_code(other, "play 61\n")


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
    page_steps.expect_editor_code(page, "play 48\n")


def test_named_snippets_and_links(stocked: Dashboard, page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_listen(page, stocked)
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
    page_steps.expect_editor_code(page, code)
    type_code(page, "play 65\n")
    page.goto(link)
    page_steps.expect_editor_code(page, code)
    page_steps.wait_until_settled(page)
    assert "snippet=" not in page.url
    # The code before the link is one step back.
    page.get_by_role("button", name="Undo").click()
    page_steps.expect_editor_code(page, "play 65\n")
    open_listen(page, stocked, "&snippet=%3C%3E")
    expect(page.get_by_text("names the snippet “<>”, which does not exist")).to_be_visible()


def test_completion_indentation_and_comments(stocked: Dashboard, page: Page) -> None:
    open_listen(page, stocked)
    type_code(page, "")
    editor = page.get_by_label("Sonic Pi code")
    choices = page.locator(".cm-tooltip-autocomplete li")
    editor.press_sequentially("use_synth :tb30")
    expect(choices).to_have_text([":tb303"])
    page.wait_for_timeout(200)  # A key pressed sooner is taken for typing.
    editor.press("Enter")
    editor.press_sequentially("\nlive_loop :a do\nplay 60, cutoff_at")
    # Options are those of the synth in use.
    expect(choices.first).to_contain_text("cutoff_attack:")
    page.wait_for_timeout(200)
    editor.press("Enter")
    editor.press_sequentially("2\nsample :loop_tabl")
    expect(choices).to_have_text([":loop_tabla"])
    editor.press("Escape")
    editor.press_sequentially("a")
    expect(choices).to_have_text([":loop_tabla"])
    page.wait_for_timeout(200)
    # Enter starts a new line after a word that is typed to its end.
    editor.press_sequentially("\nsleep 1\nend")
    editor.press("Escape")
    expected = (
        "use_synth :tb303\nlive_loop :a do\n  play 60, cutoff_attack: 2\n  sample :loop_tabla\n"
    )
    page_steps.expect_editor_code(page, f"{expected}  sleep 1\nend")
    editor.press("Alt+/")
    page_steps.expect_editor_code(page, f"{expected}  sleep 1\n# end")
    expect(page.locator(".code-problem")).to_contain_text("Line 6: syntax error")
    expect(page.locator(".cm-lintRange-error")).to_have_count(1)
    editor.press("Control+/")
    expect(page.locator(".code-problem")).to_have_count(0)
    # Escape, then Tab leaves the editor; Tab alone indents.
    editor.press("Escape")
    editor.press("Tab")
    expect(editor).not_to_be_focused()


def test_keys_of_sonic_pi_render(stocked: Dashboard, page: Page) -> None:
    open_listen(page, stocked)
    editor = page.get_by_label("Sonic Pi code")
    player = page.locator(".player[data-player-key='snippet-rendering']")
    sources = []
    for key, code in {"Control+Enter": "play 60, release: 0.5", "Alt+r": "play 61"}.items():
        editor.fill(code)
        editor.press(key)
        if sources:
            expect(player).not_to_have_attribute("data-src", str(sources[0]))
        page_steps.wait_until_playing(player)
        sources.append(player.get_attribute("data-src"))
    assert sources[0] != sources[1]
