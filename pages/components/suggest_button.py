"""Button that opens page Suggest with a program."""

from __future__ import annotations

import streamlit as st

from pages.components import code_editor, page_switch

SUGGEST_PAGE_PATH = "pages/suggest/page.py"


def draw_suggest_button(source: str, key: str) -> None:
    """Draw the button "Suggest from here", which puts a program into the editor of Suggest.

    Parameters
    ----------
    source : str
    key : str
        Unique on the page.
    """
    is_pressed = st.button(
        "Suggest from here",
        icon=":material/lightbulb:",
        type="tertiary",
        key=f"suggest-from-{key}",
        help="Versions of this program, to choose by ear",
    )
    if is_pressed:
        # Not in a callback: on Listen, other code has other cards, without this button.
        code_editor.set_editor_code(source)
        page_switch.switch_to_page(SUGGEST_PAGE_PATH)
