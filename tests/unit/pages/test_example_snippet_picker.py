"""Tests of the list of example snippets on Suggest; those of Listen are in test_page_states."""

from __future__ import annotations

from pathlib import Path

from tests.unit.pages.page_steps import open_in_app, write_snippet


def test_suggest_starts_again_from_an_example(full_workspace: Path) -> None:
    app = open_in_app("suggest")
    write_snippet(app, "play 61")
    app.selectbox(key="suggest:example").set_value("Slow chords").run()
    assert not app.exception
    assert ":prophet" in app.session_state["snippet"]
    tree = app.session_state["suggestion_state"].tree
    assert len(tree.choices) == 1 and tree.current.source == app.session_state["snippet"]
