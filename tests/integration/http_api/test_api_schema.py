"""Requests that schemathesis makes from the OpenAPI schema: every answer is as documented."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from core.http_api.api_application import build_api_application
from core.http_api.request_access import ApiAccess

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
