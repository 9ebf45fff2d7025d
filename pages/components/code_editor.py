"""Code editor of a snippet. Its source is in frontend/."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import streamlit as st

from core.errors import EarshotError
from core.sonicpi.interpreter.ruby_parser_process import parse_program_and_error
from pages.components import code_editor_http_routes, example_snippets, session_keys
from pages.components.unknown_url_value_notice import draw_unknown_url_value_warning

ASSETS_DIR = Path(__file__).parent
FIRST_SNIPPET = next(iter(example_snippets.EXAMPLE_SNIPPETS.values()))

CACHE_SIZE = 64
MAX_WORDS_CHARS = 200
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

# The loader shows the code at once, and the editor when its script has arrived.
_LOADER_JS = """
let bundle = null;
export default function (component) {
  const { parentElement, data } = component;
  const root = parentElement.querySelector(".editor");
  root.style.height = data.height;
  if (!parentElement.earshotEditor) root.firstChild.textContent ||= data.code;
  parentElement.earshotUpdate = component;
  bundle ??= import(new URL(data.bundleUrl, location.origin).href);
  bundle.then(({ renderEditor }) => {
    if (parentElement.earshotUpdate === component) renderEditor(component);
  });
}
"""

_editor_component = st.components.v2.component(
    "earshot_editor",
    html='<div class="editor"><pre></pre></div>' + _CONTROLS_HTML,
    css=(ASSETS_DIR / "code_editor.css").read_text(encoding="utf-8"),
    js=_LOADER_JS,
)


def draw_code_editor(
    height_px: int = 345,
    build_slider_url: Callable[[str], str] | None = None,
    growing_height: str = "0px",
) -> str:
    """Draw the editor and return its text: at first a link's code, the browser's, or an example.

    The browser keeps the code, its last 50 versions and named snippets (code_versions.js).

    Parameters
    ----------
    height_px : int
    build_slider_url : callable, optional
        Returns the URL of the sliders of a text (`slider_http_routes`). The editor underlines
        their literals, and opens a slider when one is clicked.
    growing_height : str
        Height in CSS that a large window gives it, at least `height_px`.
    """
    _load_snippet_from_url_once()
    code = session_keys.SNIPPET.get_value()
    if code is None:
        code = FIRST_SNIPPET
        session_keys.SNIPPET.set_value(code)
    _editor_component(
        key=session_keys.CODE_EDITOR.name,
        on_code_change=_store_edited_code,
        on_render_change=_store_render_request,
        data={
            "code": code,
            "version": session_keys.SNIPPET_VERSION.get_value(),
            "height": f"max({height_px}px, {growing_height})",
            "canRestore": code == FIRST_SNIPPET and session_keys.SNIPPET_VERSION.get_value() == 0,
            "problem": _find_syntax_problem(code),
            "sliderUrl": "" if build_slider_url is None else build_slider_url(code),
            "bundleUrl": code_editor_http_routes.build_editor_file_url(
                code_editor_http_routes.BUNDLE_NAME
            ),
            "completionsUrl": code_editor_http_routes.build_editor_file_url(
                code_editor_http_routes.TABLE_NAME
            ),
        },
    )
    return code


def take_render_request() -> bool:
    """Return whether the editor's key for Render was pressed since the last call."""
    is_requested = session_keys.IS_RENDER_REQUESTED.get_value()
    session_keys.IS_RENDER_REQUESTED.set_value(False)
    return is_requested


@lru_cache(maxsize=CACHE_SIZE)
def _find_syntax_problem(code: str) -> dict[str, Any] | None:
    """Return line and message of the code's syntax error, found by Ruby's parser."""
    try:
        parsed = parse_program_and_error(code)
    except EarshotError:  # Without Ruby, the page itself reports it.
        return None
    if parsed.error_line is None:
        return None
    return {"line": parsed.error_line, "message": parsed.error_message}


def _load_snippet_from_url_once() -> None:
    """Put the code that the URL carries into the editor, once: later edits count."""
    text = session_keys.LINKED_SNIPPET.get_value()
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
    session_keys.LINKED_SNIPPET.set_value(None)
    set_editor_code(code)


def set_editor_code(code: str) -> None:
    """Replace the editor's text; for callbacks."""
    session_keys.SNIPPET.set_value(code)
    session_keys.SNIPPET_VERSION.set_value(session_keys.SNIPPET_VERSION.get_value() + 1)


def _store_edited_code() -> None:
    code = session_keys.CODE_EDITOR.get_value().get("code")
    if code is not None:
        session_keys.SNIPPET.set_value(str(code))


def _store_render_request() -> None:
    request = session_keys.CODE_EDITOR.get_value().get("render")
    if request:
        session_keys.SNIPPET.set_value(str(request["code"]))
        session_keys.SNIPPET_CHANGE_WORDS.set_value(
            str(request.get("words") or "")[:MAX_WORDS_CHARS]
        )
        session_keys.IS_RENDER_REQUESTED.set_value(True)
