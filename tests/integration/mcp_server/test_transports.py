"""The official client against the server's command, over both transports, with real rendering."""

from __future__ import annotations

import base64
import io
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import httpx2
import pytest
import soundfile
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from tests.measured_workspace import write_repeated_note

PROJECT = Path(__file__).resolve().parents[3]
COMMAND = ["-P", "-m", "core", "mcp"]
TOOLS = {
    "predict_sound",
    "forecast",
    "rank_candidates",
    "suggest_variants",
    "compare_sounds",
    "sonic_pi_reference",
    "find_by_sound",
    "render",
}
LOW, HIGH = write_repeated_note(42), write_repeated_note(84)
HOSTILE = 'system "id > /tmp/earshot_mcp_was_here"; puts File.read("/etc/passwd"); play 60'
TOKEN = "0123456789abcdef" * 2


@pytest.fixture(scope="module")
def environment(measured_workspace: Path) -> dict[str, str]:
    return {
        **os.environ,
        "EARSHOT_WORKSPACE": str(measured_workspace),
        "PYTHONPATH": str(PROJECT),
        "EARSHOT_MCP_TOKEN": "",
    }


async def check_every_tool(client: Client) -> None:
    """Call every tool; the client itself validates each answer against the output schema."""
    tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert set(tools) == TOOLS
    assert all(tool.output_schema and tool.description for tool in tools.values())

    async def call(name: str, **arguments: object) -> dict:
        result = await client.call_tool(name, arguments)
        assert not result.is_error, result.content
        assert json.loads(result.content[0].text) == result.structured_content
        return {**result.structured_content, "audio": result.content[1:]}

    prediction = (await call("predict_sound", programs=[LOW]))["predictions"][0]
    assert prediction["neighbours"][0]["corpus"] == "tones"
    assert (await call("forecast", programs=["end end"]))["forecasts"][0]["status"] == "syntax"
    ranking = await call("rank_candidates", candidates=[LOW, HIGH, "[1]"], program="{}\n" + LOW)
    assert [entry["index"] for entry in ranking["refused"]] == [2]
    assert len((await call("suggest_variants", program=LOW, pick_count=2))["picks"]) == 2
    assert (await call("compare_sounds", first=LOW, second=LOW))["whole"]["similarity"] > 0.999
    assert "tb303" in (await call("sonic_pi_reference"))["synths"]
    clip = await call("render", program=f"puts 'not protocol'\n{LOW}", seconds=1)
    sound = soundfile.info(io.BytesIO(base64.b64decode(clip["audio"][0].data)))
    assert (sound.duration, clip["audio"][0].mime_type) == (1.0, "audio/flac")
    found = await call("find_by_sound", path=clip["path"], neighbour_count=1)
    assert len(found["neighbours"]) == 1


async def check_resources_and_prompt(client: Client) -> None:
    corpora = json.loads((await client.read_resource("earshot://corpora")).contents[0].text)
    assert [corpus["name"] for corpus in corpora["corpora"]] == ["tones"]
    listing = await client.read_resource("earshot://corpora/tones/programs")
    program = json.loads(listing.contents[0].text)["programs"][0]["program"]
    source = await client.read_resource(f"earshot://corpora/tones/programs/{program}")
    assert "play" in source.contents[0].text
    clip = (await client.read_resource(f"earshot://corpora/tones/clips/{program}")).contents[0]
    assert base64.b64decode(clip.blob)[:4] == b"fLaC"
    prompt = (await client.list_prompts()).prompts[0]
    message = await client.get_prompt(prompt.name, {"program": LOW, "count": "3"})
    assert LOW in message.messages[0].content.text


