"""Browser tests of the page Generate: the gallery, a template, and variants for a corpus."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.programs import list_templates
from tests.e2e import page_steps
from tests.e2e.conftest import PATIENCE_MS, STARTER, Dashboard

pytestmark = pytest.mark.timeout(900)


def test_the_gallery_renders_missing_clips_and_plays_them(stocked: Dashboard, page: Page) -> None:
    page.goto(stocked.url)
    page_steps.wait_until_settled(page)
    page_steps.open_page(page, "Generate")
    cards = page.locator('[class*="st-key-template-"]')
    expect(cards).to_have_count(len(list_templates()))
    # The corpus contains the first variants of its templates, so their clips exist.
    rendered = STARTER["EARSHOT_STARTER_TEMPLATES"].split(",")
    expect(cards.locator(".player")).to_have_count(len(rendered))
    page.get_by_role("button", name="Render gallery clips").click()
    expect(page.locator('[class*="st-key-job-"]')).to_be_visible()
    # A second tab and a reload show the same job.
    other = page.context.new_page()
    other.goto(f"{stocked.url}jobs")
    expect(other.get_by_text("Render the gallery").first).to_be_visible()
    other.close()
    page.reload()
    expect(cards.locator(".player")).to_have_count(len(list_templates()), timeout=PATIENCE_MS)
    page_steps.wait_until_settled(page)
    expect(page.get_by_role("button", name="Render gallery clips")).to_have_count(0)
    clip = page_steps.measure_clip(page.locator(".st-key-template-06_1_studio_fx .player"))
    assert clip["ready"] == pytest.approx(18, abs=0.05) and clip["rms"] > 1e-3
    page.get_by_test_id("stButtonGroup").get_by_text("Bass").click()
    page_steps.wait_until_settled(page)
    roles = [template.role for template in list_templates()]
    expect(cards).to_have_count(roles.count("bass"))
    assert "role=" in page.url


def test_a_variant_is_fixed_played_and_generated_for_a_corpus(
    stocked: Dashboard, page: Page
) -> None:
    page.goto(f"{stocked.url}generate")
    page_steps.wait_until_settled(page)
    page.locator(".st-key-open-template-02_1_beeps button").first.click()
    expect(page.get_by_role("heading", name="First beeps")).to_be_visible()
    assert "template=02_1_beeps" in page.url
    # A fixed parameter keeps its value in the next variant; the others change.
    page_steps.wait_until_settled(page)
    page.get_by_role("radiogroup", name="Sampling of synth").get_by_text("Fixed").click()
    synth = page.get_by_role("combobox", name="Value of synth")
    synth.click()
    page.keyboard.type("saw")
    page.keyboard.press("Enter")
    code = page.get_by_test_id("stCode").first
    expect(code).to_contain_text(":saw")
    before = code.inner_text()
    page.get_by_role("button", name="Next variant").click()
    expect(code).not_to_have_text(before)
    expect(code).to_contain_text(":saw")
    page_steps.wait_until_settled(page)
    # The next variants loop beside this one; Enter shows the one that plays above.
    page.get_by_test_id("stCheckbox").filter(has_text="Audition variants").locator("label").click()
    audition = page.locator(".audition")
    card = audition.locator(".card[data-number='2']")
    expect(audition.locator(".card")).to_have_count(7)
    expect(card).to_have_attribute("data-status", "ready")
    page.get_by_role("heading", name="First beeps").click()
    page.keyboard.press("2")
    expect(audition).to_have_attribute("data-playing", "2")
    page.keyboard.press("Enter")
    expect(page.get_by_role("spinbutton", name="Variant")).to_have_value("3")
    expect(audition).to_have_attribute("data-playing", "0")
    page_steps.wait_until_settled(page)
    page.get_by_role("button", name="Render and play").click()
    clip = page_steps.measure_clip(page.locator(".player[data-player-key='preview']"), starts=True)
    assert clip["ready"] == pytest.approx(18, abs=0.05) and clip["rms"] > 1e-3
    # The card has the same menu as those of other pages, with the clip that was just rendered.
    page.locator(".st-key-variant-actions button:visible").first.click()
    menu = page.get_by_test_id("stPopoverBody")
    with page.expect_download() as download_info:
        menu.get_by_role("button", name="Clip", exact=True).click()
    assert Path(download_info.value.path()).read_bytes().startswith(b"fLaC")
    page.keyboard.press("Escape")
    expect(menu).to_have_count(0)

    # Generate two variants for a new corpus.
    page_steps.choose_option(page, page.get_by_role("combobox", name="Corpus"), "New corpus")
    page.get_by_role("textbox", name="Name of the new corpus").fill("saws")
    page.keyboard.press("Enter")
    page_steps.wait_until_settled(page)
    page.get_by_role("spinbutton", name="Programs").fill("2")
    page.keyboard.press("Enter")
    expect(page.get_by_text("2 programs with seed 0 and 1 parameter set")).to_be_visible()
    page.get_by_role("button", name="Create saws").click()
    expect(page.get_by_text("saws is done.")).to_be_visible(timeout=PATIENCE_MS)
    page_steps.wait_until_settled(page)
    page.get_by_role("link", name="Open", exact=True).click()
    expect(page.get_by_text("2 of 2 programs (2 with a clip)")).to_be_visible()
    # Back returns to the template, and again to the gallery.
    page.go_back()
    expect(page.get_by_role("heading", name="First beeps")).to_be_visible()
    page_steps.wait_until_settled(page)
    page.go_back()
    expect(page.get_by_role("heading", name="Generate programs")).to_be_visible()
    page_steps.wait_until_settled(page)
