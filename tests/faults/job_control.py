"""Wait for jobs, list the processes below them, and kill these at reproducible random moments."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from core import jobs
from core.jobs import Job

TIMEOUT_S = 240
POLL_INTERVAL_S = 0.02

Result = TypeVar("Result")


def make_rng(*seed_words: object) -> random.Random:
    """Return a generator of random numbers whose seed is these words."""
    return random.Random(" ".join(map(str, (7, *seed_words))))


def wait_until(condition: Callable[[], Result | None], description: str = "condition") -> Result:
    """Return the first true result of a condition; fail after `TIMEOUT_S`."""
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        if result := condition():
            return result
        time.sleep(POLL_INTERVAL_S)
    raise AssertionError(f"timed out waiting for {description}")


def wait_for_job(job: Job) -> Job:
    """Wait until a job has ended, and return its final state."""
    wait_until(lambda: not jobs.get_job(job.id).is_active, f"the end of {job.title}")
    return jobs.get_job(job.id)


def list_descendants(pid: int | None) -> list[int]:
    """Return the pids of all descendants of a process, the nearest first."""
    children_by_parent: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
            except OSError:
                continue
            children_by_parent.setdefault(int(fields[1]), []).append(int(entry.name))
    descendants: list[int] = []
    pending = [pid]
    while pending:
        children = children_by_parent.get(pending.pop(0), [])
        descendants += children
        pending += children
    return descendants


def read_command_line(pid: int) -> str:
    """Return the command line of a process; "" when it has ended."""
    try:
        command_line = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return ""
    return command_line.replace(b"\0", b" ").decode(errors="replace")


def kill(pid: int | None) -> bool:
    """Send SIGKILL to a process; return False when there is none."""
    if pid is None:
        return False
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
