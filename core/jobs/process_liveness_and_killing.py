"""Processes of jobs: identify them, check that they run, measure their memory, kill them."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

JOB_FOLDER_VARIABLE = "EARSHOT_JOB"
PROC_FOLDER = Path("/proc")
POLL_INTERVAL_S = 0.02


def read_boot_id() -> str:
    """Return the kernel's random id of the current boot; "" if there is none."""
    try:
        return (PROC_FOLDER / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def read_seconds_since_boot() -> float:
    """Return the seconds since boot, including sleep, on a clock that cannot be set."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def read_process_start_ticks(pid: int) -> int | None:
    """Return when a process started, in clock ticks since boot; None if it has ended.

    The system reuses pids, but not together with the same start time, so the two identify a
    process. A zombie, a process that has ended and whose status was not collected, counts as
    ended.
    """
    try:
        stat = (PROC_FOLDER / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    # proc(5): the second field is the command in parentheses, which may itself contain " ()".
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in "ZXx" else int(fields[18])


def is_process_running(pid: int | None, process_start: int | None) -> bool:
    """Return whether the process `pid` that started at `process_start` is still running.

    Parameters
    ----------
    pid : int or None
    process_start : int or None
        As returned by `read_process_start_ticks`.
    """
    if pid is None or process_start is None:
        return False
    return read_process_start_ticks(pid) == process_start


def find_job_pids(job_folder: Path) -> list[int]:
    """Return the pids of the processes of a job, except this process.

    They are recognized by an environment variable that child processes inherit. This also finds
    processes that started a session of their own or whose parent has ended.
    """
    marker = f"{JOB_FOLDER_VARIABLE}={job_folder}".encode()
    pids = []
    for entry in PROC_FOLDER.iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                environment = (entry / "environ").read_bytes()
            except OSError:  # It has ended or belongs to another user.
                continue
            if marker in environment.split(b"\0"):
                pids.append(int(entry.name))
    return pids


def measure_job_memory_mb(job_folder: Path) -> int:
    """Return the resident memory of this process and the job's other processes in megabytes."""
    page_count = 0
    for pid in [os.getpid(), *find_job_pids(job_folder)]:
        try:
            page_count += int((PROC_FOLDER / str(pid) / "statm").read_text().split()[1])
        except (OSError, IndexError):
            continue
    return page_count * os.sysconf("SC_PAGE_SIZE") // 1_000_000


def signal_process_group(group_leader: int, signal_number: int) -> None:
    """Send a signal to the process group of `group_leader`, if it still exists."""
    try:
        os.killpg(group_leader, signal_number)
    except (ProcessLookupError, PermissionError):
        pass


def wait_for_exit(timeout_s: float, pid: int | None, process_start: int | None) -> bool:
    """Wait until a process has ended; return whether it has within `timeout_s` seconds."""
    deadline = time.monotonic() + timeout_s
    while is_process_running(pid, process_start):
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_INTERVAL_S)
    return True


def kill_job_processes(job_folder: Path, timeout_s: float = 2.0) -> None:
    """Kill the processes of a job repeatedly until none is left or the time is up.

    A process that forks while it is killed may leave a child that the first search did not find.
    """
    deadline = time.monotonic() + timeout_s
    while (pids := find_job_pids(job_folder)) and time.monotonic() < deadline:
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(POLL_INTERVAL_S)
