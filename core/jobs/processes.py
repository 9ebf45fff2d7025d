"""Processes as the kernel knows them: which one this is, whether it lives, how to end it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

JOB_FOLDER_VARIABLE = "EARSHOT_JOB"
PROC_FOLDER = Path("/proc")


def read_boot_id() -> str:
    """The kernel's name for the time since it was last started; "" where it has none."""
    try:
        return (PROC_FOLDER / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def read_boot_clock() -> float:
    """Seconds since boot, the machine's sleep included: nobody can set this clock back."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def read_process_start(pid: int) -> int | None:
    """When process `pid` began, in clock ticks since boot; None when it has ended.

    A pid is given out again after its process has ended, but not with the same
    start time: the two together name one process. A process that has ended and
    was not yet waited for (a zombie) counts as ended.
    """
    try:
        stat = (PROC_FOLDER / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    # proc(5): the second field is the command in parentheses and may itself hold any of " ()".
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in "ZXx" else int(fields[18])


def is_process_running(pid: int | None, process_start: int | None) -> bool:
    """Whether process `pid` that began at `process_start` (see `start_time`) still runs."""
    return pid is not None and process_start is not None and read_process_start(pid) == process_start


def find_job_pids(job_folder: Path) -> list[int]:
    """The pids of all processes that were started by the job in `job_folder`.

    They are known by their environment, which children inherit: so those are
    found too that made a session of their own or lost their parent.
    """
    mark = f"{JOB_FOLDER_VARIABLE}={job_folder}".encode()
    found = []
    for entry in PROC_FOLDER.iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                environment = (entry / "environ").read_bytes()
            except OSError:  # Ended meanwhile, or another user's.
                continue
            if mark in environment.split(b"\0"):
                found.append(int(entry.name))
    return found


def measure_job_memory_mb(job_folder: Path) -> int:
    """Megabytes of memory that the job in `job_folder` holds, with what it started."""
    held = 0
    for pid in [os.getpid(), *find_job_pids(job_folder)]:
        try:
            held += int((PROC_FOLDER / str(pid) / "statm").read_text().split()[1])
        except (OSError, IndexError):
            continue
    return held * os.sysconf("SC_PAGE_SIZE") // 1_000_000


def signal_process_group(group_leader: int, signal_number: int) -> None:
    """Send signal `signal_number` to the process group of `group_leader`, if it still is there."""
    try:
        os.killpg(group_leader, signal_number)
    except (ProcessLookupError, PermissionError):
        pass


def kill_job_processes(job_folder: Path, timeout_s: float = 2.0) -> None:
    """Kill what is left of the job in `job_folder`, again until nothing is.

    A process that forks while it is killed may leave a child that the first look
    did not see.
    """
    end = time.monotonic() + timeout_s
    while (pids := find_job_pids(job_folder)) and time.monotonic() < end:
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.02)
