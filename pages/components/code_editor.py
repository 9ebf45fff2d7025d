"""Text field for a snippet, with syntax highlighting."""

from __future__ import annotations

import base64
from pathlib import Path

import streamlit as st

from pages.components import example_snippets, session_keys
from pages.components.unknown_url_value_notice import draw_unknown_url_value_warning

ASSETS_DIR = Path(__file__).parent
FIRST_SNIPPET = next(iter(example_snippets.EXAMPLE_SNIPPETS.values()))

MAX_LINKED_SNIPPET_CHARS = 2000  # As in code_versions.js.
_CONTROLS_HTML = (
    '<div class="editor-controls">'
    '<button type="button" data-control="undo" title="Older version" aria-label="Undo">↶</button>'
    '<button type="button" data-control="redo" title="Newer version" aria-label="Redo">↷</button>'
    '<select data-control="history" aria-label="History of the last 50 versions"></select>'
    '<button type="button" data-control="link">Copy link</button>'
    '<select data-control="snippets" aria-label="Named snippets"></select>'
    '<input data-control="name" aria-label="Name of the snippet" placeholder="Name"'
    ' maxlength="60">'
    '<button type="button" data-control="save">Save</button>'
    '<button type="button" data-control="delete">Delete</button>'
    '<span data-control="status" role="status"></span></div>'
)

_editor_component = st.components.v2.component(
    "earshot_editor",
    html='<div class="editor"><pre aria-hidden="true"></pre>'
    '<textarea aria-label="Sonic Pi code" spellcheck="false" autocapitalize="off"'
    ' autocomplete="off" maxlength="100000"></textarea></div>' + _CONTROLS_HTML,
    css=(ASSETS_DIR / "code_editor.css").read_text(encoding="utf-8"),
    # One script: a component has no modules of its own.
    js="\n".join(
        (ASSETS_DIR / name).read_text(encoding="utf-8")
        for name in ("code_versions.js", "code_editor.js")
    ),
)


def draw_code_editor(height_px: int = 345) -> str:
    """Draw the editor and return its text: at first a link's code, the browser's, or an example.

    The browser keeps the code, its last 50 versions and named snippets (code_versions.js).
    """
    _open_linked_snippet()
    code = session_keys.SNIPPET.get()
    if code is None:
        code = FIRST_SNIPPET
        session_keys.SNIPPET.set(code)
    _editor_component(
        key=session_keys.CODE_EDITOR.name,
        on_code_change=_store_edited_code,
        data={
            "code": code,
            "version": session_keys.SNIPPET_VERSION.get(),
            "height": height_px,
            "canRestore": code == FIRST_SNIPPET and session_keys.SNIPPET_VERSION.get() == 0,
        },
    )
    return code


def _open_linked_snippet() -> None:
    """Put the code that the URL carries into the editor, once: later edits count."""
    text = session_keys.LINKED_SNIPPET.get()
    if text is None:
        return
    try:
        padding = "=" * (-len(text) % 4)
        code = base64.b64decode(text + padding, altchars=b"-_", validate=True).decode()
    except (ValueError, UnicodeDecodeError):
        code = ""
    if not code or len(code) > MAX_LINKED_SNIPPET_CHARS:
        draw_unknown_url_value_warning("snippet", text)
        return
    session_keys.LINKED_SNIPPET.set(None)
    set_editor_code(code)


def set_editor_code(code: str) -> None:
    """Replace the editor's text; for callbacks."""
    session_keys.SNIPPET.set(code)
    session_keys.SNIPPET_VERSION.set(session_keys.SNIPPET_VERSION.get() + 1)


def _store_edited_code() -> None:
    code = session_keys.CODE_EDITOR.get().get("code")
    if code is not None:
        session_keys.SNIPPET.set(str(code))
