"""Processor time of this process and its descendants."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

CLOCK_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def measure_cpu_seconds() -> float:
    """Return the processor time that this process and all its descendants have used so far."""
    descendants = sum(
        _read_process_cpu_seconds(pid) for pid in _iterate_descendant_processes(os.getpid())
    )
    return sum(os.times()[:4]) + descendants


def _iterate_descendant_processes(pid: int) -> Iterator[int]:
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(word) for word in file.read_text().split()]
        except OSError:  # The thread has ended.
            continue
        for child in children:
            yield child
            yield from _iterate_descendant_processes(child)


def _read_process_cpu_seconds(pid: int) -> float:
    try:
        # The name in parentheses may contain blanks.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    # utime, stime and those of children that have ended; see proc(5).
    return sum(int(field) for field in fields[11:15]) / CLOCK_TICKS_PER_SECOND
