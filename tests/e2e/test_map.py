"""Browser tests of the map: clicks, colours, lasso, snippet and the URL."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e import page_steps
from tests.e2e.conftest import PATIENCE_MS, Dashboard

pytestmark = pytest.mark.timeout(900)
PROGRAMS = 24
NAME = re.compile(r"^\w+-\d{4}$")


@pytest.fixture
def map_page(stocked: Dashboard, page: Page) -> Page:
    page.goto(f"{stocked.url}map?corpus=starter")
    page_steps.wait_until_settled(page)
    page_steps.locate_point(page, 0, 0)  # Waits until it is drawn.
    page_steps.wait_until_settled(page)
    return page


def click_point(page: Page, trace: int, index: int) -> None:
    """Click a point without hovering first."""
    position = page_steps.locate_point(page, trace, index)
    page.mouse.click(position["x"], position["y"])
    page_steps.wait_until_settled(page)


def open_panel(page: Page, name: str) -> None:
    page.locator(".st-key-map_panel").get_by_text(name, exact=True).click()
    page_steps.wait_until_settled(page)


def choose_colour(page: Page, label: str) -> None:
    page_steps.choose_option(
        page, page.get_by_role("combobox", name="Colour by"), label, typed=label
    )


def test_a_click_opens_a_card_that_plays_and_back_returns(map_page: Page) -> None:
    page, card = map_page, map_page.locator(".st-key-card")
    # The sidebar names the alignment and the reason for it.
    alignment_note = page.get_by_test_id("stSidebar").get_by_text(
        re.compile(r"^\d+ · .+: (made for|the (only|newest) alignment)")
    )
    expect(alignment_note).to_be_visible()
    click_point(page, trace=1, index=2)  # The third code point, after alignment.
    clip = page_steps.measure_clip(card.locator(".player"), starts=True)
    assert clip["rms"] > 1e-3
    first = card.get_by_text(NAME).inner_text()
    # A ring, a diamond and a line between them, in both panels.
    expect(page.locator(".earshot-marks > *")).to_have_count(6)
    expect(card.locator(".js-plotly-plot")).to_be_visible()  # Its spectrogram.

    # Arrow keys play its neighbours; the card stays.
    page.keyboard.press("ArrowDown")
    page_steps.wait_until_playing(card.locator(".play-button").first)
    page.keyboard.press("ArrowUp")
    page_steps.wait_until_playing(card.locator(".player"))
    expect(card.get_by_text(first, exact=True)).to_be_visible()

    # Another colour keeps the card and the marks.
    choose_colour(page, "Role")
    expect(page).to_have_url(re.compile("colour=Role"))
    expect(card.get_by_text(first, exact=True)).to_be_visible()
    expect(page.locator(".earshot-marks > *")).to_have_count(6)
    url = page.url

    # A neighbour in any direction opens another card; Back returns to the first.
    neighbours = card.locator(".st-key-neighbour-list .stButton button:visible")
    for direction in ("Similar code", "Predicted from its code", "Code found by its sound"):
        page_steps.choose_option(
            page, card.get_by_role("combobox", name="Neighbours"), direction, typed=direction
        )
        expect(neighbours).to_have_count(5)
    neighbours.filter(has_not_text=first).first.click()
    page_steps.wait_until_settled(page)
    page_steps.wait_until_playing(card.locator(".player"))
    page.go_back()
    expect(card.get_by_text(first, exact=True)).to_be_visible()
    assert page.url == url

    # The URL shows the same in another tab.
    other = page.context.new_page()
    other.goto(url)
    page_steps.wait_until_settled(other)
    expect(other.locator(".st-key-card").get_by_text(first, exact=True)).to_be_visible()
    expect(other.get_by_role("combobox", name="Colour by")).to_have_value("Role")

    # Its menu works from an address with choices.
    other.locator(".st-key-card").get_by_role("button", name="Use it …").click()
    other.get_by_test_id("stPopoverBody").get_by_role("button", name="Use this code").click()
    expect(other.get_by_role("heading", name="Listen")).to_be_visible()
    page_steps.wait_until_settled(other)


def test_a_lasso_selects_in_both_panels_and_its_table_downloads(map_page: Page) -> None:
    page = map_page
    chart = page.locator('[class*="st-key-map-"] .js-plotly-plot').bounding_box()
    page.get_by_role("button", name="Lasso: draw around points to select them").click()
    left, top = chart["x"] + 4, chart["y"] + 68
    right, bottom = chart["x"] + chart["width"] * 0.49, chart["y"] + chart["height"] - 60
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in ((right, top), (right, bottom), (left, bottom), (left, top + 5)):
        page.mouse.move(x, y, steps=5)
    page.mouse.up()
    card = page.locator(".st-key-card")
    # The lasso surrounds the whole left panel, so all programs are selected.
    expect(card.get_by_text(f"{PROGRAMS} programs", exact=True)).to_be_visible()
    page_steps.wait_until_settled(page)
    expect(card.get_by_text("Nothing sets these programs apart")).to_be_visible()
    expect(page.locator(".js-plotly-plot.earshot-dim")).to_have_count(1)
    with page.expect_download() as download_info:
        card.get_by_role("button", name="CSV", exact=True).click()
    with open(Path(download_info.value.path()), newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == PROGRAMS
    assert all(re.search(r"\b(play|sample|synth)", row["source"]) for row in rows)
    with page.expect_download() as download_info:
        card.get_by_role("button", name="Code and clips").click()
    assert Path(download_info.value.path()).stat().st_size > 1_000_000

    # A click still opens a program while the lasso is active; the selection stays.
    click_point(page, trace=1, index=0)
    page_steps.wait_until_playing(card.locator(".player"))
    open_panel(page, "Selection")
    card.get_by_role("button", name="Clear selection").click()
    expect(page.locator(".js-plotly-plot.earshot-dim")).to_have_count(0)


def test_points_are_coloured_filtered_by_the_legend_and_moved(map_page: Page) -> None:
    page = map_page
    choose_colour(page, "Error")
    expect(page.locator(".js-plotly-plot .cbtitle").first).to_have_text(
        "Distance of code and sound"
    )
    page.get_by_text("By rank", exact=True).click()
    page_steps.wait_until_settled(page)
    choose_colour(page, "Template")
    page_steps.locate_point(page, 0, 0)
    visible = "document.querySelector('[class*=\"st-key-map-\"] .js-plotly-plot')._fullData"
    shown = f"{visible}.filter((trace) => trace.visible === true).length"
    before = page.evaluate(shown)
    # A click shows one group alone: its code and audio, before and after.
    page.locator(".legendtoggle").first.click()
    page.wait_for_function(f"{shown} === 4")
    # An image shows what is seen: one of four templates, its code and audio in both panels.
    page.get_by_role("button", name="Export figure").click()
    page_steps.wait_until_settled(page)
    with page.expect_download() as download_info:
        page.get_by_test_id("stPopoverBody").get_by_role("button", name="Download").click()
    image = Path(download_info.value.path()).read_text(encoding="utf-8")
    assert image.count("plotly-customdata") == PROGRAMS
    page.keyboard.press("Escape")
    page.locator(".legendtoggle").first.click()
    page.wait_for_function(f"{shown} === {before}")

    choose_colour(page, "Synth family")
    page.locator(".st-key-map_density").get_by_text("Density").click()
    page.wait_for_function(f"{visible}.some((trace) => trace.type === 'contour')")

    morph, canvas = page.get_by_role("button", name="Morph"), page.locator("canvas.earshot-morph")
    morph.click()
    # An image shows the moment at which it is asked for: the points stand still on their way.
    page.get_by_role("button", name="Export figure").click()
    expect(canvas).to_have_attribute(
        "aria-label", "All points in one picture: before → after alignment"
    )
    page_steps.wait_until_settled(page)
    moment = canvas.get_attribute("data-share")
    with page.expect_download() as download_info:
        page.get_by_test_id("stPopoverBody").get_by_role("button", name="Download").click()
    image = Path(download_info.value.path()).read_text(encoding="utf-8")
    assert "Before → after alignment" in image and "After alignment" not in image
    assert canvas.get_attribute("data-share") == moment
    page.keyboard.press("Escape")
    page.emulate_media(reduced_motion="reduce")
    morph.click()  # Continues.
    expect(canvas).to_have_attribute("aria-label", "All points in one picture: after alignment")
    morph.click()
    expect(canvas).to_have_count(0)


def test_a_path_between_two_variants_plays_and_a_gap_gets_programs(map_page: Page) -> None:
    page, card = map_page, map_page.locator(".st-key-card")
    open_panel(page, "Path")
    click_point(page, trace=2, index=2)
    expect(card.get_by_role("combobox", name="From")).to_have_value(NAME)
    card.get_by_role("combobox", name="To").click()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page_steps.wait_until_settled(page)
    expect(page.locator(".earshot-path circle").nth(5)).to_be_attached(timeout=PATIENCE_MS)
    card.get_by_role("button", name="Render and play the path").click()
    page_steps.wait_until_settled(page)
    page_steps.wait_until_playing(card.locator(".player"))  # A slow browser is at a later step.

    open_panel(page, "Gap")
    expect(card.get_by_text("Click an empty place on the map")).to_be_visible()
    chart = page.locator('[class*="st-key-map-"] .js-plotly-plot').bounding_box()
    page.mouse.click(chart["x"] + chart["width"] * 0.75, chart["y"] + 80)
    expect(card.get_by_role("button", name="Render and add 4 programs")).to_be_visible(
        timeout=PATIENCE_MS
    )
    expect(page.locator(".earshot-path .gap")).to_have_count(1)


def test_back_undoes_a_choice(map_page: Page) -> None:
    page = map_page
    colouring = page.get_by_role("combobox", name="Colour by")
    first = page.url
    for label in ("Role", "Template"):
        choose_colour(page, label)
        expect(page).to_have_url(re.compile(f"colour={label}"))
    page.go_back()
    expect(colouring).to_have_value("Role")
    page.go_back()
    expect(colouring).to_have_value("Code and audio")
    assert page.url == first
    page.go_forward()
    expect(colouring).to_have_value("Role")
    expect(page).to_have_url(re.compile("colour=Role"))
    # A choice after Back makes a new entry.
    choose_colour(page, "Split")
    page.go_back()
    expect(colouring).to_have_value("Role")
    # Back from another page restores the choice.
    page_steps.open_page(page, "Jobs")
    page.go_back()
    expect(colouring).to_have_value("Role")


def test_a_snippet_is_placed_among_its_neighbours(map_page: Page) -> None:
    page = map_page
    open_panel(page, "Snippet")
    expect(page.locator(".earshot-marks path.snippet")).to_have_count(2)
    neighbours = page.locator(".st-key-neighbour-list .stButton button:visible")
    expect(neighbours).to_have_count(5)
    editor = page.get_by_role("textbox", name="Sonic Pi code")
    before = neighbours.all_inner_texts()
    editor.fill("live_loop :a do\n  sample :bd_haus\n  sleep 0.5\nend\n")
    expect(neighbours).not_to_have_text(before)
    page_steps.wait_until_settled(page)
    neighbours.first.click()
    page_steps.wait_until_playing(page.locator(".st-key-card .player"))
    expect(page.locator(".earshot-marks path.snippet")).to_have_count(0)


def measure_chart(page: Page) -> dict[str, float]:
    """Return top, bottom, and the top of each panel's frame of the map, in pixels."""
    return page.evaluate(
        """() => {
          const chart = document.querySelector('[class*="st-key-map-"] .js-plotly-plot');
          const { top, bottom } = chart.getBoundingClientRect();
          const { yaxis, yaxis2 } = chart._fullLayout;
          return { top, bottom, first: yaxis._offset, second: yaxis2._offset };
        }"""
    )


