"""The patience of browser tests with an element that is there twice for a moment."""

from __future__ import annotations

import pytest
from playwright.sync_api import Error, Page, expect

from tests.e2e import doubled_elements


def test_a_doubled_element_is_waited_for_and_one_that_stays_doubled_fails(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    page.set_content("<button class='old'>Render</button><button class='new'>Render</button>")
    button = page.get_by_role("button", name="Render")
    page.evaluate("setTimeout(() => document.querySelector('.old').remove(), 500)")
    expect(button).to_have_class("new")

    page.set_content("<p>Render</p><p>Render</p>")
    monkeypatch.setattr(doubled_elements, "PATIENCE_S", 0.5)
    with pytest.raises(AssertionError, match="strict mode violation"):
        expect(page.get_by_text("Render")).to_be_visible()
    with pytest.raises(Error, match="strict mode violation"):
        page.get_by_text("Render").click()
