"""Browser test of every page: nothing moves, and axe-core finds no serious violation of WCAG 2."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Page, Response

from tests.e2e import page_steps
from tests.e2e.conftest import Dashboard

PAGES = (
    "",
    "generate",
    "corpus",
    "train",
    "map",
    "listen",
    "suggest",
    "compare",
    "studies",
    "jobs",
)
AXE_SCRIPT = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
FIND_VIOLATIONS = """async () => {
  const { violations } = await axe.run({ runOnly: ["wcag2a", "wcag2aa"] });
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => [id, nodes.length, nodes[0].html.slice(0, 200)]);
}"""


@pytest.mark.timeout(900)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_moves_or_has_a_serious_violation_an_error_or_a_missing_file(
    stocked: Dashboard, page: Page, scheme: Any
) -> None:
    page.emulate_media(color_scheme=scheme)
    problems: list[Any] = []

    def note_missing_file(response: Response) -> None:
        if response.status >= 400:
            problems.append((response.status, response.url))

    page.on("response", note_missing_file)
    for name in PAGES:
        page.goto(f"{stocked.url}{name}")
        page_steps.wait_until_settled(page)
        # The page was hidden until its theme was applied, not until the wait for it had ended.
        assert page.locator("html").get_attribute("data-theme-applied") == "true", name
        shift, moved_elements = page_steps.measure_layout_shift(page)
        if shift >= page_steps.MAX_LAYOUT_SHIFT:
            problems.append((name, "layout shift", shift, moved_elements))
        page.evaluate(AXE_SCRIPT)
        problems += [(name, *violation) for violation in page.evaluate(FIND_VIOLATIONS)]
    assert problems == []  # The fixture checks the console.
