"""The HTTP API as a client sees it: answers, problem details, limits and access."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from core import server_token_and_sandbox
from core.errors import EarshotError
from core.http_api import request_authorization
from core.http_api.api_application import (
    build_api_application,
    build_mounted_api_application,
)
from core.http_api.operation_executor import OperationExecutor
from core.http_api.request_authorization import ApiAccess, read_api_access_and_require_sandbox
from tests.measured_workspace import get_clip_bytes, write_repeated_note

URL = "http://127.0.0.1:8600"
LOCAL = frozenset({"127.0.0.1"})
TOKEN = "t" * 32
LOW, HIGH = write_repeated_note(42), write_repeated_note(84)


@pytest.fixture(autouse=True)
def workspace(measured_workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(measured_workspace))
    return measured_workspace


def make_client(access: ApiAccess, executor: OperationExecutor | None = None) -> TestClient:
    return TestClient(build_api_application(access, executor), base_url=URL)


@pytest.fixture
def client() -> Iterator[TestClient]:
    yield make_client(ApiAccess(LOCAL))


@pytest.mark.parametrize(
    ("path", "body", "key"),
    [
        ("predict", {"programs": [LOW], "neighbour_count": 1}, "predictions"),
        ("forecast", {"programs": [LOW, "puts 1"]}, "forecasts"),
        ("suggest", {"program": LOW, "candidate_count": 8, "pick_count": 1}, "picks"),
        ("rank", {"candidates": [LOW, HIGH], "mode": "toward", "target": "higher"}, "ranking"),
        ("compare", {"first": LOW, "second": HIGH}, "aspects"),
    ],
)
def test_every_operation_on_programs_answers(client: TestClient, path: str, body, key: str):
    response = client.post(f"/v1/{path}", json=body)
    assert response.status_code == 200, response.text
    assert response.json()[key]


def test_200_programs_fit_in_one_request(client: TestClient):
    response = client.post(
        "/v1/predict", json={"programs": ["puts 1"] * 199 + [LOW], "with_forecast": False}
    )
    statuses = [item["status"] for item in response.json()["predictions"]]
    assert statuses == ["no_sound"] * 199 + ["ok"]
    assert client.post("/v1/predict", json={"programs": ["puts 1"] * 201}).status_code == 422


def test_search_takes_a_sound_file_and_clips_are_served(client: TestClient, workspace: Path):
    response = client.post("/v1/search?neighbour_count=1", content=get_clip_bytes(workspace))
    (found,) = response.json()["neighbours"]
    clip = client.get(f"/v1/clips/tones/{found['program']}")
    assert clip.headers["content-type"] == "audio/flac"
    assert clip.content == Path(found["clip_path"]).read_bytes()
    for path in ("tones/none", "none/x", "tones/..%2F..%2Fcorpus.sqlite", "..%2Ftones/x"):
        assert client.get(f"/v1/clips/{path}").status_code == 404


def test_corpora_and_jobs_are_listed(client: TestClient):
    assert [item["name"] for item in client.get("/v1/corpora").json()] == ["tones"]
    assert client.get("/v1/jobs").json() == []


def test_the_reference_lists_every_route_and_loads_nothing_from_elsewhere(client: TestClient):
    page = client.get("/docs").text
    schema = client.get("/openapi.json").json()
    assert len(schema["paths"]) == 10
    assert all(path in page for path in schema["paths"])
    assert "src=" not in page and "http" not in page.replace("HTTP", "")
    for path in ("predict", "forecast", "suggest", "rank", "compare", "render"):
        reference = schema["paths"][f"/v1/{path}"]["post"]["requestBody"]["content"]
        name = reference["application/json"]["schema"]["$ref"].rpartition("/")[2]
        assert schema["components"]["schemas"][name]["examples"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"programs": ["play 60"], "corpora": ["missing"]}', 404),
        (b'{"programs": ["play 60"], "corpora": ["../tones"]}', 404),
        (b'{"programs": ["play 60"], "alignment": "../../0001-x"}', 422),
        (b'{"programs": ["play 60"], "aspect_weights": {"pitch": NaN}}', 422),
        (b'{"programs": ["play 60"], "aspect_weights": {"pitch": 0}}', 422),
        (b'{"programs": ["\\ud800"]}', 422),
        (b'{"\\ud800": 1}', 422),
        (b'{"programs": ["\xff"]}', 400),
        (b'{"programs": ' + b"[" * 50_000 + b"]" * 50_000 + b"}", 400),
        (b"{", 422),
        (b"", 422),
        (b"1" * 8_000_001, 413),
    ],
)
def test_hostile_requests_are_refused_with_problem_details(client, body: bytes, status: int):
    response = client.post(
        "/v1/predict", content=body, headers={"Content-Type": "application/json"}
    )
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status and problem["detail"] and problem["remedy"]
    if body in (b"{", b'{"programs": ["\xff"]}'):
        assert "cannot be read as JSON" in problem["detail"] and "UTF-8" in problem["remedy"]


def test_a_body_without_a_stated_length_is_limited_too(client: TestClient):
    chunks = (b"x" * 1_000_000 for _ in range(9))
    response = client.post(
        "/v1/predict", content=chunks, headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 413


def test_a_form_of_a_page_is_no_request(client: TestClient):
    body = b'{"programs": ["play 60"]}'
    response = client.post("/v1/predict", content=body, headers={"Content-Type": "text/plain"})
    assert response.status_code == 422
    assert "Content-Type: application/json" in response.json()["remedy"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example:8600"}, 421),
        ({"Host": "[::bad"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": URL, "Sec-Fetch-Site": "same-origin"}, 200),
        ({}, 200),
    ],
)
def test_other_sites_are_refused(client: TestClient, headers: dict[str, str], status: int):
    assert client.get("/v1/jobs", headers=headers).status_code == status


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("", 401),
        ("Bearer", 401),
        (f"Bearer {TOKEN}x", 401),
        (f"Basic {TOKEN}", 401),
        (f"Bearer {TOKEN}", 200),
        (f"bearer {TOKEN}", 200),
    ],
)
def test_a_token_is_required_where_there_is_one(authorization: str, status: int):
    client = make_client(ApiAccess(LOCAL, TOKEN))
    response = client.get("/v1/jobs", headers={"Authorization": authorization})
    assert response.status_code == status
    assert client.get("/openapi.json").status_code == 401


def test_others_need_a_token_and_a_sandbox(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(request_authorization.TOKEN_VARIABLE, raising=False)
    assert read_api_access_and_require_sandbox("127.0.0.1").token is None
    with pytest.raises(EarshotError, match="without a token"):
        read_api_access_and_require_sandbox("0.0.0.0")
    monkeypatch.setenv(request_authorization.TOKEN_VARIABLE, "short")
    with pytest.raises(EarshotError, match="fewer than 32"):
        read_api_access_and_require_sandbox("127.0.0.1")
    monkeypatch.setenv(request_authorization.TOKEN_VARIABLE, TOKEN)
    monkeypatch.setattr(
        server_token_and_sandbox, "check_sandbox", lambda: (False, "It is missing.")
    )
    with pytest.raises(EarshotError, match="without the sandbox"):
        read_api_access_and_require_sandbox("0.0.0.0")
    monkeypatch.setattr(server_token_and_sandbox, "check_sandbox", lambda: (True, ""))
    monkeypatch.delenv("EARSHOT_NO_SANDBOX", raising=False)
    assert (
        "api.example.org"
        in read_api_access_and_require_sandbox("0.0.0.0", ["API.example.org"]).allowed_hosts
    )


def test_a_dashboard_that_is_open_to_others_needs_the_token(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EARSHOT_OPEN", "example.org")
    monkeypatch.delenv(request_authorization.TOKEN_VARIABLE, raising=False)
    client = TestClient(build_mounted_api_application(), base_url="https://example.org")
    assert client.get("/v1/jobs").status_code == 403
    monkeypatch.setenv(request_authorization.TOKEN_VARIABLE, TOKEN)
    client = TestClient(build_mounted_api_application(), base_url="https://example.org")
    assert client.get("/v1/jobs").status_code == 401
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert client.get("/v1/jobs", headers=headers).status_code == 200


def test_nothing_is_rendered_in_a_read_only_workspace(client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EARSHOT_READ_ONLY", "1")
    response = client.post("/v1/render", json={"program": LOW})
    assert (response.status_code, "read-only" in response.json()["detail"]) == (403, True)


def test_too_many_and_too_slow_operations_are_refused(monkeypatch: pytest.MonkeyPatch):
    from core import operations

    busy = make_client(ApiAccess(LOCAL), OperationExecutor(max_accepted=0))
    response = busy.get("/v1/jobs")
    assert (response.status_code, response.headers["retry-after"]) == (503, "2")
    monkeypatch.setattr(operations, "list_job_summaries", lambda: time.sleep(0.5), raising=False)
    slow = make_client(ApiAccess(LOCAL), OperationExecutor(max_seconds=0.05))
    assert slow.get("/v1/jobs").status_code == 504


def test_a_defect_is_a_problem_too(monkeypatch: pytest.MonkeyPatch):
    from core import operations

    monkeypatch.setattr(operations, "list_job_summaries", lambda: 1 / 0, raising=False)
    app = build_api_application(ApiAccess(LOCAL))
    client = TestClient(app, base_url=URL, raise_server_exceptions=False)
    response = client.get("/v1/jobs")
    assert response.status_code == 500
    assert "division" not in response.text
    monkeypatch.setattr(operations, "list_job_summaries", raise_memory_error, raising=False)
    response = client.get("/v1/jobs")
    assert (response.status_code, response.json()["detail"]) == (503, "Memory ran out.")


def raise_memory_error() -> None:
    raise MemoryError
