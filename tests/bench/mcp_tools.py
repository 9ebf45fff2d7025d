"""Benchmark: answers of the tools of the MCP server to the official client over stdio.

On the default corpus, after loading. Every call has another program, so that nothing comes from a
cache.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from typing import Any

import anyio
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

from core.errors import EarshotError
from core.workspace import PROJECT_FOLDER

PROGRAM = """\
use_bpm 120

live_loop :bass do
  use_synth :tb303
  play (ring :c2, :eb2, :g2).tick, cutoff: {cutoff}, release: 0.3
  sleep 0.5
end

live_loop :drums do
  sample :bd_haus, amp: 1.5
  sleep 0.5
  sample :drum_cymbal_closed, rate: 1.2 if one_in(2)
  sleep 0.5
end
"""
BATCH_SIZE = 200
LOADING_CALLS = 3
SEARCHED_SECONDS = 18
SEED_STEP = 1000
"""Programs of different calls differ by more than the programs of one batch."""


def run(variants: int = 7) -> list[tuple[str, float]]:
    """Return the median time of each tool's answer in milliseconds.

    Parameters
    ----------
    variants : int
        Calls of each tool; a third as many of batches.
    """
    return anyio.run(_measure_tools, variants)


def _write_program(seed: int) -> str:
    return PROGRAM.format(cutoff=60 + seed / 10_000)


def _list_calls(seed: int) -> list[tuple[str, str, dict[str, Any]]]:
    """Return label, tool and arguments of one call of each tool."""
    program, other = _write_program(seed), _write_program(seed + 1)
    candidates = [_write_program(seed + number) for number in range(2, 8)]
    batch = [_write_program(seed + number) for number in range(10, 10 + BATCH_SIZE)]
    return [
        ("predict_sound", "predict_sound", {"programs": [program]}),
        ("forecast", "forecast", {"programs": [program]}),
        ("rank_candidates, 6", "rank_candidates", {"program": program, "candidates": candidates}),
        ("suggest_variants", "suggest_variants", {"program": program, "seed": seed}),
        ("compare_sounds", "compare_sounds", {"first": program, "second": other}),
        ("sonic_pi_reference", "sonic_pi_reference", {"names": ["saw"]}),
        ("render, 2 s", "render", {"program": program, "seconds": 2}),
        (f"predict_sound, {BATCH_SIZE} programs", "predict_sound", {"programs": batch}),
    ]


async def _measure_tools(repeats: int) -> list[tuple[str, float]]:
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-P", "-m", "core", "mcp"],
        cwd=PROJECT_FOLDER,
        env={**os.environ, "PYTHONPATH": str(PROJECT_FOLDER)},
    )
    times: dict[str, list[float]] = {}
    async with Client(parameters) as client:

        async def call_and_measure(tool: str, arguments: dict[str, Any]) -> tuple[Any, float]:
            started = time.perf_counter()
            result = await client.call_tool(tool, arguments)
            seconds = time.perf_counter() - started
            if result.is_error:
                message = getattr(result.content[0], "text", "The tool failed.")
                raise EarshotError(message, where=tool)
            return result.structured_content, 1000 * seconds

        for repeat in range(-LOADING_CALLS, repeats):
            seed = (repeat + LOADING_CALLS) * SEED_STEP
            measured = {}
            for label, tool, arguments in _list_calls(seed):
                if not ("programs" in label and repeat % 3):
                    _, measured[label] = await call_and_measure(tool, arguments)
            rendering, _ = await call_and_measure(
                "render", {"program": _write_program(seed), "seconds": SEARCHED_SECONDS}
            )
            label = f"find_by_sound, a clip of {SEARCHED_SECONDS} s"
            _, measured[label] = await call_and_measure(
                "find_by_sound", {"path": rendering["path"]}
            )
            for label, milliseconds in measured.items() if repeat >= 0 else ():
                times.setdefault(label, []).append(milliseconds)
    return [
        (f"{label}, ms", round(statistics.median(values), 1)) for label, values in times.items()
    ]
