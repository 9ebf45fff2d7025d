"""The table of faults: what was done to Earshot, how often, and how often it survived."""

from __future__ import annotations

import importlib
import inspect
from math import prod
from pathlib import Path
from types import FunctionType

MARK = "fault"
RAY_FAULTS_MODULE = "tests.integration.pipeline.executors.test_executors"
FaultRow = tuple[str, int, int]  # description, times tried, times survived


def format_fault_table(rows: list[FaultRow]) -> str:
    """Format the rows as docs/reliability.md shows them."""
    total = ("total", sum(row[1] for row in rows), sum(row[2] for row in rows))
    lines = [
        f"| {description} | {tried} | {survived} | {tried - survived} |"
        for description, tried, survived in [*rows, total]
    ]
    return "\n".join(["| fault | tried | survived | lost |", "|---|---|---|---|", *lines])


def list_expected_rows() -> list[FaultRow]:
    """Return a row for each fault that the marked tests try, as if all survived."""
    counts: dict[str, int] = {}
    for name in _list_fault_modules():
        module = importlib.import_module(name)
        for test in vars(module).values():
            if isinstance(test, FunctionType) and inspect.getmodule(test) is module:
                for description, times in _list_faults(test):
                    counts[description] = counts.get(description, 0) + times
    return [(description, tried, tried) for description, tried in counts.items()]


def _list_fault_modules() -> list[str]:
    """Return the modules of this folder, and those of other fixtures that have faults too."""
    files = sorted(Path(__file__).parent.glob("test_*.py"))
    return [*(f"tests.faults.{file.stem}" for file in files), RAY_FAULTS_MODULE]


def _list_faults(test: FunctionType) -> list[tuple[str, int]]:
    marks = getattr(test, "pytestmark", [])
    runs = prod(len(list(mark.args[1])) for mark in marks if mark.name == "parametrize")
    return [
        (mark.args[0], mark.kwargs.get("each", 1) * runs) for mark in marks if mark.name == MARK
    ]


if __name__ == "__main__":
    print(format_fault_table(list_expected_rows()))
