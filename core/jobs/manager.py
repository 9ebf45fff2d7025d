"""Start jobs and find them again."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Sequence

from core import workspace
from core.errors import EarshotError
from core.jobs import exit_reason, processes, record
from core.jobs.job import EVENTS, LOG, Job, look

KEEP = 50
NUMBERED = re.compile(r"(\d{5,})-[a-z0-9_-]+\Z")
COMMAND = (sys.executable, "-P", "-m", "core")


def jobs() -> list[Job]:
    """All jobs of the workspace, the newest first."""
    found = []
    for folder in sorted(_folders(), key=_number, reverse=True):
        try:
            found.append(look(folder))
        except EarshotError:  # Pruned meanwhile, or its record was torn by a dying disk.
            continue
    return _with_places(found)


def _with_places(found: list[Job]) -> list[Job]:
    """Give those that wait their place: 1 is the next one."""
    waiting = [each.id for each in reversed(found) if each.state == "queued"]
    return [
        replace(each, place=waiting.index(each.id) + 1) if each.id in waiting else each
        for each in found
    ]


def job(job_id: str) -> Job:
    """The job with this id, or with this number: "00012-build", or "12".

    Raises
    ------
    EarshotError
        When there is none.
    """
    folder = workspace.jobs() / workspace.checked_name(job_id, "job")
    if job_id.isdecimal():
        folder = next((f for f in _folders() if _number(f) == int(job_id)), folder)
    found = look(folder)
    if found.state != "queued":
        return found
    return next((each for each in jobs() if each.id == found.id), found)


def start(
    argv: Sequence[str],
    title: str,
    *,
    command: Sequence[str] = COMMAND,
    cwd: str | Path | None = None,
) -> Job:
    """Run ``./run *argv`` in the background, as a process that outlives this one.

    The same command in the same folder that is queued or running already is not
    started twice: its job is returned.

    Parameters
    ----------
    argv : sequence of str
        A command of Earshot with its arguments. Paths in it are absolute, or
        relative to the current folder.
    title : str
        What it is, for people.
    command : sequence of str
        What `argv` is given to.
    cwd : str or Path, optional
        Where it runs. Default: the current folder.

    Raises
    ------
    EarshotError
        When the job can't be written down or its process can't be started, or the
        workspace is only shown.
    """
    workspace.refuse_if_read_only("Starting a job")
    argv = [str(argument) for argument in argv]
    cwd = str(cwd or Path.cwd())
    home = workspace.jobs()
    try:
        home.mkdir(parents=True, exist_ok=True)
        # Two pages that press the same button at the same moment start one job.
        with record.locked(home):
            for other in jobs():
                if other.active and list(other.argv) == argv and other.cwd in (cwd, None):
                    return other
            folder = _make_folder(home, argv, title, cwd)
            _spawn(folder, [*command, *argv], cwd)
        _prune()
    except OSError as error:
        raise EarshotError(
            f"The job could not be started: {error.strerror or error}.",
            where=str(home),
            remedy="Make room or give write access there, then start it again.",
        ) from error
    return job(folder.name)


def again(job_id: str, *, command: Sequence[str] = COMMAND) -> Job:
    """Start the command of an ended job once more: it goes on with what isn't finished.

    Raises
    ------
    EarshotError
        When there is no such job, or as of `start`.
    """
    before = job(job_id)
    if before.active:
        return before
    # The folder that it ran in may be gone; most commands don't care.
    cwd = before.cwd if before.cwd and Path(before.cwd).is_dir() else None
    return start(before.argv, before.title, command=command, cwd=cwd)


def remove(job_id: str) -> None:
    """Forget an ended job: its record, its events and its log. What it made stays.

    Raises
    ------
    EarshotError
        When there is no such job, it is active, or it can't be removed.
    """
    workspace.refuse_if_read_only("Removing a job")
    old = job(job_id)
    if old.active:
        raise EarshotError(
            f"Job {old.id} is {old.state}.", remedy=f"To end it: ./run jobs cancel {old.id}"
        )
    try:
        shutil.rmtree(old.folder)
    except FileNotFoundError:  # Somebody else was faster.
        pass
    except OSError as error:
        raise EarshotError(
            f"Job {old.id} can't be removed: {error.strerror or error}.", where=str(old.folder)
        ) from error


def _folders() -> list[Path]:
    try:
        return [f for f in workspace.jobs().iterdir() if NUMBERED.match(f.name)]
    except FileNotFoundError:
        return []


def _number(folder: Path) -> int:
    """Jobs are counted, not dated: their order stands when the clock is set back."""
    return int(NUMBERED.match(folder.name)[1])


def _make_folder(home: Path, argv: list[str], title: str, cwd: str | None = None) -> Path:
    number = max(map(_number, _folders()), default=0) + 1
    kind = re.sub(r"[^a-z0-9]+", "-", argv[0].lower()).strip("-")[:32] if argv else ""
    folder = home / f"{number:05d}-{kind or 'job'}"
    folder.mkdir()
    new: record.Record = {
        "id": folder.name,
        "title": title,
        "argv": argv,
        "cwd": cwd,
        "state": "queued",
        "pid": None,
        "process_start": None,
        "boot": processes.boot_id(),
        "created": time.time(),
        "started": None,
        "ended": None,
        "clock": None,
        "took": None,
        "memory_kills": exit_reason.memory_kills(),
        "memory_mb": None,
        "cancel_asked": None,
        "progress": {},
        "error": None,
        "exit": None,
    }
    try:
        record.write(folder, new)
        (folder / EVENTS).touch()
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def _spawn(folder: Path, command: list[str], cwd: str) -> None:
    paths = [str(workspace.PROJECT), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        processes.JOB_VARIABLE: str(folder),
        "EARSHOT_WORKSPACE": str(workspace.root()),
        "PYTHONPATH": os.pathsep.join(filter(None, dict.fromkeys(paths))),
        "PYTHONUNBUFFERED": "1",
    }
    try:
        with open(folder / LOG, "ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                cwd=cwd,
                # A session of its own: Ctrl+C in the server's terminal is not meant for it.
                start_new_session=True,
            )
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    born = {"pid": process.pid, "process_start": processes.start_time(process.pid)}
    if born["process_start"] is not None:
        record.update(folder, lambda found: born)
    threading.Thread(
        target=_wait_for, args=(process, folder), name=folder.name, daemon=True
    ).start()


def _wait_for(process: subprocess.Popen, folder: Path) -> None:
    """Take the process's exit status, which nobody else can, and write it down if need be."""
    status = process.wait()
    try:
        record.update(folder, lambda found: record.end_lost(folder, found, status))
    except OSError:  # Pruned, or no room: whoever looks sees that the process is gone.
        pass


def _prune() -> None:
    """Delete all but the newest `KEEP` jobs that have ended."""
    ended = [old for old in jobs() if not old.active]
    for old in ended[KEEP:]:
        shutil.rmtree(old.folder, ignore_errors=True)
