"""Benchmark: first visit of Home and Map, with a new server and browser each, 13,500 programs.

A visit lasts from opening the address, as soon as the server responds, until the main element is
painted. The server loads data in the background meanwhile. Takes 2 to 3 minutes.
"""

from __future__ import annotations

import os
import tempfile

from _big_corpus import create_big_corpus
from _first_visits import MAX_FIRST_VISIT_MS, measure_first_visits
from playwright.sync_api import sync_playwright

PROGRAM_COUNT = 13_500


def run(variants: int = 3) -> list[tuple[str, str]]:
    """Measure both pages; return (measure, value) rows.

    Parameters
    ----------
    variants : int
        Visits of each page.
    """
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        os.environ |= {"EARSHOT_WORKSPACE": folder, "HF_HUB_OFFLINE": "1"}
        create_big_corpus("big", PROGRAM_COUNT, is_evaluated=False)
        return [measure_first_visits(playwright, name, variants) for name in MAX_FIRST_VISIT_MS]
