"""Browser tests of the page Studies: run, play, compare and download."""

from __future__ import annotations

import zipfile
from typing import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import StudiedWorkspace
from tests.e2e import page_steps
from tests.e2e.conftest import PATIENCE_MS, Dashboard, serve

pytestmark = pytest.mark.timeout(900)

# The position of a point of the figure's first trace, in pixels of the page.
_POINT = """
(index) => {
  const chart = document.querySelector('[class*="st-key-figure-"] .js-plotly-plot');
  const { x, y } = chart._fullData[0];
  const { xaxis, yaxis } = chart._fullLayout;
  const box = chart.getBoundingClientRect();
  return { x: box.left + xaxis._offset + xaxis.l2p(x[index]),
           y: box.top + yaxis._offset + yaxis.l2p(y[index]) };
}
"""


@pytest.fixture(scope="module")
def dashboard(studied_workspace: StudiedWorkspace) -> Iterator[Dashboard]:
    """A dashboard on a corpus of real clips whose studies have been run once."""
    with serve(studied_workspace.workspace) as running:
        yield running


def choose_study(page: Page, study: str) -> None:
    page.get_by_role("radiogroup", name="Study").get_by_text(study, exact=True).click()
    page_steps.wait_until_settled(page)


def click_point(page: Page, index: int) -> None:
    chart = page.locator('[class*="st-key-figure-"] .js-plotly-plot')
    chart.scroll_into_view_if_needed()
    page.wait_for_function(
        "document.querySelector('[class*=\"st-key-figure-\"] .js-plotly-plot')?._fullLayout?.xaxis"
    )
    page_steps.wait_until_still(chart)
    position = page.evaluate(_POINT, index)
    page.mouse.click(position["x"], position["y"])
    page_steps.wait_until_settled(page)


def play_clip(page: Page, part: str) -> None:
    """Choose the clip whose name contains `part`, and play it."""
    # A long list draws only a part of its options.
    page_steps.choose_option(page, page.get_by_role("combobox", name="Clip"), part, typed=part)
    clip = page_steps.measure_clip(page.locator(".player").first)
    assert clip["seconds"] > 1 and clip["rms"] > 1e-4


def test_a_study_is_played_run_again_and_compared(dashboard: Dashboard, page: Page) -> None:
    page.goto(dashboard.url)
    page_steps.wait_until_settled(page)
    page_steps.open_page(page, "Studies")
    # Four templates are too few for intervals, and without an interval there is no verdict.
    expect(page.get_by_text("No number can be compared with the paper.")).to_be_visible()

    # A point plays two programs one after the other: 4 s each, with a pause.
    click_point(page, 2)
    player = page.locator(".player").first
    page_steps.wait_until_playing(player)
    clip = page_steps.measure_clip(player, starts=True)
    assert clip["rms"] > 1e-4 and 8 < clip["seconds"] < 9
    assert " → " in player.get_attribute("aria-label")
    # Their code is shown.
    page.locator('[class*="-item-0"] summary').first.click()
    expect(page.locator('[class*="-item-0"] code').first).to_be_visible()

    # Run the study again with another seed, as a job; both runs are then compared.
    page.get_by_role("button", name="Settings").click()
    for name, value in (("Seed", "5"), ("Resamples", "10")):
        page.get_by_role("spinbutton", name=name).fill(value)
        page.get_by_role("spinbutton", name=name).press("Enter")
        page_steps.wait_until_settled(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Run again").click()
    expect(page.get_by_text("Study correlation of small")).to_be_visible()
    expect(page.get_by_text("Compare runs")).to_be_visible(timeout=PATIENCE_MS)
    page_steps.wait_until_settled(page)
    shown = page.locator(".st-key-run-correlation").evaluate(
        "e => e.innerText + [...e.querySelectorAll('input')].map((input) => input.value)"
    )
    assert "correlation-0002" in shown
    expect(page.get_by_text("correlation-0002: All pairs")).to_be_visible()
    expect(page.get_by_text("correlation-0001: All pairs")).to_be_visible()


def test_perturbation_completion_and_sweep_results_are_shown_and_played(
    dashboard: Dashboard, page: Page
) -> None:
    page.goto(f"{dashboard.url}studies")
    page_steps.wait_until_settled(page)
    choose_study(page, "Perturbation")
    play_clip(page, "note")
    page.get_by_role("radiogroup", name="Figure").get_by_text("Amp", exact=True).click()
    page_steps.wait_until_settled(page)
    click_point(page, 0)
    player = page.locator(".player").first
    page_steps.wait_until_playing(player)
    assert 8 < page_steps.measure_clip(player, starts=True)["seconds"] < 9

    choose_study(page, "Completion")
    play_clip(page, "drum 02")
    # A row of the table of neighbours plays the candidate and its nearest clips.
    page.get_by_text("Each candidate and its nearest").click()
    table = page.locator('[class*="st-key-table-completion-0001-neighbours"]').last
    player = page.locator(".player").first
    source = player.get_attribute("data-src")
    page_steps.select_table_row(page, table, 0)
    expect(player).not_to_have_attribute("data-src", source or "")
    page_steps.wait_until_playing(player)
    assert page_steps.measure_clip(player, starts=True)["seconds"] > 16

    choose_study(page, "Sweep")
    expect(page.get_by_text("2 configurations, 4 runs")).to_be_visible()
    expect(page.locator(".js-plotly-plot .parcoords").first).to_be_visible()


def test_the_report_is_downloaded(dashboard: Dashboard, page: Page) -> None:
    page.goto(f"{dashboard.url}studies")
    page_steps.wait_until_settled(page)
    choose_study(page, "All")
    with page.expect_download() as download:
        page.get_by_role("button", name="Full archive with tables").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        names = archive.namelist()
        main = archive.read("report-0001/tables/main.csv").decode().splitlines()
    assert {"report-0001/report.html", "report-0001/report.md"} <= set(names)
    assert main[0].startswith("study,of,number,measured") and len(main) > 30
