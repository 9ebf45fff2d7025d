"""Text field for a snippet, with syntax highlighting."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.components import example_snippets, state

ASSETS_DIR = Path(__file__).parent
FIRST_SNIPPET = next(iter(example_snippets.EXAMPLE_SNIPPETS.values()))

_editor_component = st.components.v2.component(
    "earshot_editor",
    html='<div class="editor"><pre aria-hidden="true"></pre>'
    '<textarea aria-label="Sonic Pi code" spellcheck="false" autocapitalize="off"'
    ' autocomplete="off" maxlength="100000"></textarea></div>',
    css=(ASSETS_DIR / "code_editor.css").read_text(encoding="utf-8"),
    js=(ASSETS_DIR / "code_editor.js").read_text(encoding="utf-8"),
)


def draw_code_editor(height_px: int = 345) -> str:
    """Draw the editor and return its text, at first an example."""
    code = state.SNIPPET.get()
    if code is None:
        code = FIRST_SNIPPET
        state.SNIPPET.set(code)
    _editor_component(
        key=state.CODE_EDITOR.name,
        on_code_change=_store_edited_code,
        data={"code": code, "version": state.SNIPPET_VERSION.get(), "height": height_px},
    )
    return code


def set_editor_code(code: str) -> None:
    """Replace the editor's text; for callbacks."""
    state.SNIPPET.set(code)
    state.SNIPPET_VERSION.set(state.SNIPPET_VERSION.get() + 1)


def _store_edited_code() -> None:
    code = state.CODE_EDITOR.get().get("code")
    if code is not None:
        state.SNIPPET.set(str(code))
