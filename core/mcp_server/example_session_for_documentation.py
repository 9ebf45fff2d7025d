"""A short session with the server as Markdown, for the documentation."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import anyio
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

from core.errors import EarshotError
from core.workspace import PROJECT_FOLDER, get_workspace_root

PROGRAM = """\
live_loop :lead do
  use_synth :saw
  play (scale :e3, :minor).tick, cutoff: 90, release: 0.2
  sleep 0.25
end
"""
DARKER_PROGRAM = PROGRAM.replace("cutoff: 90", "cutoff: 60")
LONGER_PROGRAM = PROGRAM.replace("release: 0.2", "release: 0.21")
OTHER_PROGRAM = """\
live_loop :beat do
  sample :loop_amen, beat_stretch: 2
  sleep 2
end
"""
CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("sonic_pi_reference", {"names": ["saw", "sawtooth"]}),
    ("forecast", {"programs": [PROGRAM]}),
    (
        "rank_candidates",
        {
            "program": PROGRAM,
            "candidates": [LONGER_PROGRAM, DARKER_PROGRAM, OTHER_PROGRAM, "plya :e3"],
            "pick_count": 2,
        },
    ),
    ("compare_sounds", {"first": PROGRAM, "second": DARKER_PROGRAM}),
    ("render", {"program": DARKER_PROGRAM, "seconds": 4}),
)
MAX_TEXT_CHARS = 120
MAX_ITEMS = 2
LINE_CHARS = 100


def record_example_session() -> str:
    """Start the server, call tools with the official client, and return the session as Markdown.

    Long texts, lists and audio are cut, with a note of their length; numbers have three digits.

    Raises
    ------
    EarshotError
        When a tool answers with an error: without a corpus, for example.
    """
    return anyio.run(_run_example_session)


async def _run_example_session() -> str:
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-P", "-m", "core", "mcp"],
        cwd=PROJECT_FOLDER,
        env={**os.environ, "PYTHONPATH": str(PROJECT_FOLDER)},
    )
    parts = []
    async with Client(parameters) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        parts.append(f"Tools: {', '.join(names)}.")
        for name, arguments in CALLS:
            result = await client.call_tool(name, arguments)
            if result.is_error:
                raise EarshotError(getattr(result.content[0], "text", "failed"), where=name)
            parts.append(_format_tool_call(name, arguments, result.structured_content))
            for item in result.content[1:]:
                size = len(getattr(item, "data", "")) * 3 // 4
                parts.append(f"and {item.type} content, {size:,} bytes.")
    return "\n\n".join(parts)


def _format_tool_call(name: str, arguments: dict[str, Any], answer: Any) -> str:
    request = format_json({"tool": name, "arguments": arguments})
    answer_text = format_json(shorten_answer(answer))
    return f"`{name}`\n\n```json\n{request}\n```\n\nanswers\n\n```json\n{answer_text}\n```"


def shorten_answer(value: Any) -> Any:
    """Cut texts and lists, round numbers, and replace the workspace's path in an answer."""
    if isinstance(value, dict):
        # A table by name, such as the properties of a forecast, is cut like a list.
        is_table = len(value) > MAX_ITEMS and all(isinstance(item, dict) for item in value.values())
        items = list(value.items())[: MAX_ITEMS if is_table else None]
        return {key: shorten_answer(item) for key, item in items}
    if isinstance(value, list):
        return [shorten_answer(item) for item in value[:MAX_ITEMS]]
    if isinstance(value, float):
        return float(f"{value:.3g}")
    if isinstance(value, str):
        text = value.replace(str(get_workspace_root()), "artifacts")
        return text if len(text) <= MAX_TEXT_CHARS else f"{text[:MAX_TEXT_CHARS]}…"
    return value


def format_json(value: Any, indent: str = "") -> str:
    """Return JSON that breaks a list or an object into lines only where it is long."""
    text = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(text) <= LINE_CHARS or not isinstance(value, (dict, list)):
        return text
    inner = f"{indent}  "
    if isinstance(value, dict):
        parts = [f"{json.dumps(key)}: {format_json(item, inner)}" for key, item in value.items()]
        return "{\n" + ",\n".join(inner + part for part in parts) + f"\n{indent}}}"
    parts = [format_json(item, inner) for item in value]
    return "[\n" + ",\n".join(inner + part for part in parts) + f"\n{indent}]"
