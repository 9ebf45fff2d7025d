"""The table of faults: what was done to Earshot, how often, what it survived, what was lost."""

from __future__ import annotations

import importlib
import inspect
from math import prod
from pathlib import Path
from types import FunctionType

MARK = "fault"
Row = tuple[str, int, int]  # words, times tried, times survived


def markdown(rows: list[Row]) -> str:
    """Format the rows as docs/reliability.md shows them."""
    total = ("together", sum(row[1] for row in rows), sum(row[2] for row in rows))
    lines = [
        f"| {words} | {tried} | {kept} | {tried - kept} |" for words, tried, kept in [*rows, total]
    ]
    return "\n".join(["| fault | tried | survived | lost |", "|---|---|---|---|", *lines])


def all_survived() -> list[Row]:
    """A row for each fault that the tests beside this try, as if none did any harm."""
    rows: dict[str, int] = {}
    for file in sorted(Path(__file__).parent.glob("test_*.py")):
        module = importlib.import_module(f"tests.faults.{file.stem}")
        for test in vars(module).values():
            if isinstance(test, FunctionType) and inspect.getmodule(test) is module:
                for words, times in _tried(test):
                    rows[words] = rows.get(words, 0) + times
    return [(words, tried, tried) for words, tried in rows.items()]


def _tried(test: FunctionType) -> list[tuple[str, int]]:
    marks = getattr(test, "pytestmark", [])
    runs = prod(len(list(mark.args[1])) for mark in marks if mark.name == "parametrize")
    return [(m.args[0], m.kwargs.get("each", 1) * runs) for m in marks if m.name == MARK]


if __name__ == "__main__":
    print(markdown(all_survived()))
