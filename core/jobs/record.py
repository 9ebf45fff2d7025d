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

FILE = "job.json"
ACTIVE = ("queued", "running")
# A job's process takes its record over within a second; what hasn't by then never came up.
START_WITHIN_S = 60.0

Record = dict[str, Any]

# What a record that an older Earshot wrote may lack.
_LATER = {"cwd": None, "clock": None, "took": None, "memory_kills": None, "memory_mb": None}


def read(folder: Path) -> Record | None:
    """The record in `folder`, or None when there is none that can be read."""
    try:
        record = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return {**_LATER, **record} if isinstance(record, dict) else None


def write(folder: Path, record: Record) -> None:
    """Replace the record in `folder`.

    Raises
    ------
    OSError
        When it can't be written, even over the old one: a full disk has room for
        that, since a record fits in the block that it already has.
    """
    text = json.dumps(record, ensure_ascii=False, indent=1).encode()
    try:
        with atomic_write(folder / FILE) as file:
            file.write(text)
    except OSError:
        if not (folder / FILE).exists():
            raise
        with open(folder / FILE, "r+b", buffering=0) as file:
            file.write(text)
            file.truncate()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
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


def update(folder: Path, change: Callable[[Record], Record | None]) -> Record | None:
    """Change the record in `folder` as if nobody else were there.

    Parameters
    ----------
    folder : Path
        The job's folder.
    change : callable
        Takes the record; returns what is new in it, or None to leave it alone.

    Returns
    -------
    dict or None
        The record as it is now; None when there is none.
    """
    with locked(folder):
        record = read(folder)
        if record is None:
            return None
        changes = change(record)
        if changes:
            record = {**record, **changes}
            write(folder, record)
        return record


def end(state: str, exit_status: int | None = None, error: Record | None = None) -> Record:
    """The changes that end a job now, as `state`: "done", "failed" or "cancelled"."""
    return {"state": state, "ended": time.time(), "exit": exit_status, "error": error}


def took(record: Record) -> Record:
    """The change that notes how long the job ran, by a clock that nobody sets."""
    if record["clock"] is None or record["boot"] != processes.boot_id():
        return {}
    return {"took": max(0.0, processes.clock() - record["clock"])}


def is_lost(record: Record) -> bool:
    """Whether the record says that the job is active though its process is gone."""
    if record["state"] not in ACTIVE:
        return False
    if record["pid"] is None:
        # By its absolute value: the clock may have been set back meanwhile.
        return abs(time.time() - record["created"]) > START_WITHIN_S
    return record["boot"] != processes.boot_id() or not processes.lives(
        record["pid"], record["process_start"]
    )


def end_lost(folder: Path, record: Record, exit_status: int | None = None) -> Record | None:
    """The changes that end a job whose process is gone and said nothing; None if it had ended.

    Who only saw that the process is gone does not know its exit status; who started
    it may learn it later, and then says the same thing better.

    Parameters
    ----------
    folder : Path
        The job's.
    record : dict
        As it was when the process was found gone.
    exit_status : int, optional
        Of the process, minus the signal's number when a signal ended it, if known.
    """
    guessed = record["state"] == "failed" and record["exit"] is None
    if record["state"] not in ACTIVE and not (guessed and exit_status is not None):
        return None
    ran = {} if guessed else took(record)
    if record["cancel_asked"] is not None:
        return {**end("cancelled", exit_status), **ran}
    if exit_status == 0:
        return {**end("done", 0), **ran}
    return {**end("failed", exit_status, exit_reason.why(record, folder, exit_status)), **ran}
