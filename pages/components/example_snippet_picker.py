"""A list from which a user puts an example snippet into the code editor."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from pages.components import code_editor
from pages.components.example_snippets import EXAMPLE_SNIPPETS
from pages.components.session_keys import SessionKey


def draw_example_picker(
    choice: SessionKey[str | None], on_insert: Callable[[str], None] | None = None
) -> None:
    """Draw the list; a choice replaces the code in the editor.

    Parameters
    ----------
    choice : SessionKey
        Holds the title of the chosen example.
    on_insert : function, optional
        Called with the code of a chosen example.
    """
    st.selectbox(
        "Example",
        list(EXAMPLE_SNIPPETS),
        index=None,
        key=choice.name,
        placeholder="Start from an example …",
        label_visibility="collapsed",
        on_change=_insert_chosen_example,
        args=(choice, on_insert),
    )


def _insert_chosen_example(
    choice: SessionKey[str | None], on_insert: Callable[[str], None] | None
) -> None:
    title = choice.get_value()
    if title is None:
        return
    code_editor.set_editor_code(EXAMPLE_SNIPPETS[title])
    if on_insert is not None:
        on_insert(EXAMPLE_SNIPPETS[title])
