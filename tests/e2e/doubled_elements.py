"""Patience with elements that are there twice for a moment.

While the script of a page runs, Streamlit may show an element at its new place before it removes
the one at the old place. Playwright refuses a locator of two elements at once. With this patch it
waits until one is left, and fails if both stay.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Error, Locator, LocatorAssertions

PATIENCE_S = 60.0
PAUSE_S = 0.1
REFUSAL = "strict mode violation"
# Methods of a locator that take exactly one element.
ACTIONS = (
    "bounding_box",
    "check",
    "click",
    "dblclick",
    "evaluate",
    "fill",
    "focus",
    "get_attribute",
    "hover",
    "inner_html",
    "inner_text",
    "input_value",
    "is_checked",
    "is_disabled",
    "is_enabled",
    "is_visible",
    "press",
    "press_sequentially",
    "scroll_into_view_if_needed",
    "select_option",
    "set_input_files",
    "text_content",
    "wait_for",
)


def wait_while_doubled(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method that is tried again while its locator finds more than one element."""

    @functools.wraps(method)
    def try_until_single(*args: Any, **kwargs: Any) -> Any:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return method(*args, **kwargs)
            except (Error, AssertionError) as error:
                if REFUSAL not in str(error) or time.monotonic() > deadline:
                    raise
            time.sleep(PAUSE_S)

    return try_until_single


def be_patient_with_doubled_elements() -> None:
    """Make all locators and their assertions wait while an element is there twice."""
    assertions = [name for name in vars(LocatorAssertions) if name.startswith(("to_", "not_to_"))]
    for owner, names in ((Locator, ACTIONS), (LocatorAssertions, assertions)):
        for name in names:
            setattr(owner, name, wait_while_doubled(getattr(owner, name)))
