"""Following a file on a page, and the buttons that play a program in Sonic Pi."""

import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.sonicpi.live.source_file_watcher import SETTLE_SECONDS


def draw_controls() -> None:
    import streamlit as st

    from pages.components import followed_file_or_workspace_picker, sonic_pi_buttons

    code = (
        followed_file_or_workspace_picker.draw_followed_code()
        if followed_file_or_workspace_picker.is_following_file_or_workspace()
        else "own code"
    )
    followed_file_or_workspace_picker.draw_follow_control()
    sonic_pi_buttons.draw_sonic_pi_buttons(code, "editor")
    st.text(code)


def press(app: AppTest, label: str) -> None:
    next(button for button in app.button if button.label == label).click()
    app.run()


def test_a_followed_file_is_shown_until_editing_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "beat.rb"
    path.write_text("play 61")
    app = AppTest.from_function(draw_controls).run()
    app.text_input[0].set_value(str(path))
    press(app, "Follow file")
    time.sleep(SETTLE_SECONDS)
    app.run()
    assert app.code[0].value == app.text[0].value == "play 61"
    path.write_text("play 62")
    app.run()
    time.sleep(SETTLE_SECONDS)
    assert app.run().code[0].value == "play 62"
    press(app, "Edit this code")
    assert app.session_state["snippet"] == "play 62"
    assert app.text[0].value == "own code"
    assert not app.exception


@pytest.mark.parametrize("variable", ["EARSHOT_READ_ONLY", "EARSHOT_OPEN"])
def test_others_can_neither_follow_nor_play(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "1")
    app = AppTest.from_function(draw_controls).run()
    assert not app.button and not app.text_input and not app.exception