async def check_hostile_input(client: Client) -> None:
    """Each is an answer with an explanation; the server goes on."""

    async def refuse(name: str, **arguments: object) -> str:
        result = await client.call_tool(name, arguments)
        assert result.is_error
        assert "Traceback" not in result.content[0].text
        return result.content[0].text

    assert "corpus" in await refuse("predict_sound", programs=["play 60"], corpora=["../../etc"])
    assert "allowed folders" in await refuse("find_by_sound", path="/etc/passwd")
    assert "foo" in await refuse("forecast", programs=["play 60"], foo=1)
    assert "200" in await refuse("forecast", programs=["play 60"] * 201)
    assert "finite" in await refuse("render", program="play 60", seconds="NaN")
    await client.call_tool("render", {"program": HOSTILE, "seconds": 1})
    assert not Path("/tmp/earshot_mcp_was_here").exists()
    assert not (await client.call_tool("forecast", {"programs": [HOSTILE]})).is_error


def test_standard_input_and_output(environment: dict[str, str]):
    async def hold_session() -> None:
        parameters = StdioServerParameters(
            command=sys.executable, args=COMMAND, env=environment, cwd=PROJECT
        )
        async with Client(parameters) as client:
            assert client.server_info.name == "earshot"
            await check_every_tool(client)
            await check_resources_and_prompt(client)
            await check_hostile_input(client)

    anyio.run(hold_session)


def test_nothing_but_protocol_is_on_standard_output(environment: dict[str, str]):
    """Also for an older client, and after a line that is no message."""
    initialize = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }
    render = {"name": "render", "arguments": {"program": "puts 1; play 60", "seconds": 0.5}}
    messages = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": initialize},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": render},
    ]
    lines = [json.dumps(message) for message in messages]
    process = subprocess.Popen(
        [sys.executable, *COMMAND],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        cwd=PROJECT,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n".join([*lines[:2], "no message", '{"a":' * 500, lines[2]]) + "\n")
    process.stdin.flush()
    answers = []
    while not any(answer.get("id") == 2 for answer in answers):
        answers.append(json.loads(process.stdout.readline()))
    process.stdin.close()
    answers += [json.loads(line) for line in process.stdout]
    process.stdout.close()
    assert process.wait(60) == 0
    assert {answer["jsonrpc"] for answer in answers} == {"2.0"}


@contextmanager
def serve(environment: dict[str, str], *options: str) -> Iterator[str]:
    """Run the server over HTTP; yield its address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = [sys.executable, *COMMAND, "--http", "--port", str(port), *options]
    with subprocess.Popen(command, env=environment, cwd=PROJECT) as process:
        try:
            wait_for_server(process, port)
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            process.terminate()


def wait_for_server(process: subprocess.Popen, port: int) -> None:
    while process.poll() is None:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
    raise AssertionError("the server ended")


def test_streamable_http_with_a_token(environment: dict[str, str]):
    """Over a connection that reaches this machine under another name, as behind a proxy."""
    token = {"Authorization": f"Bearer {TOKEN}"}

    async def hold_session(url: str) -> None:
        headers = {**token, "Host": "music.example"}
        async with httpx2.AsyncClient(headers=headers, trust_env=False) as http_client:
            async with Client(streamable_http_client(url, http_client=http_client)) as client:
                await check_every_tool(client)

    with serve({**environment, "EARSHOT_MCP_TOKEN": TOKEN}, "--open", "music.example") as url:
        anyio.run(hold_session, url)
        body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        accepted = {"Accept": "application/json, text/event-stream"}

        def post(headers: dict[str, str], content: bytes | None = None) -> int:
            encoded = {name: value.encode() for name, value in {**accepted, **headers}.items()}
            sent = {"json": body} if content is None else {"content": content}
            return httpx2.post(url, headers=encoded, trust_env=False, **sent).status_code

        assert post({}) == 401
        assert post({"Authorization": "Bearer é"}) == 401
        assert post({"Authorization": f"Basic {TOKEN}"}) == 401
        assert post({**token, "Host": "evil.example"}) == 421
        assert post({**token, "Origin": "https://evil.example"}) == 403
        assert post(token, b"\xff\xfe") in (400, 415)
        assert post(token, b"0" * 5_000_000) in (400, 413, 415)
