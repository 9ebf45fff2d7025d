"""The field in which a snippet is written, with Ruby's colours."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

ASSETS_DIR = Path(__file__).parent
SNIPPET_KEY, SNIPPET_VERSION_KEY, EDITOR_KEY = "snippet", "snippet-turn", "editor"

_editor_component = st.components.v2.component(
    "earshot_editor",
    html='<div class="editor"><pre aria-hidden="true"></pre>'
    '<textarea aria-label="Sonic Pi code" spellcheck="false" autocapitalize="off"'
    ' autocomplete="off" maxlength="100000"></textarea></div>',
    css=(ASSETS_DIR / "code_editor.css").read_text(encoding="utf-8"),
    js=(ASSETS_DIR / "code_editor.js").read_text(encoding="utf-8"),
)


def draw_code_editor(initial_code: str, height_px: int = 345) -> str:
    """Draw the field, so many pixels high; return what is written in it, at first `initial_code`."""
    st.session_state.setdefault(SNIPPET_KEY, initial_code)
    _editor_component(
        key=EDITOR_KEY,
        on_code_change=_store_edited_code,
        data={
            "code": st.session_state[SNIPPET_KEY],
            "turn": st.session_state.get(SNIPPET_VERSION_KEY, 0),
            "height": height_px,
        },
    )
    return st.session_state[SNIPPET_KEY]


def set_editor_code(code: str) -> None:
    """Write something else into the field; for callbacks."""
    st.session_state[SNIPPET_KEY] = code
    st.session_state[SNIPPET_VERSION_KEY] = st.session_state.get(SNIPPET_VERSION_KEY, 0) + 1


def _store_edited_code() -> None:
    written = st.session_state[EDITOR_KEY].get("code")
    if written is not None:
        st.session_state[SNIPPET_KEY] = str(written)
