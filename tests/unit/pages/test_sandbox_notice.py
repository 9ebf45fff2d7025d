"""Every page says when programs would run without their sandbox, or not at all."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from core.sonicpi import sandbox


def page():
    from pages.components import layout

    layout.draw_page_header()


@pytest.fixture
def no_bubblewrap(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.delenv("EARSHOT_NO_SANDBOX", raising=False)
    sandbox.check_sandbox.cache_clear()
    yield monkeypatch
    sandbox.check_sandbox.cache_clear()


def test_nothing_is_said_of_a_sandbox_that_works():
    shown = AppTest.from_function(page).run()
    assert not shown.error and not shown.warning and not shown.exception


def test_a_missing_sandbox_is_told_with_its_remedy(no_bubblewrap):
    (told,) = AppTest.from_function(page).run().error
    assert "not rendered" in told.value and "bubblewrap is not installed" in told.value


def test_a_waived_sandbox_is_told(no_bubblewrap):
    no_bubblewrap.setenv("EARSHOT_NO_SANDBOX", "1")
    shown = AppTest.from_function(page).run()
    assert not shown.error and "without a sandbox" in shown.warning[0].value