def test_the_map_fills_the_window_and_is_stacked_on_a_phone(map_page: Page) -> None:
    page = map_page
    for height in (768, 1080):
        page.set_viewport_size({"width": 1366, "height": height})
        page.wait_for_function(
            """height => {
              const chart = document.querySelector('[class*="st-key-map-"] .js-plotly-plot');
              const { bottom } = chart.getBoundingClientRect();
              return bottom > height - 140 && bottom <= height - 60
                && Math.abs(chart._fullLayout.height - chart.clientHeight) < 3;
            }""",
            arg=height,
        )
    assert measure_chart(page)["first"] == measure_chart(page)["second"]

    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_function(
        """() => {
          const layout = document.querySelector('.js-plotly-plot')?._fullLayout;
          return layout?.yaxis2 && layout.yaxis2._offset > layout.yaxis._offset + 300;
        }"""
    )
    tools = page.locator(".earshot-tools").bounding_box()
    title = page.locator(".js-plotly-plot .annotation-text").first.bounding_box()
    assert tools and title
    assert tools["x"] > title["x"] + title["width"] and tools["x"] + tools["width"] <= 390

    page.set_viewport_size({"width": 1366, "height": 768})
    page.wait_for_function(
        """() => {
          const layout = document.querySelector('.js-plotly-plot')?._fullLayout;
          return layout?.yaxis2 && layout.yaxis2._offset === layout.yaxis._offset;
        }"""
    )
    # A name stands once in each panel, and is whole.
    names = page.wait_for_function(
        """() => {
          const chart = document.querySelector('.js-plotly-plot').getBoundingClientRect();
          const labels = [...document.querySelectorAll('.earshot-labels text')];
          const areWhole = labels.every((label) => {
            const box = label.getBoundingClientRect();
            return box.left >= chart.left && box.right <= chart.right;
          });
          return labels.length && areWhole && labels.map((label) => label.textContent);
        }"""
    ).json_value()
    assert all(names.count(name) <= 2 for name in names)
