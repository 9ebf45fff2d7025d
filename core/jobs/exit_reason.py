"""Why a job's process is gone, from what it left behind and what the kernel tells."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

from core.jobs import processes

LOG_FILE = "log.txt"
RESTART_REMEDY = "Start it again: what it had finished is kept."
MEMORY_REMEDY = "Close other programs, or give the machine more memory. " + RESTART_REMEDY
# faulthandler's first line, which it writes even when Python is past speaking.
_FATAL_ERROR_PATTERN = re.compile(rb"^Fatal Python error: (.+)$", re.MULTILINE)
_OOM_KILL_PATTERN = re.compile(rb",(\d+),[^;]*;[^\n]*[Oo]ut of memory: Killed process (\d+)")
_LOG_TAIL_BYTES = 65_536


def count_oom_kills() -> int | None:
    """How often the kernel ended a process because memory ran out; None where it doesn't tell."""
    try:
        found = re.search(r"^oom_kill (\d+)$", Path("/proc/vmstat").read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) if found else None


def explain_exit(record: dict, job_folder: Path, exit_status: int | None) -> dict:
    """The error of a job whose process is gone and did not say why.

    Parameters
    ----------
    record : dict
        The job's, as it was last written.
    job_folder : Path
        The job's.
    exit_status : int or None
        Of its process, minus the signal's number when a signal ended it; None if
        nobody could take it.

    Returns
    -------
    dict
        With "message", "where" and "remedy".
    """
    message, remedy = _describe_exit(record, job_folder, exit_status)
    return {"message": message, "where": None, "remedy": remedy}


def _describe_exit(record: dict, job_folder: Path, exit_status: int | None) -> tuple[str, str]:
    in_log = "Its log may say more. "
    if exit_status is not None and exit_status > 0:
        return f"It ended with status {exit_status} and gave no reason.", in_log + RESTART_REMEDY
    if record["pid"] is None:
        return "Its process never came up.", RESTART_REMEDY
    if record["boot"] != processes.read_boot_id():
        return "The machine was restarted while it ran.", RESTART_REMEDY
    if (fatal := _read_fatal_error(job_folder)) is not None:
        return f"Its process crashed ({fatal}).", in_log + RESTART_REMEDY
    if exit_status is not None and exit_status not in (-signal.SIGKILL, -signal.SIGTERM):
        return f"Its process crashed ({_get_signal_name(-exit_status)}).", in_log + RESTART_REMEDY
    held = record.get("memory_mb")
    held = f" It held {held:,} MB." if held else ""
    if _was_oom_killed(record["pid"], record.get("clock")):
        return f"Memory ran out, and the system ended it.{held}", MEMORY_REMEDY
    before, now = record.get("memory_kills"), count_oom_kills()
    if before is not None and now is not None and now > before:
        return (
            "It was killed, most likely by the system: memory ran out on this machine while it"
            f" ran.{held}"
        ), MEMORY_REMEDY
    by = "" if exit_status is None else f" ({_get_signal_name(-exit_status)})"
    if before is None or now is None:
        return f"It was killed{by} by someone, or by the system for lack of memory.", RESTART_REMEDY
    return f"It was killed from outside{by}; memory had not run out.{held}", RESTART_REMEDY


def _get_signal_name(signal_number: int) -> str:
    try:
        return signal.Signals(signal_number).name
    except ValueError:
        return f"signal {signal_number}"


def _read_fatal_error(job_folder: Path) -> str | None:
    """What Python itself said last, when it crashed."""
    try:
        with open(job_folder / LOG_FILE, "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _LOG_TAIL_BYTES))
            found = _FATAL_ERROR_PATTERN.findall(file.read())
    except OSError:
        return None
    return found[-1].decode("utf-8", "replace")[:200] if found else None


def _was_oom_killed(pid: int, started_s: float | None) -> bool:
    """Whether the kernel's log, where it may be read, says so of this process.

    Parameters
    ----------
    pid : int
    started_s : float or None
        Seconds since boot when the process began: pids are given out again.
    """
    try:
        log = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        while True:
            try:
                line = os.read(log, 8192)
            except BlockingIOError:
                return False
            except BrokenPipeError:  # Overwritten while it was read: the next one is there.
                continue
            found = _OOM_KILL_PATTERN.search(line)
            if found and int(found[2]) == pid and int(found[1]) / 1e6 >= (started_s or 0.0) - 1:
                return True
    except OSError:
        return False
    finally:
        os.close(log)
