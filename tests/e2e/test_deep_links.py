"""Browser tests of links: deletion from one, from a second tab and twice; values of no option."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from core.corpus import Corpus
from core.programs import Program
from tests.e2e import page_steps
from tests.e2e.conftest import Dashboard, serve

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def small_corpora(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """A dashboard with four corpora of one program that is not rendered."""
    workspace = tmp_path_factory.mktemp("small_corpora")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARSHOT_WORKSPACE", str(workspace))
        for name in ("first", "second", "third", "zero"):
            Corpus.create(name).add_programs([Program("play 60\n", "one", "", "", {"amp": 1}, 0)])
    with serve(workspace) as running:
        yield running


def open_link(page: Page, dashboard: Dashboard, link: str) -> None:
    """Open a page by its address."""
    page.goto(dashboard.url + link)
    page_steps.wait_until_settled(page)


def open_corpus_deletion_dialog(page: Page, dashboard: Dashboard, corpus_name: str) -> None:
    """Open the dialog that deletes a corpus from the corpus's own address."""
    open_link(page, dashboard, f"corpus?corpus={corpus_name}")
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name=f"Delete {corpus_name}").wait_for()


def test_a_corpus_is_deleted_from_its_own_address(small_corpora: Dashboard, page: Page) -> None:
    open_corpus_deletion_dialog(page, small_corpora, "second")
    page.get_by_role("button", name="Delete second").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page_steps.wait_until_settled(page)
    expect(page.get_by_text("1 of 1 program")).to_be_visible()
    expect(page.get_by_text("does not exist")).to_have_count(0)
    assert not (small_corpora.workspace / "corpora" / "second").exists()


def test_the_theme_is_kept_across_pages(small_corpora: Dashboard, page: Page) -> None:
    light_ground, dark_ground = "rgb(253, 252, 250)", "rgb(21, 19, 28)"
    ground, choice = page.locator(".stApp"), page.get_by_label("Theme")
    page.emulate_media(color_scheme="light")
    open_link(page, small_corpora, "compare")
    choice.select_option("dark")
    expect(ground).to_have_css("background-color", dark_ground)
    open_link(page, small_corpora, "jobs")
    expect(choice).to_have_value("dark")
    expect(ground).to_have_css("background-color", dark_ground)
    choice.select_option("system")
    expect(ground).to_have_css("background-color", light_ground)
    page.emulate_media(color_scheme="dark")
    expect(ground).to_have_css("background-color", dark_ground)
    # A choice in Streamlit's own menu counts until the next one here.
    page.evaluate("localStorage.setItem('stActiveTheme-/jobs-v2', '\"Light\"')")
    open_link(page, small_corpora, "jobs")
    expect(choice).to_have_value("light")
    expect(ground).to_have_css("background-color", light_ground)


def test_a_corpus_is_deleted_in_two_tabs(small_corpora: Dashboard, page: Page) -> None:
    second_tab, third_tab = page.context.new_page(), page.context.new_page()
    for tab in (page, second_tab):
        open_corpus_deletion_dialog(tab, small_corpora, "third")
    open_link(third_tab, small_corpora, "corpus?corpus=third")
    page.get_by_role("button", name="Delete third").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    # Deleting it once more reports that it is gone.
    second_tab.get_by_role("button", name="Delete third").click()
    expect(second_tab.get_by_text("Corpus third is already deleted")).to_be_visible()
    second_tab.get_by_role("button", name="Close", exact=True).last.click()
    expect(second_tab.get_by_role("dialog")).to_have_count(0)
    # What was pressed for the deleted corpus does not act on another one.
    third_tab.get_by_role("button", name="Export", exact=True).click()
    expect(third_tab.get_by_text("Corpus 'third' no longer exists")).to_be_visible()
    expect(third_tab.get_by_role("dialog")).to_have_count(0)
    third_tab.get_by_role("button", name="Show first").click()
    expect(third_tab.get_by_text("1 of 1 program")).to_be_visible()
    assert "corpus=third" not in third_tab.url
    for tab in (page, second_tab, third_tab):
        expect(tab.get_by_text("Something went wrong")).to_have_count(0)


@pytest.mark.parametrize(
    ("link", "message"),
    [
        ("corpus?corpus=gone", "names the corpus “gone”, which does not exist"),
        ("corpus?program=gone", "The corpus holds no program 'gone'"),
        ("generate?template=gone", "names the template “gone”, which does not exist"),
        ("generate?role=gone", "names the role “gone”, which does not exist"),
        ("studies?study=gone", "names the study “gone”, which does not exist"),
        ("train?view=gone", "names the view “gone”, which does not exist"),
    ],
)
def test_a_link_to_nothing_is_reported(
    small_corpora: Dashboard, page: Page, link: str, message: str
) -> None:
    open_link(page, small_corpora, link)
    expect(page.get_by_text(message)).to_be_visible()


def test_a_comparison_that_cannot_be_read_is_reported(small_corpora: Dashboard, page: Page) -> None:
    open_link(page, small_corpora, "corpus?corpus=zero")
    words = page.get_by_role("textbox", name="Words")
    for query, message in (
        ("amp>>>3", "'amp>>>3' is not a comparison"),
        ("ampp>3", "No program has a parameter 'ampp'. Parameters: amp"),
        ("amp>loud", "which is not a number"),
    ):
        words.fill(query)
        words.press("Enter")
        expect(page.get_by_text(message)).to_be_visible()
    words.fill("amp>=1")
    words.press("Enter")
    expect(page.get_by_text("which is not a number")).to_have_count(0)
    expect(page.get_by_text("1 of 1 program")).to_be_visible()
