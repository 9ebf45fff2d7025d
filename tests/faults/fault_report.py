"""Hooks of pytest that count the faults of a run and print their table at its end.

`tests/conftest.py` imports them. With several processes the first one prints the table, and only
the others collect tests, so each report carries the fault that its test tries.
"""

from __future__ import annotations

import pytest

from tests.faults import fault_table

_counts_by_fault: dict[str, list[int]] = {}  # times tried and survived, by description


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if mark := item.get_closest_marker(fault_table.MARK):
            fault = (mark.args[0], mark.kwargs.get("each", 1))
            item.user_properties.append((fault_table.MARK, fault))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    for name, fault in report.user_properties:
        if name == fault_table.MARK and (report.when == "call" or report.failed):
            description, times = fault
            tried, survived = _counts_by_fault.get(description, [0, 0])
            _counts_by_fault[description] = [tried + times, survived + times * report.passed]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _counts_by_fault:
        rows = [(fault, tried, survived) for fault, (tried, survived) in _counts_by_fault.items()]
        terminalreporter.section("faults")
        terminalreporter.write_line(fault_table.format_fault_table(rows))
