"""Photograph every page, light and dark, on a workspace with a trained corpus.

    ./run screenshots                    the workspace that ./run shows, into its screenshots/

`--page NAME` takes one page only and may be given again, `--out` names another folder, `--width`
and `--height` another window, `--url` a dashboard that runs already.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Error, Page, expect, sync_playwright

from core import workspace
from tests.e2e import page_steps
from tests.e2e.conftest import CHROMIUM, FLAGS, serve


def template(page: Page) -> None:
    page.locator(".st-key-open-template-06_1_studio_fx button").first.click()
    page_steps.settled(page)
    page.get_by_role("button", name="Render and play").click()
    player = page.locator(".player[data-player-key='preview']")
    page_steps.measured(player, starts=True)
    player.locator(".waveform").click(position={"x": 150, "y": 20})
    page.wait_for_timeout(400)
    player.locator(".play").click()


def row(page: Page) -> None:
    table = page.get_by_test_id("stDataFrame").bounding_box()
    page.mouse.click(table["x"] + 18, table["y"] + 34 + 33 * 5 + 16)
    page_steps.measured(page.locator(".st-key-card .player"), starts=True)
    expect(page.locator(".st-key-card .js-plotly-plot")).to_be_visible()


def view(name: str) -> Callable[[Page], None]:
    def choose(page: Page) -> None:
        page.get_by_role("radio", name=name).or_(page.get_by_text(name, exact=True)).first.click()

    return choose


def pick(page: Page) -> None:
    where = page_steps.point(page, trace=1, index=5)
    page.mouse.move(where["x"], where["y"])
    page.wait_for_timeout(300)
    page.mouse.click(where["x"], where["y"])
    page_steps.measured(page.locator(".st-key-card .player"), starts=True)
    page.mouse.move(5, 5)


def play(page: Page) -> None:
    page.get_by_role("button", name="Render", exact=True).click()
    page_steps.measured(page.locator(".player[data-player-key='snippet-rendering']"), starts=True)
    page_steps.settled(page)
    first = page.locator('[class*="st-key-neighbour-"]').first
    page_steps.measured(first.locator(".player"))
    first.locator(".waveform").click(position={"x": 90, "y": 20})
    page.mouse.move(3, 700)
    page.wait_for_timeout(1500)


# By picture: its page, and what is done there before it is taken.
PICTURES: dict[str, tuple[str, Callable[[Page], None] | None]] = {
    "generate": ("Generate", None),
    "template": ("Generate", template),
    "corpus": ("Corpus", row),
    "train": ("Train", None),
    "alignments": ("Train", view("Side by side")),
    "sweep": ("Train", view("Sweep")),
    "map": ("Map", pick),
    "listen": ("Listen", play),
    "compare": ("Compare", None),
    "studies": ("Studies", None),
    "jobs": ("Jobs", None),
    # Last, so that it shows what was heard on the others.
    "home": ("Home", None),
}


def photograph(
    url: str, folder: Path, wanted: list[str], width: int, height: int
) -> Iterator[Path | str]:
    """Take the pictures; yield the path of each, or why there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for scheme in ("light", "dark"):
            context = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=scheme
            )
            page = context.new_page()
            page.set_default_timeout(60_000)
            expect.set_options(timeout=60_000)
            for name in wanted:
                title, prepare = PICTURES[name]
                try:
                    # Anew, so that no picture depends on what was done before another one.
                    page.goto(url)
                    page_steps.settled(page)
                    page_steps.open_page(page, title)
                    if prepare is not None:
                        prepare(page)
                    page_steps.settled(page)
                    page.wait_for_timeout(800)  # charts fade in
                except (Error, AssertionError) as error:
                    yield f"{name}, {scheme}: {str(error).splitlines()[0]}"
                path = folder / f"{name}-{scheme}.png"
                page.screenshot(path=path)
                yield path
            context.close()
        browser.close()


@contextmanager
def shown(url: str | None) -> Iterator[str]:
    """The address of the dashboard: the given one's, or one that is begun for this."""
    if url is not None:
        yield url
        return
    with serve(workspace.get_workspace_root(), own=False) as dashboard:
        yield dashboard.url


def main() -> int:
    """Take the pictures; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="./run screenshots", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--url")
    parser.add_argument("--out", type=Path, default=workspace.get_workspace_root() / "screenshots")
    parser.add_argument("--page", action="append", choices=PICTURES)
    parser.add_argument("--width", type=int, default=1366)
    parser.add_argument("--height", type=int, default=768)
    asked = parser.parse_args()
    failed = 0
    with shown(asked.url) as url:
        for taken in photograph(
            url, asked.out, asked.page or list(PICTURES), asked.width, asked.height
        ):
            failed += isinstance(taken, str)
            print(taken, file=sys.stderr if isinstance(taken, str) else sys.stdout, flush=True)
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
