"""The map in a real browser: picked, heard, coloured, chosen by lasso, shared by its address."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e import page_steps
from tests.e2e.conftest import Dashboard

pytestmark = pytest.mark.timeout(900)
PROGRAMS = 24
NAME = re.compile(r"^\w+-\d{4}$")


@pytest.fixture
def map_page(stocked: Dashboard, page: Page) -> Page:
    page.goto(f"{stocked.url}map?corpus=starter")
    page_steps.settled(page)
    page_steps.point(page, 0, 0)  # it is drawn
    page_steps.settled(page)
    return page


def click_point(page: Page, trace: int, index: int) -> None:
    """Click a point at once, as a quick hand does."""
    at = page_steps.point(page, trace, index)
    page.mouse.click(at["x"], at["y"])
    page_steps.settled(page)


def panel(page: Page, name: str) -> None:
    page.locator(".st-key-map_panel").get_by_text(name, exact=True).click()
    page_steps.settled(page)


def colour(page: Page, label: str) -> None:
    page.get_by_role("combobox", name="Colour by").click()
    page.keyboard.type(label)
    page.keyboard.press("Enter")
    page_steps.settled(page)


def test_a_click_opens_a_card_that_plays_and_back_returns(map_page: Page) -> None:
    page, card = map_page, map_page.locator(".st-key-card")
    click_point(page, trace=1, index=2)  # the third code point, after alignment
    heard = page_steps.measured(card.locator(".player"), starts=True)
    assert heard["rms"] > 1e-3
    first = card.get_by_text(NAME).inner_text()
    # Ring, diamond and the line between them, in both pictures.
    expect(page.locator(".earshot-marks > *")).to_have_count(6)
    expect(card.locator(".js-plotly-plot")).to_be_visible()  # its spectrogram

    # Arrows walk its neighbours and back, and the card stays.
    page.keyboard.press("ArrowDown")
    page_steps.sounding(card.locator(".play-button").first)
    page.keyboard.press("ArrowUp")
    page_steps.sounding(card.locator(".player"))
    expect(card.get_by_text(first, exact=True)).to_be_visible()

    # Another colour keeps card and marks.
    colour(page, "Role")
    expect(page).to_have_url(re.compile("colour=Role"))
    expect(card.get_by_text(first, exact=True)).to_be_visible()
    expect(page.locator(".earshot-marks > *")).to_have_count(6)
    address = page.url

    # A neighbour, by each of the four ways, leads to another card; Back leads to the first.
    near = card.locator(".st-key-neighbour-list .stButton button:visible")
    for way in ("Similar code", "Predicted from its code", "Code found by its sound"):
        card.get_by_role("combobox", name="Neighbours").click()
        page.keyboard.type(way)
        page.keyboard.press("Enter")
        page_steps.settled(page)
        expect(near).to_have_count(5)
    near.filter(has_not_text=first).first.click()
    page_steps.settled(page)
    page_steps.sounding(card.locator(".player"))
    page.go_back()
    expect(card.get_by_text(first, exact=True)).to_be_visible()
    assert page.url == address

    # The address shows the same in another tab, which has a sound of its own.
    other = page.context.new_page()
    other.goto(address)
    page_steps.settled(other)
    expect(other.locator(".st-key-card").get_by_text(first, exact=True)).to_be_visible()
    expect(other.get_by_role("combobox", name="Colour by")).to_have_value("Role")


def test_a_lasso_selects_in_both_panels_and_its_table_downloads(map_page: Page) -> None:
    page = map_page
    chart = page.locator('[class*="st-key-map-"] .js-plotly-plot').bounding_box()
    page.get_by_role("button", name="Lasso: draw around points to select them").click()
    left, top = chart["x"] + 4, chart["y"] + 44
    right, bottom = chart["x"] + chart["width"] * 0.49, chart["y"] + chart["height"] - 60
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in ((right, top), (right, bottom), (left, bottom), (left, top + 5)):
        page.mouse.move(x, y, steps=5)
    page.mouse.up()
    card = page.locator(".st-key-card")
    # The lasso ran around the whole left picture: every program, and all of them stay coloured.
    expect(card.get_by_text(f"{PROGRAMS} programs", exact=True)).to_be_visible()
    page_steps.settled(page)
    expect(page.locator(".js-plotly-plot.earshot-dim")).to_have_count(1)
    with page.expect_download() as coming:
        card.get_by_role("button", name="CSV", exact=True).click()
    with open(Path(coming.value.path()), newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == PROGRAMS
    assert all(re.search(r"\b(play|sample|synth)", row["source"]) for row in rows)
    with page.expect_download() as coming:
        card.get_by_role("button", name="Code and clips").click()
    assert Path(coming.value.path()).stat().st_size > 1_000_000

    # A click still picks while the lasso is out; the selection stays, and can be let go.
    click_point(page, trace=1, index=0)
    page_steps.sounding(card.locator(".player"))
    panel(page, "Selection")
    card.get_by_role("button", name="Clear selection").click()
    expect(page.locator(".js-plotly-plot.earshot-dim")).to_have_count(0)


def test_points_are_coloured_and_the_legend_hides_groups(map_page: Page) -> None:
    page = map_page
    colour(page, "Error")
    expect(page.locator(".js-plotly-plot .cbtitle").first).to_have_text(
        "Distance of code and sound"
    )
    page.get_by_text("By rank", exact=True).click()
    page_steps.settled(page)
    colour(page, "Template")
    page_steps.point(page, 0, 0)
    visible = "document.querySelector('[class*=\"st-key-map-\"] .js-plotly-plot')._fullData"
    shown = f"{visible}.filter((trace) => trace.visible === true).length"
    before = page.evaluate(shown)
    page.locator(".legendtoggle").first.click()
    page.wait_for_function(f"{shown} < {before}")
    # Code and audio, before and after: all that is drawn of the group.
    assert page.evaluate(shown) == before - 4


def test_back_undoes_a_choice(map_page: Page) -> None:
    page = map_page
    colouring = page.get_by_role("combobox", name="Colour by")
    first = page.url
    for label in ("Role", "Template"):
        colour(page, label)
        expect(page).to_have_url(re.compile(f"colour={label}"))
    page.go_back()
    expect(colouring).to_have_value("Role")
    page.go_back()
    expect(colouring).to_have_value("Code and audio")
    assert page.url == first
    page.go_forward()
    expect(colouring).to_have_value("Role")
    expect(page).to_have_url(re.compile("colour=Role"))
    # What comes after Back is a choice again.
    colour(page, "Split")
    page.go_back()
    expect(colouring).to_have_value("Role")
    # So it is from another page.
    page_steps.open_page(page, "Jobs")
    page.go_back()
    expect(colouring).to_have_value("Role")


def test_a_snippet_is_placed_among_its_neighbours(map_page: Page) -> None:
    page = map_page
    panel(page, "Snippet")
    expect(page.locator(".earshot-marks path.snippet")).to_have_count(2)
    near = page.locator(".st-key-neighbour-list .stButton button:visible")
    expect(near).to_have_count(5)
    editor = page.get_by_role("textbox", name="Sonic Pi code")
    before = near.all_inner_texts()
    editor.fill("live_loop :a do\n  sample :bd_haus\n  sleep 0.5\nend\n")
    expect(near).not_to_have_text(before)
    page_steps.settled(page)
    near.first.click()
    page_steps.sounding(page.locator(".st-key-card .player"))
    expect(page.locator(".earshot-marks path.snippet")).to_have_count(0)
