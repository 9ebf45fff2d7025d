"""Take screenshots of every page, light and dark, on a workspace with a trained corpus.

    ./run screenshots                    of ./run's workspace, into its folder screenshots/

`--page NAME` takes one page and can be repeated. `--out` sets the folder, `--width` and `--height`
the window, `--url` a running dashboard.
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


def open_template(page: Page) -> None:
    page.locator(".st-key-open-template-06_1_studio_fx button").first.click()
    page_steps.wait_until_settled(page)
    page.get_by_role("button", name="Render and play").click()
    player = page.locator(".player[data-player-key='preview']")
    page_steps.measure_clip(player, starts=True)
    player.locator(".waveform").click(position={"x": 150, "y": 20})
    page.wait_for_timeout(400)
    player.locator(".play").click()


def select_row(page: Page) -> None:
    page_steps.select_table_row(page, page.get_by_test_id("stDataFrame"), 5)
    page_steps.measure_clip(page.locator(".st-key-card .player"), starts=True)
    expect(page.locator(".st-key-card .js-plotly-plot")).to_be_visible()


def open_view(name: str) -> Callable[[Page], None]:
    def choose(page: Page) -> None:
        page.get_by_role("radio", name=name).or_(page.get_by_text(name, exact=True)).first.click()

    return choose


def click_point(page: Page) -> None:
    position = page_steps.locate_point(page, trace=1, index=5)
    page.mouse.move(position["x"], position["y"])
    page.wait_for_timeout(300)
    page.mouse.click(position["x"], position["y"])
    page_steps.measure_clip(page.locator(".st-key-card .player"), starts=True)
    page.mouse.move(5, 5)


def render_snippet(page: Page) -> None:
    page.get_by_role("button", name="Render", exact=True).click()
    page_steps.measure_clip(
        page.locator(".player[data-player-key='snippet-rendering']"), starts=True
    )
    page_steps.wait_until_settled(page)
    first = page.locator('[class*="st-key-neighbour-"]').first
    page_steps.measure_clip(first.locator(".player"))
    first.locator(".waveform").click(position={"x": 90, "y": 20})
    page.mouse.move(3, 700)
    page.wait_for_timeout(1500)


# By screenshot: its page, and the steps before it is taken.
SCREENSHOTS: dict[str, tuple[str, Callable[[Page], None] | None]] = {
    "generate": ("Generate", None),
    "template": ("Generate", open_template),
    "corpus": ("Corpus", select_row),
    "train": ("Train", None),
    "alignments": ("Train", open_view("Side by side")),
    "sweep": ("Train", open_view("Sweep")),
    "map": ("Map", click_point),
    "listen": ("Listen", render_snippet),
    "compare": ("Compare", None),
    "studies": ("Studies", None),
    "jobs": ("Jobs", None),
    # Last, so that it shows the clips that were played on the other pages.
    "home": ("Home", None),
}


def take_screenshots(
    url: str, folder: Path, names: list[str], width: int, height: int
) -> Iterator[Path | str]:
    """Take screenshots; yield the path of each, or an error message."""
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
            for name in names:
                title, prepare = SCREENSHOTS[name]
                try:
                    # A new visit, so that no screenshot depends on the steps of another.
                    page.goto(url)
                    page_steps.wait_until_settled(page)
                    page_steps.open_page(page, title)
                    if prepare is not None:
                        prepare(page)
                    page_steps.wait_until_settled(page)
                    page.wait_for_timeout(800)  # Charts fade in.
                except (Error, AssertionError) as error:
                    yield f"{name}, {scheme}: {str(error).splitlines()[0]}"
                path = folder / f"{name}-{scheme}.png"
                page.screenshot(path=path)
                yield path
            context.close()
        browser.close()


@contextmanager
def open_dashboard(url: str | None) -> Iterator[str]:
    """Yield the URL of the given dashboard, or of a new one."""
    if url is not None:
        yield url
        return
    with serve(workspace.get_workspace_root(), owns_workspace=False) as dashboard:
        yield dashboard.url


def main() -> int:
    """Take the screenshots; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="./run screenshots", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--url")
    parser.add_argument("--out", type=Path, default=workspace.get_workspace_root() / "screenshots")
    parser.add_argument("--page", action="append", choices=SCREENSHOTS)
    parser.add_argument("--width", type=int, default=1366)
    parser.add_argument("--height", type=int, default=768)
    args = parser.parse_args()
    failure_count = 0
    with open_dashboard(args.url) as url:
        for taken in take_screenshots(
            url, args.out, args.page or list(SCREENSHOTS), args.width, args.height
        ):
            failure_count += isinstance(taken, str)
            print(taken, file=sys.stderr if isinstance(taken, str) else sys.stdout, flush=True)
    return min(failure_count, 1)


if __name__ == "__main__":
    sys.exit(main())
