"""Tests of the notice that programs run without a sandbox, or not at all."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from core.sonicpi import sandbox


def page():
    from pages.components import page_header_and_sidebar

    page_header_and_sidebar.draw_page_header()


@pytest.fixture
def no_bubblewrap(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.delenv("EARSHOT_NO_SANDBOX", raising=False)
    sandbox.check_sandbox.cache_clear()
    yield monkeypatch
    sandbox.check_sandbox.cache_clear()


def test_a_working_sandbox_shows_no_notice():
    shown = AppTest.from_function(page).run()
    assert not shown.error and not shown.warning and not shown.exception


def test_a_missing_sandbox_shows_its_remedy(no_bubblewrap):
    (error,) = AppTest.from_function(page).run().error
    assert "not rendered" in error.value and "bubblewrap is not installed" in error.value


def test_a_disabled_sandbox_shows_a_warning(no_bubblewrap):
    no_bubblewrap.setenv("EARSHOT_NO_SANDBOX", "1")
    shown = AppTest.from_function(page).run()
    assert not shown.error and "without a sandbox" in shown.warning[0].value
