"""Processor time of this process with all its descendants, which other work does not change."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from threading import Event, Lock, Thread
from types import TracebackType

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
SAMPLE_INTERVAL_S = 0.25

ProcessKey = tuple[int, int]
"""Process id and start time, because ids are used again."""


class ProcessTreeMeter:
    """Adds up the processor time of this process and its descendants while its block lasts.

    Processes are read repeatedly, because the time of one that is killed is lost to its parent.
    What a process uses after the last reading before its end is missed.
    """

    def __init__(self) -> None:
        self._ticks: dict[ProcessKey, int] = {}
        self._lock = Lock()
        self._is_over = Event()
        self._thread = Thread(target=self._sample_until_over, daemon=True)

    def __enter__(self) -> ProcessTreeMeter:
        self._thread.start()
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_over.set()
        self._thread.join()

    def read_cpu_s(self) -> float:
        """Return the processor time so far, in seconds; only differences have a meaning."""
        with self._lock:
            self._ticks |= _read_process_ticks()
            return sum(self._ticks.values()) * TICK_S

    def _sample_until_over(self) -> None:
        while not self._is_over.wait(SAMPLE_INTERVAL_S):
            self.read_cpu_s()


def _read_process_ticks() -> dict[ProcessKey, int]:
    """Return the processor time of this process and each living descendant, in clock ticks."""
    children: dict[int, list[int]] = defaultdict(list)
    entries: dict[int, tuple[ProcessKey, int]] = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            text = Path(f"/proc/{name}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:  # It has ended.
            continue
        # The name, in parentheses, may hold spaces. These are the fields from 3 on of proc(5).
        fields = text.rpartition(")")[2].split()
        pid = int(name)
        children[int(fields[1])].append(pid)
        entries[pid] = (pid, int(fields[19])), int(fields[11]) + int(fields[12])
    ticks: dict[ProcessKey, int] = {}
    waiting = [os.getpid()]
    while waiting:
        pid = waiting.pop()
        if pid in entries:
            key, value = entries[pid]
            ticks[key] = value
        waiting += children[pid]
    return ticks
