"""Browser tests of the page Train: a whole training, a stopped one, comparison and a sweep."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from core.corpus import Corpus
from tests.e2e import page_steps
from tests.e2e.conftest import PATIENCE_MS, Dashboard, serve

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def training(stocked: Dashboard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """A copy of the stocked workspace: new alignments would change what other pages show."""
    folder = tmp_path_factory.mktemp("training")
    shutil.copytree(stocked.workspace / "corpora", folder / "corpora")
    with serve(folder) as running:
        yield running


def set_number(page: Page, label: str, value: int) -> None:
    field = page.get_by_role("spinbutton", name=label, exact=True)
    field.fill(str(value))
    field.press("Enter")
    page_steps.wait_until_settled(page)


def choose_soft_infonce(page: Page) -> None:
    page.get_by_test_id("stButtonGroup").get_by_text("Soft InfoNCE", exact=True).click()
    page_steps.wait_until_settled(page)


def test_a_training_shows_live_curves_and_is_compared_with_another(
    training: Dashboard, page: Page
) -> None:
    page.goto(f"{training.url}train")
    page_steps.wait_until_settled(page)
    choose_soft_infonce(page)
    set_number(page, "Epochs", 8)
    page.get_by_role("button", name="Train", exact=True).click()
    panel = page.locator('[class*="st-key-job-"]')
    expect(panel.get_by_role("button", name="Stop and keep best epoch")).to_be_visible()
    # While a run replaces the chart, the one before stays for a moment.
    curves = panel.locator(".st-key-live .js-plotly-plot").filter(visible=True)
    expect(curves.first).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_role("heading", name=re.compile("Alignment 2"))).to_be_visible(
        timeout=PATIENCE_MS
    )
    page_steps.wait_until_settled(page)
    expect(panel).to_have_count(0)
    expect(page.locator(".st-key-metric-comparison .js-plotly-plot")).to_be_visible()

    page.get_by_text("Side by side", exact=True).click()
    page_steps.wait_until_settled(page)
    lines = page.locator(".st-key-alignment-comparison .js-plotly-plot .scatterlayer .trace")
    expect(lines).to_have_count(6)  # Two alignments in three panels.
    assert "view=Side" in page.url
    page.reload()  # The URL names the view.
    page_steps.wait_until_settled(page)
    expect(lines).to_have_count(6)
    page.get_by_text("One training", exact=True).click()
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_visible()


def test_a_stopped_training_saves_its_best_epoch_and_can_be_evaluated(
    training: Dashboard, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.goto(f"{training.url}train")
    page_steps.wait_until_settled(page)
    choose_soft_infonce(page)
    set_number(page, "Epochs", 90_000)
    page.get_by_text("More settings").click()
    set_number(page, "Patience", 0)
    page.get_by_role("button", name="Train", exact=True).click()
    panel = page.locator('[class*="st-key-job-"]')
    # While a run replaces the chart, the one before stays for a moment.
    curves = panel.locator(".st-key-live .js-plotly-plot").filter(visible=True)
    expect(curves.first).to_be_visible(timeout=PATIENCE_MS)
    panel.get_by_role("button", name="Stop and keep best epoch").click()
    expect(page.get_by_text("Training was stopped after")).to_be_visible(timeout=PATIENCE_MS)
    page_steps.wait_until_settled(page)
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(training.workspace))
    alignment = Corpus.open("starter").load_newest_alignment()
    assert alignment.metrics["stopped"] == "cancelled"
    assert 0 < alignment.metrics["best_epoch"] <= alignment.metrics["epochs"] < 90_000
    page.get_by_role("button", name="Evaluate", exact=True).click()
    expect(page.locator(".st-key-metric-comparison .js-plotly-plot")).to_be_visible(
        timeout=PATIENCE_MS
    )
    page_steps.wait_until_settled(page)


def test_a_sweep_fills_its_table_while_it_runs(training: Dashboard, page: Page) -> None:
    page.goto(f"{training.url}train?view=Sweep")
    page_steps.wait_until_settled(page)
    set_number(page, "Seeds", 1)
    expect(page.get_by_text("24 configurations, 1 seed each")).to_be_visible()
    page.get_by_role("button", name="Start the sweep").click()
    panel = page.locator('[class*="st-key-job-"]')
    expect(panel.get_by_test_id("stDataFrame")).to_be_visible(timeout=PATIENCE_MS)
    expect(panel.get_by_text(re.compile(r"^[2-9]\d* runs of"))).to_be_visible(timeout=PATIENCE_MS)
    panel.get_by_role("button", name="Cancel").click()
    panel.get_by_role("button", name="Stop job").click()  # It asks first.
    # The finished runs stay, and the sweep can be resumed.
    expect(panel.get_by_role("button", name="Resume")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text(re.compile(r"^\d+ runs of")).first).to_be_visible()
    page_steps.wait_until_settled(page)


def test_alignments_of_other_splits_are_not_compared_without_a_word(
    training: Dashboard, page: Page
) -> None:
    folder = shutil.copytree(
        training.workspace / "corpora" / "starter", training.workspace / "corpora" / "other"
    )
    first = min(path for path in (folder / "alignments").iterdir() if path.is_dir())
    other = shutil.copytree(first, folder / "alignments" / "0099-0123abcd")
    config = json.loads((other / "config.json").read_text(encoding="utf-8"))
    config["corpus"]["split_seed"] = 99
    (other / "config.json").write_text(json.dumps(config), encoding="utf-8")
    page.goto(f"{training.url}train?corpus=other&view=Side+by+side")
    expect(page.get_by_text("Not all rows compare")).to_be_visible()
    expect(page.get_by_text("the corpora were split by different seeds")).to_be_visible()
    expect(page.get_by_role("button", name="Evaluate on the same programs")).to_be_visible()
