"""Tests of the editor's data: syntax errors and the routes of its files."""

from __future__ import annotations

import json

from starlette.applications import Starlette
from starlette.testclient import TestClient

from pages.components import code_editor, code_editor_http_routes


def test_a_syntax_error_has_its_line() -> None:
    problem = code_editor._find_syntax_problem("play 60\nlive_loop :a do\n  play (\nend\n")
    assert problem is not None and problem["line"] >= 3 and "syntax error" in problem["message"]
    assert code_editor._find_syntax_problem("play 60") is None


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
