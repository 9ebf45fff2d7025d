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
from core.jobs.job import EVENTS_FILE, LOG_FILE, Job, load_job

MAX_STORED_ENDED_JOBS = 50
JOB_FOLDER_PATTERN = re.compile(r"(\d{5,})-[a-z0-9_-]+\Z")
CLI_COMMAND = (sys.executable, "-P", "-m", "core")


def list_jobs() -> list[Job]:
    """All jobs of the workspace, the newest first."""
    found = []
    for folder in sorted(_list_job_folders(), key=_parse_job_number, reverse=True):
        try:
            found.append(load_job(folder))
        except EarshotError:  # Pruned meanwhile, or its record was torn by a dying disk.
            continue
    return _assign_queue_positions(found)


def _assign_queue_positions(all_jobs: list[Job]) -> list[Job]:
    """Give those that wait their place: 1 is the next one."""
    waiting = [each.id for each in reversed(all_jobs) if each.state == "queued"]
    return [
        replace(each, queue_position=waiting.index(each.id) + 1) if each.id in waiting else each
        for each in all_jobs
    ]


def get_job(job_id: str) -> Job:
    """The job with this id, or with this number: "00012-build", or "12".

    Raises
    ------
    EarshotError
        When there is none.
    """
    folder = workspace.get_jobs_folder() / workspace.validate_name(job_id, "job")
    if job_id.isdecimal():
        folder = next((f for f in _list_job_folders() if _parse_job_number(f) == int(job_id)), folder)
    found = load_job(folder)
    if found.state != "queued":
        return found
    return next((each for each in list_jobs() if each.id == found.id), found)


def start_job(
    argv: Sequence[str],
    title: str,
    *,
    command_prefix: Sequence[str] = CLI_COMMAND,
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
    command_prefix : sequence of str
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
    home = workspace.get_jobs_folder()
    try:
        home.mkdir(parents=True, exist_ok=True)
        # Two pages that press the same button at the same moment start one job.
        with record.lock_folder(home):
            for other in list_jobs():
                if other.is_active and list(other.argv) == argv and other.cwd in (cwd, None):
                    return other
            folder = _create_job_folder(home, argv, title, cwd)
            _spawn_process(folder, [*command_prefix, *argv], cwd)
        _remove_old_jobs()
    except OSError as error:
        raise EarshotError(
            f"The job could not be started: {error.strerror or error}.",
            where=str(home),
            remedy="Make room or give write access there, then start it again.",
        ) from error
    return get_job(folder.name)


def restart_job(job_id: str, *, command_prefix: Sequence[str] = CLI_COMMAND) -> Job:
    """Start the command of an ended job once more: it goes on with what isn't finished.

    Raises
    ------
    EarshotError
        When there is no such job, or as of `start`.
    """
    before = get_job(job_id)
    if before.is_active:
        return before
    # The folder that it ran in may be gone; most commands don't care.
    cwd = before.cwd if before.cwd and Path(before.cwd).is_dir() else None
    return start_job(before.argv, before.title, command_prefix=command_prefix, cwd=cwd)


def remove_job(job_id: str) -> None:
    """Forget an ended job: its record, its events and its log. What it made stays.

    Raises
    ------
    EarshotError
        When there is no such job, it is active, or it can't be removed.
    """
    workspace.refuse_if_read_only("Removing a job")
    old = get_job(job_id)
    if old.is_active:
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


def _list_job_folders() -> list[Path]:
    try:
        return [f for f in workspace.get_jobs_folder().iterdir() if JOB_FOLDER_PATTERN.match(f.name)]
    except FileNotFoundError:
        return []


def _parse_job_number(job_folder: Path) -> int:
    """Jobs are counted, not dated: their order stands when the clock is set back."""
    return int(JOB_FOLDER_PATTERN.match(job_folder.name)[1])


def _create_job_folder(jobs_folder: Path, argv: list[str], title: str, cwd: str | None = None) -> Path:
    number = max(map(_parse_job_number, _list_job_folders()), default=0) + 1
    kind = re.sub(r"[^a-z0-9]+", "-", argv[0].lower()).strip("-")[:32] if argv else ""
    folder = jobs_folder / f"{number:05d}-{kind or 'job'}"
    folder.mkdir()
    new: record.JobRecord = {
        "id": folder.name,
        "title": title,
        "argv": argv,
        "cwd": cwd,
        "state": "queued",
        "pid": None,
        "process_start": None,
        "boot": processes.read_boot_id(),
        "created": time.time(),
        "started": None,
        "ended": None,
        "clock": None,
        "took": None,
        "memory_kills": exit_reason.count_oom_kills(),
        "memory_mb": None,
        "cancel_asked": None,
        "progress": {},
        "error": None,
        "exit": None,
    }
    try:
        record.write_record(folder, new)
        (folder / EVENTS_FILE).touch()
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def _spawn_process(job_folder: Path, command: list[str], cwd: str) -> None:
    paths = [str(workspace.PROJECT_FOLDER), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        processes.JOB_FOLDER_VARIABLE: str(job_folder),
        "EARSHOT_WORKSPACE": str(workspace.get_workspace_root()),
        "PYTHONPATH": os.pathsep.join(filter(None, dict.fromkeys(paths))),
        "PYTHONUNBUFFERED": "1",
    }
    try:
        with open(job_folder / LOG_FILE, "ab") as log:
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
        shutil.rmtree(job_folder, ignore_errors=True)
        raise
    born = {"pid": process.pid, "process_start": processes.read_process_start(process.pid)}
    if born["process_start"] is not None:
        record.update_record(job_folder, lambda found: born)
    threading.Thread(
        target=_record_exit_status, args=(process, job_folder), name=job_folder.name, daemon=True
    ).start()


def _record_exit_status(process: subprocess.Popen, job_folder: Path) -> None:
    """Take the process's exit status, which nobody else can, and write it down if need be."""
    status = process.wait()
    try:
        record.update_record(job_folder, lambda found: record.build_lost_job_changes(job_folder, found, status))
    except OSError:  # Pruned, or no room: whoever looks sees that the process is gone.
        pass


def _remove_old_jobs() -> None:
    """Delete all but the newest `KEEP` jobs that have ended."""
    ended = [old for old in list_jobs() if not old.is_active]
    for old in ended[MAX_STORED_ENDED_JOBS:]:
        shutil.rmtree(old.folder, ignore_errors=True)
