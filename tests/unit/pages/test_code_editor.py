"""Tests of the editor's data: syntax errors, marks and the routes of its files."""

from __future__ import annotations

import json

from starlette.applications import Starlette
from starlette.testclient import TestClient

from pages.components import code_editor, code_editor_http_routes
from pages.components.code_editor import CodeMark


def test_a_syntax_error_has_its_line() -> None:
    problem = code_editor._find_syntax_problem("play 60\nlive_loop :a do\n  play (\nend\n")
    assert problem is not None and problem["line"] >= 3 and "syntax error" in problem["message"]
    assert code_editor._find_syntax_problem("play 60") is None


def test_columns_of_marks_are_counted_in_utf_16() -> None:
    marks = code_editor._convert_marks_to_utf16_columns(
        "puts '🎵'; play 60", [CodeMark(1, 15, 17, 0.5, "note")]
    )
    assert marks == [{"line": 1, "from": 16, "to": 18, "strength": 0.5, "title": "note"}]
    # A line that does not exist is left to the editor, which ignores it.
    assert code_editor._convert_marks_to_utf16_columns("", [CodeMark(9, 0, 4, 1)])[0]["to"] == 0


def test_the_routes_serve_the_script_and_the_completions_by_digest() -> None:
    client = TestClient(Starlette(routes=code_editor_http_routes.build_code_editor_routes()))
    url = code_editor_http_routes.build_editor_file_url(code_editor_http_routes.TABLE_NAME)
    table = json.loads(client.get(url).text)
    assert table["fx"]["reverb"]["options"]["room"] == 0.6
    assert "bd_haus" in table["samples"] and "live_loop" in table["functions"]
    script = client.get(
        code_editor_http_routes.build_editor_file_url(code_editor_http_routes.BUNDLE_NAME)
    )
    assert script.headers["content-type"].startswith("text/javascript")
    assert "immutable" in script.headers["cache-control"]
    for path in (url.replace("completions.json", "package.json"), "/code-editor/0/code_editor.js"):
        assert client.get(path).status_code == 404
