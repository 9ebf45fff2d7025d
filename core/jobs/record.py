"""`job.json`: the one record of a job, shared by its process and by whoever watches it."""

from __future__ import annotations

import fcntl
import json
import os
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator

from core.jobs import exit_reason, processes
from core.workspace import atomic_write

RECORD_FILE = "job.json"
ACTIVE_STATES = ("queued", "running")
# A job's process takes its record over within a second; what hasn't by then never came up.
MAX_STARTUP_S = 60.0

JobRecord = dict[str, Any]

# What a record that an older Earshot wrote may lack.
_NEWER_KEY_DEFAULTS = {"cwd": None, "clock": None, "took": None, "memory_kills": None, "memory_mb": None}


def read_record(job_folder: Path) -> JobRecord | None:
    """The record in `job_folder`, or None when there is none that can be read."""
    try:
        record = json.loads((job_folder / RECORD_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return {**_NEWER_KEY_DEFAULTS, **record} if isinstance(record, dict) else None


def write_record(job_folder: Path, record: JobRecord) -> None:
    """Replace the record in `job_folder`.

    Raises
    ------
    OSError
        When it can't be written, even over the old one: a full disk has room for
        that, since a record fits in the block that it already has.
    """
    text = json.dumps(record, ensure_ascii=False, indent=1).encode()
    try:
        with atomic_write(job_folder / RECORD_FILE) as file:
            file.write(text)
    except OSError:
        if not (job_folder / RECORD_FILE).exists():
            raise
        with open(job_folder / RECORD_FILE, "r+b", buffering=0) as file:
            file.write(text)
            file.truncate()


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Hold `folder` while its files are read and written; others wait.

    The folder itself is locked, so no lock file is needed where a full disk might
    have no room for one.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def update_record(job_folder: Path, compute_changes: Callable[[JobRecord], JobRecord | None]) -> JobRecord | None:
    """Change the record in `job_folder` as if nobody else were there.

    Parameters
    ----------
    job_folder : Path
        The job's folder.
    compute_changes : callable
        Takes the record; returns what is new in it, or None to leave it alone.

    Returns
    -------
    dict or None
        The record as it is now; None when there is none.
    """
    with lock_folder(job_folder):
        record = read_record(job_folder)
        if record is None:
            return None
        changes = compute_changes(record)
        if changes:
            record = {**record, **changes}
            write_record(job_folder, record)
        return record


def build_end_changes(state: str, exit_status: int | None = None, error: JobRecord | None = None) -> JobRecord:
    """The changes that end a job now, as `state`: "done", "failed" or "cancelled"."""
    return {"state": state, "ended": time.time(), "exit": exit_status, "error": error}


def build_duration_changes(record: JobRecord) -> JobRecord:
    """The change that notes how long the job ran, by a clock that nobody sets."""
    if record["clock"] is None or record["boot"] != processes.read_boot_id():
        return {}
    return {"took": max(0.0, processes.read_boot_clock() - record["clock"])}


def is_lost(record: JobRecord) -> bool:
    """Whether the record says that the job is active though its process is gone."""
    if record["state"] not in ACTIVE_STATES:
        return False
    if record["pid"] is None:
        # By its absolute value: the clock may have been set back meanwhile.
        return abs(time.time() - record["created"]) > MAX_STARTUP_S
    return record["boot"] != processes.read_boot_id() or not processes.is_process_running(
        record["pid"], record["process_start"]
    )


def build_lost_job_changes(job_folder: Path, record: JobRecord, exit_status: int | None = None) -> JobRecord | None:
    """The changes that end a job whose process is gone and said nothing; None if it had ended.

    Who only saw that the process is gone does not know its exit status; who started
    it may learn it later, and then says the same thing better.

    Parameters
    ----------
    job_folder : Path
        The job's.
    record : dict
        As it was when the process was found gone.
    exit_status : int, optional
        Of the process, minus the signal's number when a signal ended it, if known.
    """
    guessed = record["state"] == "failed" and record["exit"] is None
    if record["state"] not in ACTIVE_STATES and not (guessed and exit_status is not None):
        return None
    ran = {} if guessed else build_duration_changes(record)
    if record["cancel_asked"] is not None:
        return {**build_end_changes("cancelled", exit_status), **ran}
    if exit_status == 0:
        return {**build_end_changes("done", 0), **ran}
    return {**build_end_changes("failed", exit_status, exit_reason.explain_exit(record, job_folder, exit_status)), **ran}
