"""Start, list, restart and remove jobs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from core import file_locks_and_atomic_writes, workspace
from core.errors import EarshotError
from core.jobs import job_exit_reason, job_record_file, process_liveness_and_killing
from core.jobs.job import Job, load_job
from core.jobs.job_end_record_fields import build_lost_job_changes

MAX_STORED_ENDED_JOBS = 50
JOB_FOLDER_PATTERN = re.compile(r"(\d{5,})-[a-z0-9_-]+\Z")
CLI_COMMAND = (sys.executable, "-P", "-m", "core")


def list_jobs() -> list[Job]:
    """Return all jobs of the workspace, newest first."""
    jobs = []
    for _, folder in sorted(_list_job_folders(), reverse=True):
        try:
            jobs.append(load_job(folder))
        except EarshotError:  # It was removed meanwhile, or its record is damaged.
            continue
    return _assign_queue_positions(jobs)


def get_job(job_id: str) -> Job:
    """Return the job with an id ("00012-build") or a number ("12").

    Raises
    ------
    EarshotError
        If there is none.
    """
    folder = workspace.get_jobs_folder() / workspace.validate_folder_name(job_id, "job")
    if job_id.isdecimal():
        folder = dict(_list_job_folders()).get(int(job_id), folder)
    job = load_job(folder)
    if job.state != "queued":
        return job
    # Its position in the queue depends on the other jobs.
    return next((listed for listed in list_jobs() if listed.id == job.id), job)


def start_job(
    argv: Sequence[str],
    title: str,
    *,
    command_prefix: Sequence[str] = CLI_COMMAND,
    cwd: str | Path | None = None,
) -> Job:
    """Run ``./run *argv`` in the background, in a process that outlives this one.

    If the same command is already queued or running in the same folder, its job is returned and
    no other is started.

    Parameters
    ----------
    argv : sequence of str
        A command of Earshot with its arguments. Relative paths are relative to `cwd`.
    title : str
        Title for users.
    command_prefix : sequence of str
        Program and arguments that precede `argv`.
    cwd : str or Path, optional
        Working folder of the process. Default: the current folder.

    Returns
    -------
    Job

    Raises
    ------
    EarshotError
        If the workspace is read-only, the job cannot be recorded, or its process cannot be
        started.

    Examples
    --------
    >>> job = start_job(["build", "beats"], "Build corpus beats")  # doctest: +SKIP
    >>> job.state  # doctest: +SKIP
    'queued'
    """
    workspace.require_writable_workspace("Starting a job")
    argv = [str(argument) for argument in argv]
    cwd = str(cwd or Path.cwd())
    jobs_folder = workspace.get_jobs_folder()
    try:
        jobs_folder.mkdir(parents=True, exist_ok=True)
        # The lock makes two pages whose button is pressed at the same moment start one job. It is
        # on the folder itself, because a full disk has no room for a lock file.
        with file_locks_and_atomic_writes.lock_file(jobs_folder, os.O_RDONLY | os.O_DIRECTORY):
            for job in list_jobs():
                if job.is_active and list(job.argv) == argv and job.cwd in (cwd, None):
                    return job
            folder = _create_job_folder(jobs_folder, argv, title, cwd)
            _spawn_job_process(folder, [*command_prefix, *argv], cwd)
        _remove_old_jobs()
    except OSError as error:
        raise EarshotError(
            f"The job could not be started: {error.strerror or error}.",
            where=str(jobs_folder),
            remedy="Free space or give write access there, then start it again.",
        ) from error
    return get_job(folder.name)


def restart_job(job_id: str, *, command_prefix: Sequence[str] = CLI_COMMAND) -> Job:
    """Start the command of an ended job again, which continues with the unfinished work.

    Returns
    -------
    Job
        The new job, or the job itself if it is active.

    Raises
    ------
    EarshotError
        If there is no such job, or as in `start_job`.
    """
    job = get_job(job_id)
    if job.is_active:
        return job
    # Its folder may have been deleted, and most commands work in any folder.
    cwd = job.cwd if job.cwd and Path(job.cwd).is_dir() else None
    return start_job(job.argv, job.title, command_prefix=command_prefix, cwd=cwd)


def remove_job(job_id: str) -> None:
    """Delete the record, events and log of an ended job; its results stay.

    Raises
    ------
    EarshotError
        If there is no such job, it is active, or it cannot be removed.
    """
    workspace.require_writable_workspace("Removing a job")
    job = get_job(job_id)
    if job.is_active:
        raise EarshotError(
            f"Job {job.id} is {job.state}.", remedy=f"Cancel it: ./run jobs cancel {job.id}"
        )
    try:
        shutil.rmtree(job.folder)
    except FileNotFoundError:  # Another process has removed it.
        pass
    except OSError as error:
        raise EarshotError(
            f"Job {job.id} cannot be removed: {error.strerror or error}.", where=str(job.folder)
        ) from error


def _assign_queue_positions(jobs: list[Job]) -> list[Job]:
    """Return the jobs, newest first, with the positions of the queued ones: 1 runs next."""
    queued_ids = [job.id for job in reversed(jobs) if job.state == "queued"]
    positions = {job_id: position for position, job_id in enumerate(queued_ids, start=1)}
    return [replace(job, queue_position=positions.get(job.id)) for job in jobs]


def _list_job_folders() -> list[tuple[int, Path]]:
    """Return number and folder of each job.

    Jobs are ordered by number and not by time, because the system time may be set back.
    """
    try:
        entries = list(workspace.get_jobs_folder().iterdir())
    except FileNotFoundError:
        return []
    matches = [(JOB_FOLDER_PATTERN.match(entry.name), entry) for entry in entries]
    return [(int(match[1]), entry) for match, entry in matches if match]


def _create_job_folder(
    jobs_folder: Path, argv: Sequence[str], title: str, cwd: str | None = None
) -> Path:
    number = max((number for number, _ in _list_job_folders()), default=0) + 1
    command = re.sub(r"[^a-z0-9]+", "-", argv[0].lower()).strip("-")[:32] if argv else ""
    folder = jobs_folder / f"{number:05d}-{command or 'job'}"
    folder.mkdir()
    job_record: job_record_file.JobRecord = {
        "id": folder.name,
        "title": title,
        "argv": list(argv),
        "cwd": cwd,
        "state": "queued",
        "pid": None,
        "process_start": None,
        "boot": process_liveness_and_killing.read_boot_id(),
        "created": time.time(),
        "started": None,
        "ended": None,
        "clock": None,
        "took": None,
        "memory_kills": job_exit_reason.count_oom_kills(),
        "memory_mb": None,
        "cancel_asked": None,
        "progress": {},
        "error": None,
        "exit": None,
    }
    try:
        job_record_file.write_job_record(folder, job_record)
        (folder / job_record_file.EVENTS_FILE).touch()
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def _spawn_job_process(job_folder: Path, command: list[str], cwd: str) -> None:
    search_paths = [str(workspace.PROJECT_FOLDER), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        process_liveness_and_killing.JOB_FOLDER_VARIABLE: str(job_folder),
        "EARSHOT_WORKSPACE": str(workspace.get_workspace_root()),
        "PYTHONPATH": os.pathsep.join(filter(None, dict.fromkeys(search_paths))),
        "PYTHONUNBUFFERED": "1",
    }
    try:
        record = job_record_file.read_job_record(job_folder)
        with open(job_folder / job_record_file.LOG_FILE, "ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                cwd=cwd,
                # In a session of its own, it does not receive Ctrl+C of the server's terminal.
                start_new_session=True,
            )
    except OSError:
        shutil.rmtree(job_folder, ignore_errors=True)
        raise
    process_start = process_liveness_and_killing.read_process_start_ticks(process.pid)
    if process_start is not None:
        identity = {"pid": process.pid, "process_start": process_start}
        job_record_file.update_job_record(job_folder, lambda _record: identity)
    threading.Thread(
        target=_record_exit_status,
        args=(process, job_folder, record["created"] if record else None),
        name=job_folder.name,
        daemon=True,
    ).start()


def _record_exit_status(
    process: subprocess.Popen[bytes], job_folder: Path, created: float | None
) -> None:
    """Wait for the process and record its exit status, which only its parent can collect.

    A folder that was removed may belong to a job with another time of creation by now.
    """
    status = process.wait()

    def build_changes(latest: job_record_file.JobRecord) -> job_record_file.JobRecord | None:
        if latest["created"] != created:
            return None
        return build_lost_job_changes(job_folder, latest, status)

    try:
        job_record_file.update_job_record(job_folder, build_changes)
    except OSError:  # It was removed, or the disk is full: readers see that the process has ended.
        pass


def _remove_old_jobs() -> None:
    """Delete all ended jobs but the newest `MAX_STORED_ENDED_JOBS`."""
    ended_jobs = [job for job in list_jobs() if not job.is_active]
    for job in ended_jobs[MAX_STORED_ENDED_JOBS:]:
        shutil.rmtree(job.folder, ignore_errors=True)
