"""Processes as the kernel knows them: which one this is, whether it lives, how to end it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

JOB_VARIABLE = "EARSHOT_JOB"
PROC = Path("/proc")


def boot_id() -> str:
    """The kernel's name for the time since it was last started; "" where it has none."""
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def clock() -> float:
    """Seconds since boot, the machine's sleep included: nobody can set this clock back."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def start_time(pid: int) -> int | None:
    """When process `pid` began, in clock ticks since boot; None when it has ended.

    A pid is given out again after its process has ended, but not with the same
    start time: the two together name one process. A process that has ended and
    was not yet waited for (a zombie) counts as ended.
    """
    try:
        stat = (PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    # proc(5): the second field is the command in parentheses and may itself hold any of " ()".
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in "ZXx" else int(fields[18])


def lives(pid: int | None, started: int | None) -> bool:
    """Whether process `pid` that began at `started` (see `start_time`) still runs."""
    return pid is not None and started is not None and start_time(pid) == started


def of_job(folder: Path) -> list[int]:
    """The pids of all processes that were started by the job in `folder`.

    They are known by their environment, which children inherit: so those are
    found too that made a session of their own or lost their parent.
    """
    mark = f"{JOB_VARIABLE}={folder}".encode()
    found = []
    for entry in PROC.iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                environment = (entry / "environ").read_bytes()
            except OSError:  # Ended meanwhile, or another user's.
                continue
            if mark in environment.split(b"\0"):
                found.append(int(entry.name))
    return found


def memory_mb(folder: Path) -> int:
    """Megabytes of memory that the job in `folder` holds, with what it started."""
    held = 0
    for pid in [os.getpid(), *of_job(folder)]:
        try:
            held += int((PROC / str(pid) / "statm").read_text().split()[1])
        except (OSError, IndexError):
            continue
    return held * os.sysconf("SC_PAGE_SIZE") // 1_000_000


def signal_group(leader: int, number: int) -> None:
    """Send signal `number` to the process group of `leader`, if it still is there."""
    try:
        os.killpg(leader, number)
    except (ProcessLookupError, PermissionError):
        pass


def kill_all_of_job(folder: Path, within: float = 2.0) -> None:
    """Kill what is left of the job in `folder`, again until nothing is.

    A process that forks while it is killed may leave a child that the first look
    did not see.
    """
    end = time.monotonic() + within
    while (pids := of_job(folder)) and time.monotonic() < end:
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.02)
