"""Arguments of the tools: what is parsed, what is refused, and the schemas."""

from __future__ import annotations

import threading
from functools import partial

import anyio
import pytest
from jsonschema import Draft202012Validator
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import ValidationError

from core.mcp_server.operation_tools import OperationTool
from core.mcp_server.tool_list_and_descriptions import build_tools
from core.operations import SuggestRequest, SuggestResult

TOOLS = {tool.name: tool for tool in build_tools()}


def validate(name: str, **arguments: object) -> dict:
    return TOOLS[name].fn_metadata.validate_arguments(arguments)


def test_a_program_that_is_valid_json_stays_a_string():
    for text in ("[1]", "{}", "60", '"play 60"', "null", "true"):
        arguments = validate("rank_candidates", candidates=["play 60"], program=text)
        assert arguments["program"] == text


def test_lists_that_a_client_sends_as_text_are_parsed():
    assert validate("forecast", programs='["play 60"]')["programs"] == ["play 60"]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("forecast", {"programs": []}),
        ("forecast", {"programs": ["x" * 100_001]}),
        ("forecast", {"programs": ["\ud800"]}),
        ("forecast", {"programs": "play 60"}),
        ("forecast", {"programs": ["play 60"], "program": "play 60"}),
        ("render", {"program": "play 60", "seconds": float("inf")}),
        ("render", {"program": "play 60", "seconds": 1e9}),
        ("find_by_sound", {}),
    ],
)
def test_bad_arguments_are_refused(name: str, arguments: dict):
    with pytest.raises(ValidationError):
        validate(name, **arguments)


def test_every_schema_is_valid_and_every_field_is_described():
    for tool in TOOLS.values():
        Draft202012Validator.check_schema(tool.parameters)
        Draft202012Validator.check_schema(tool.output_schema)
        for name, field in tool.parameters["properties"].items():
            assert field.get("description"), (tool.name, name)


def test_only_rendering_writes():
    writing = {name for name, tool in TOOLS.items() if not tool.annotations.read_only_hint}
    assert writing == {"render"}


def test_an_unexpected_error_hides_its_text(monkeypatch: pytest.MonkeyPatch):
    from core.mcp_server import operation_tools
    from core.mcp_server.mcp_server_construction import build_mcp_server

    def fail(operation: object, request: object) -> None:
        raise KeyError("/home/somebody/secret")

    monkeypatch.setattr(operation_tools, "run_operation", fail)

    async def call() -> str:
        try:
            await build_mcp_server().call_tool("sonic_pi_reference", {})
        except Exception as error:
            return str(error)
        raise AssertionError("no error")

    assert "secret" not in anyio.run(call)


def test_invalid_arguments_are_named_in_one_line():
    from core.mcp_server.mcp_server_construction import build_mcp_server

    async def call() -> str:
        with pytest.raises(ToolError) as mistake:
            await build_mcp_server().call_tool("forecast", {"programs": "play 60", "foo": 1})
        return str(mistake.value)

    text = anyio.run(call)
    assert "programs: Input should be a valid list. foo: Extra inputs are not permitted." in text
    assert "\n" not in text and "http" not in text


def test_a_suggestion_that_renders_does_not_hold_up_a_prediction():
    """Two operations that overlap: each waits for the other one to start."""
    starts = threading.Barrier(2)

    def suggest(request: SuggestRequest) -> SuggestResult:
        starts.wait(10)
        return SuggestResult(
            status="ok", line=None, message="", corpus="", alignment="", candidate_count=0, picks=[]
        )

    tool = OperationTool(
        "suggest",
        "Suggest",
        "Suggest.",
        request_type=SuggestRequest,
        result_type=SuggestResult,
        operation=suggest,
    )

    async def call_both() -> None:
        sdk_tool = tool.build_sdk_tool(anyio.Lock(), render_lock=anyio.Lock())
        async with anyio.create_task_group() as group:
            for render in (True, False):
                group.start_soon(partial(sdk_tool.fn, program="play 60", render=render))

    anyio.run(call_both)
