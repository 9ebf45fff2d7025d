"""Requests that schemathesis makes from the OpenAPI schema: every answer is as documented."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from core.http_api.api_application import build_api_application
from core.http_api.request_authorization import ApiAccess

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
]


@pytest.fixture(scope="module")
def api_schema(measured_workspace: Path) -> Iterator[schemathesis.BaseSchema]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARSHOT_WORKSPACE", str(measured_workspace))
        patch.setenv("EARSHOT_READ_ONLY", "1")  # Random text is rendered by other tests.
        hosts = frozenset({"localhost", "127.0.0.1", "testserver"})
        app = build_api_application(ApiAccess(hosts))
        yield schemathesis.openapi.from_asgi("/openapi.json", app)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("POST", name) for name in ("predict", "forecast", "suggest", "rank", "compare")),
        *(("POST", name) for name in ("render", "search")),
        *(("GET", name) for name in ("corpora", "jobs", "clips/{corpus}/{program}")),
    ],
)
def test_every_answer_is_as_documented(api_schema, method: str, path: str):
    @given(case=api_schema[f"/v1/{path}"][method].as_strategy())
    @settings(
        max_examples=8,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def check_answer(case: schemathesis.Case) -> None:
        case.call_and_validate(checks=CHECKS)

    check_answer()


def test_rendering_answers_as_documented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The sandbox runs what schemathesis makes up, for a fraction of a second each."""
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    monkeypatch.delenv("EARSHOT_READ_ONLY", raising=False)  # The tests above set it.
    app = build_api_application(ApiAccess(frozenset({"localhost", "127.0.0.1", "testserver"})))
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    statuses = set()

    @given(
        case=schema["/v1/render"]["POST"].as_strategy(),
        program=st.sampled_from(["play 60", "play 60\nexit", None]),
    )
    @settings(
        max_examples=6,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def check_answer(case: schemathesis.Case, program: str | None) -> None:
        if isinstance(case.body, dict):
            case.body |= {"seconds": 0.2} | ({"program": program} if program else {})
        response = case.call_and_validate(checks=CHECKS)
        statuses.add(response.status_code)

    check_answer()
    assert 200 in statuses
    assert any(status >= 400 for status in statuses)
