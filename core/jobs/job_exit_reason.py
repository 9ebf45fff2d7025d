"""Reason why the process of a job ended, from its exit status, its log and the kernel."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

from core.jobs import process_liveness_and_killing
from core.jobs.job_record_file import LOG_FILE, JobRecord

RESTART_REMEDY = "Start it again: finished work is kept."
LOG_REMEDY = f"See its log for details. {RESTART_REMEDY}"
MEMORY_REMEDY = f"Close other programs, or give the machine more memory. {RESTART_REMEDY}"
# First line of faulthandler's output, which it writes even when the interpreter has crashed.
_FATAL_ERROR_PATTERN = re.compile(rb"^Fatal Python error: (.+)$", re.MULTILINE)
# Microseconds since boot, and pid.
_OOM_KILL_PATTERN = re.compile(rb",(\d+),[^;]*;[^\n]*[Oo]ut of memory: Killed process (\d+)")
_LOG_TAIL_BYTES = 65_536
_KERNEL_RECORD_BYTES = 8192
_MAX_FATAL_ERROR_CHARS = 200


def count_oom_kills() -> int | None:
    """Return how many processes the kernel has killed for lack of memory, if it reports it."""
    try:
        counters = Path("/proc/vmstat").read_text()
    except OSError:
        return None
    match = re.search(r"^oom_kill (\d+)$", counters, re.MULTILINE)
    return int(match[1]) if match else None


def build_job_exit_error(record: JobRecord, job_folder: Path, exit_status: int | None) -> JobRecord:
    """Return the error of a job whose process ended without reporting why.

    Parameters
    ----------
    record : dict
        The last record of the job.
    job_folder : Path
        Folder of the job.
    exit_status : int or None
        Exit status of the process, or minus the number of the signal that ended it; None if it is
        unknown.

    Returns
    -------
    dict
        Keys "message", "where" and "remedy".
    """
    message, remedy = _describe_process_exit(record, job_folder, exit_status)
    return {"message": message, "where": None, "remedy": remedy}


def _describe_process_exit(
    record: JobRecord, job_folder: Path, exit_status: int | None
) -> tuple[str, str]:
    """Return message and remedy."""
    if exit_status is not None and exit_status > 0:
        return f"It ended with status {exit_status} and gave no reason.", LOG_REMEDY
    if record["pid"] is None:
        return "Its process did not start.", RESTART_REMEDY
    if record["boot"] != process_liveness_and_killing.read_boot_id():
        return "The machine was restarted while it ran.", RESTART_REMEDY
    if (fatal_error := _read_interpreter_crash_message(job_folder)) is not None:
        return f"Its process crashed ({fatal_error}).", LOG_REMEDY
    if exit_status is not None and exit_status not in (-signal.SIGKILL, -signal.SIGTERM):
        return f"Its process crashed ({_get_signal_name(-exit_status)}).", LOG_REMEDY
    return _describe_process_kill(record, exit_status)


def _describe_process_kill(record: JobRecord, exit_status: int | None) -> tuple[str, str]:
    """Return message and remedy for a process that another process or the kernel killed."""
    memory_mb = record.get("memory_mb")
    memory_note = f" It used {memory_mb:,} MB." if memory_mb else ""
    if _has_oom_killer_ended_process(record["pid"], record.get("clock")):
        return f"Memory ran out, and the system killed it.{memory_note}", MEMORY_REMEDY
    kills_before, kills_now = record.get("memory_kills"), count_oom_kills()
    signal_note = "" if exit_status is None else f" ({_get_signal_name(-exit_status)})"
    if kills_before is None or kills_now is None:
        return (
            f"It was killed{signal_note} by a user, or by the system for lack of memory.",
            RESTART_REMEDY,
        )
    if kills_now > kills_before:
        return (
            "It was killed, most likely by the system: memory ran out on this machine while it"
            f" ran.{memory_note}",
            MEMORY_REMEDY,
        )
    return (
        f"It was killed by another process{signal_note}; memory had not run out.{memory_note}",
        RESTART_REMEDY,
    )


def _get_signal_name(signal_number: int) -> str:
    try:
        return signal.Signals(signal_number).name
    except ValueError:
        return f"signal {signal_number}"


def _read_interpreter_crash_message(job_folder: Path) -> str | None:
    """Return the last message of a crash of the interpreter in the log, if there is one."""
    try:
        with open(job_folder / LOG_FILE, "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _LOG_TAIL_BYTES))
            messages = _FATAL_ERROR_PATTERN.findall(file.read())
    except OSError:
        return None
    if not messages:
        return None
    return messages[-1].decode("utf-8", "replace")[:_MAX_FATAL_ERROR_CHARS]


def _has_oom_killer_ended_process(pid: int, started_s: float | None) -> bool:
    """Return whether the kernel's log, if readable, says that it killed a process for memory.

    Parameters
    ----------
    pid : int
        Process to look for.
    started_s : float or None
        Seconds since boot when the process started. Older entries concern another process of the
        same pid.
    """
    try:
        log = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        while True:
            try:
                entry = os.read(log, _KERNEL_RECORD_BYTES)
            except BlockingIOError:  # The log has been read to its end.
                return False
            except BrokenPipeError:  # The entry was overwritten. The next read returns a later one.
                continue
            match = _OOM_KILL_PATTERN.search(entry)
            if match and int(match[2]) == pid and int(match[1]) / 1e6 >= (started_s or 0.0) - 1:
                return True
    except OSError:
        return False
    finally:
        os.close(log)
