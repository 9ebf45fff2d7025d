"""The field in which a snippet is written, with Ruby's colours."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

HERE = Path(__file__).parent
SNIPPET, TURN, KEY = "snippet", "snippet-turn", "editor"

_field = st.components.v2.component(
    "earshot_editor",
    html='<div class="editor"><pre aria-hidden="true"></pre>'
    '<textarea aria-label="Sonic Pi code" spellcheck="false" autocapitalize="off"'
    ' autocomplete="off" maxlength="100000"></textarea></div>',
    css=(HERE / "code_editor.css").read_text(encoding="utf-8"),
    js=(HERE / "code_editor.js").read_text(encoding="utf-8"),
)


def code(first: str, height: int = 345) -> str:
    """Draw the field, so many pixels high; return what is written in it, at first `first`."""
    st.session_state.setdefault(SNIPPET, first)
    _field(
        key=KEY,
        on_code_change=_take,
        data={
            "code": st.session_state[SNIPPET],
            "turn": st.session_state.get(TURN, 0),
            "height": height,
        },
    )
    return st.session_state[SNIPPET]


def put(text: str) -> None:
    """Write something else into the field; for callbacks."""
    st.session_state[SNIPPET] = text
    st.session_state[TURN] = st.session_state.get(TURN, 0) + 1


def _take() -> None:
    written = st.session_state[KEY].get("code")
    if written is not None:
        st.session_state[SNIPPET] = str(written)
