"""Record of a job (``job.json``), shared by its process and its readers."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.file_locks_and_atomic_writes import atomic_write, lock_file

RECORD_FILE = "job.json"
EVENTS_FILE = "events.jsonl"
LOG_FILE = "log.txt"
ACTIVE_STATES = ("queued", "running")

JobRecord = dict[str, Any]

# Keys that records of older versions lack.
_NEWER_KEY_DEFAULTS: JobRecord = {
    "cwd": None,
    "clock": None,
    "took": None,
    "memory_kills": None,
    "memory_mb": None,
}


def read_job_record(job_folder: Path) -> JobRecord | None:
    """Return the record of a job, or None if it is missing or damaged."""
    try:
        record = json.loads((job_folder / RECORD_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return {**_NEWER_KEY_DEFAULTS, **record} if isinstance(record, dict) else None


def write_job_record(job_folder: Path, record: JobRecord) -> None:
    """Replace the record of a job.

    Raises
    ------
    OSError
        If neither a new file nor the existing one can be written. Overwriting the existing file
        works even on a full disk, because a record fits into the block that it already occupies.
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


def update_job_record(
    job_folder: Path, compute_changes: Callable[[JobRecord], JobRecord | None]
) -> JobRecord | None:
    """Read, change and write the record of a job while no other process or thread does.

    Parameters
    ----------
    job_folder : Path
        Folder of the job.
    compute_changes : callable
        Takes the record and returns the changed keys, or None to change nothing.

    Returns
    -------
    dict or None
        The record after the change; None if there is no record.

    Raises
    ------
    OSError
        If the folder does not exist or the record cannot be written.
    """
    # The folder itself carries the lock, because a full disk has no room for a lock file.
    with lock_file(job_folder, os.O_RDONLY | os.O_DIRECTORY):
        record = read_job_record(job_folder)
        if record is None:
            return None
        changes = compute_changes(record)
        if changes:
            record = {**record, **changes}
            write_job_record(job_folder, record)
        return record
