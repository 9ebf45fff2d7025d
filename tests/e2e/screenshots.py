"""Photograph every page of a running dashboard, light and dark, into artifacts/screenshots.

    ./run                                              in one terminal, with a trained corpus
    .venv/bin/python -m tests.e2e.screenshots          in another

`--url` names another address, `--out` another folder, `--width` and `--height` another window.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Callable

from playwright.sync_api import Page, sync_playwright

from core import workspace
from tests.e2e import steps
from tests.e2e.conftest import CHROMIUM, FLAGS


def generate(page: Page) -> None:
    page.get_by_role("button", name="Render and hear").click()
    steps.measured(page.locator(".st-key-clip-heard .player"), starts=True)


def pick(page: Page) -> None:
    where = steps.point(page, trace=1, index=5)
    page.mouse.move(where["x"], where["y"])
    page.wait_for_timeout(300)
    page.mouse.click(where["x"], where["y"])
    steps.measured(page.locator(".st-key-card .player"), starts=True)
    page.mouse.move(5, 5)


def play(page: Page) -> None:
    page.get_by_role("button", name="Render mine").click()
    steps.measured(page.locator(".st-key-clip-mine .player"), starts=True)
    steps.settled(page)
    first = page.locator('[class*="st-key-neighbour-"]').first
    steps.measured(first.locator(".player"))
    first.locator(".waveform").click(position={"x": 90, "y": 20})
    page.mouse.move(3, 700)
    page.wait_for_timeout(1500)


# By page, what is done on it before the picture is taken.
PAGES: dict[str, Callable[[Page], None] | None] = {
    "Home": None,
    "Generate": generate,
    "Train": None,
    "Map": pick,
    "Listen": play,
}


def photograph(url: str, folder: Path, width: int, height: int) -> list[Path]:
    """Take all pictures; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    taken = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for scheme in ("light", "dark"):
            context = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=scheme
            )
            page = context.new_page()
            page.set_default_timeout(120_000)
            page.goto(url)
            steps.settled(page)
            page.reload()  # a server's first page is drawn before the frame's width is known
            steps.settled(page)
            for name, prepare in PAGES.items():
                steps.open_page(page, name)
                if prepare is not None:
                    prepare(page)
                steps.settled(page)
                page.wait_for_timeout(800)  # charts fade in
                taken.append(folder / f"{name.lower()}-{scheme}.png")
                page.screenshot(path=taken[-1])
            context.close()
        browser.close()
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--url", default="http://127.0.0.1:8501/")
    parser.add_argument("--out", type=Path, default=workspace.root() / "screenshots")
    parser.add_argument("--width", type=int, default=1366)
    parser.add_argument("--height", type=int, default=768)
    asked = parser.parse_args()
    for path in photograph(asked.url, asked.out, asked.width, asked.height):
        print(path)


if __name__ == "__main__":
    main()
