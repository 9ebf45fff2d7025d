"""What a page or a terminal sees of a job."""

from __future__ import annotations

import json
import os
import shlex
import signal
import time
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from core.corpus.legacy_names import translate_command
from core.errors import EarshotError
from core.jobs import processes, record
from core.jobs.exit_reason import LOG_FILE
from core.workspace import refuse_if_read_only, remove_partial_files

EVENTS_FILE = "events.jsonl"


@dataclass(frozen=True)
class JobStep:
    """One step of a job: its name, finished units, and all of them."""

    step: str
    done: int
    total: int


@dataclass(frozen=True)
class JobProgress:
    """How far a job is.

    Attributes
    ----------
    step : str
        What it does now, in the user's words; "" before its first word.
    done, total : int
        Finished units and all units of this step.
    note : str
        The newest detail.
    rate : float or None
        Units a second over the recent past.
    remaining_s : float or None
        Seconds until this step is through at that rate; None while unknown.
    idle_s : float
        Seconds since the last unit was finished.
    steps : tuple of JobStep
        Every step so far, in the order in which they began.
    """

    step: str = ""
    done: int = 0
    total: int = 0
    note: str = ""
    rate: float | None = None
    remaining_s: float | None = None
    idle_s: float = 0.0
    steps: tuple[JobStep, ...] = ()

    @property
    def fraction(self) -> float:
        """Finished part of this step, in [0, 1]."""
        return min(1.0, self.done / self.total) if self.total > 0 else 0.0

    @property
    def is_stalled(self) -> bool:
        """Whether nothing was finished for much longer than a unit takes at the recent rate."""
        usual = 1 / self.rate if self.rate else 0.0
        return self.done < self.total and self.idle_s > max(30.0, 3 * usual)


@dataclass(frozen=True)
class JobError:
    """Why a job failed: one sentence, the place, and what to do about it."""

    message: str
    where: str | None = None
    remedy: str | None = None

    def __str__(self) -> str:
        return str(EarshotError(self.message, where=self.where, remedy=self.remedy))


@dataclass(frozen=True)
class Job:
    """A job as it was when it was looked at; `core.jobs.job(id)` looks again.

    Attributes
    ----------
    id : str
        Name of its folder; a later job's id sorts after an earlier one's.
    title : str
        For people: "Build corpus beats".
    argv : tuple of str
        The command, as in ``./run *argv``.
    state : {"queued", "running", "done", "failed", "cancelled"}
    progress : JobProgress
    error : JobError or None
        Of a failed job.
    created, started, ended : float or None
        Seconds since the epoch.
    exit_status : int or None
        Exit status of its process, minus the signal's number if one ended it.
    is_cancel_requested : bool
        Whether somebody asked it to end.
    heartbeat : float or None
        Seconds since the epoch when its process last showed that it lives.
    folder : Path
    pid : int or None
    cwd : str or None
        The folder that it runs in.
    run_seconds : float or None
        Seconds that it ran, once it has ended.
    queue_position : int or None
        Its place among those that wait, 1 for the next one; None if it doesn't.
    """

    id: str
    title: str
    argv: tuple[str, ...]
    state: str
    progress: JobProgress
    error: JobError | None
    created: float
    started: float | None
    ended: float | None
    exit_status: int | None
    is_cancel_requested: bool
    heartbeat: float | None
    folder: Path
    pid: int | None
    cwd: str | None = None
    run_seconds: float | None = None
    queue_position: int | None = None

    @property
    def shell_command(self) -> str:
        """What to type to do it again."""
        return shlex.join(["./run", *self.argv])

    @property
    def is_active(self) -> bool:
        """Whether it is queued or running."""
        return self.state in record.ACTIVE_STATES

    @property
    def elapsed_seconds(self) -> float | None:
        """How long it has been running, or ran; None while it is queued."""
        if self.started is None:
            return None
        if self.run_seconds is not None:
            return self.run_seconds
        return max(0.0, (time.time() if self.ended is None else self.ended) - self.started)

    def read_log_tail(self, max_lines: int = 200, max_bytes: int = 200_000) -> str:
        """The last `max_lines` lines of its log, at most `max_bytes` bytes; "" if there are none."""
        try:
            with open(self.folder / LOG_FILE, "rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - max_bytes))
                text = file.read().decode("utf-8", "replace")
        except OSError:
            return ""
        return "".join(text.splitlines(keepends=True)[-max_lines:])

    def read_events(self, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
        """What its stages reported from byte `offset` of its events on.

        Returns
        -------
        read_events : list of dict
            With "time", "step", "done", "total", "note" and "data".
        offset : int
            Where the next call goes on, so that nothing is read twice.
        """
        try:
            with open(self.folder / EVENTS_FILE, "rb") as file:
                file.seek(offset)
                # A line that is still being written is left for the next call.
                lines = file.read().rpartition(b"\n")
        except OSError:
            return [], offset
        events = []
        for line in lines[0].splitlines():
            try:
                events.append(json.loads(line))
            except ValueError:  # Torn by a full disk: the others still count.
                continue
        return events, offset + len(lines[0]) + len(lines[1])

    def cancel(self, terminate_grace_s: float = 5.0, *, request_grace_s: float = 2.0) -> Job:
        """End it: ask, then terminate, then kill everything that it started.

        Asked, it stops after the unit that it is at; terminated, it stops within it.
        Whatever it had finished stays. A job that has ended is left as it is.

        Parameters
        ----------
        terminate_grace_s : float
            Seconds that it gets to end once it is terminated.
        request_grace_s : float
            Seconds that it gets before that, to finish its unit. The sum of both is the
            longest that this blocks, but for a moment.

        Returns
        -------
        Job
            As it is afterwards.

        Raises
        ------
        EarshotError
            When the workspace is only shown.
        """
        refuse_if_read_only("Cancelling a job")
        asked = record.update_record(self.folder, _request_cancellation)
        if asked is not None and asked["state"] in record.ACTIVE_STATES:
            leader, started = asked["pid"], asked["process_start"]
            # One that waits for its turn has nothing to finish.
            patience = request_grace_s if asked["state"] == "running" else 0.0
            if not _wait_for_exit(patience, leader, started):
                processes.signal_process_group(leader, signal.SIGTERM)
                _wait_for_exit(terminate_grace_s, leader, started)
            processes.kill_job_processes(self.folder)
            record.update_record(self.folder, lambda found: record.build_lost_job_changes(self.folder, found))
        return load_job(self.folder)


def load_job(job_folder: Path) -> Job:
    """The job in `job_folder` as it is now; one whose process is gone has failed.

    Raises
    ------
    EarshotError
        When `job_folder` holds no job.
    """
    found = record.read_record(job_folder)
    if found is not None and record.is_lost(found):
        found = _record_lost_job(job_folder)
        # What it had started must not go on without it: a worker of a sweep would wait for ever.
        processes.kill_job_processes(job_folder)
        remove_partial_files(job_folder / record.RECORD_FILE)
    if found is None:
        raise EarshotError(f"There is no job {job_folder.name!r}.", remedy="./run jobs lists them.")
    return _build_job(job_folder, found)


def _request_cancellation(job_record: record.JobRecord) -> record.JobRecord | None:
    return {"cancel_asked": time.time()} if job_record["state"] in record.ACTIVE_STATES else None


def _wait_for_exit(timeout_s: float, pid: int | None, process_start: int | None) -> bool:
    end = time.monotonic() + timeout_s
    while processes.is_process_running(pid, process_start):
        if time.monotonic() >= end:
            return False
        time.sleep(0.02)
    return True


def _record_lost_job(job_folder: Path) -> record.JobRecord | None:
    """Write down that the job's process is gone; say so even where that can't be written."""
    try:
        # Looked at again under the lock: it may have written its end and gone meanwhile.
        return record.update_record(
            job_folder, lambda found: record.build_lost_job_changes(job_folder, found) if record.is_lost(found) else None
        )
    except OSError:
        found = record.read_record(job_folder)
        return found and {**found, **(record.build_lost_job_changes(job_folder, found) or {})}


def _build_job(job_folder: Path, job_record: record.JobRecord) -> Job:
    steps = tuple(JobStep(**step) for step in job_record["progress"].get("steps", ()))
    known = {field.name for field in fields(JobProgress)} - {"steps"}
    progress = {key: value for key, value in job_record["progress"].items() if key in known}
    try:
        heartbeat = (job_folder / record.RECORD_FILE).stat().st_mtime
    except OSError:
        heartbeat = None
    return Job(
        id=job_folder.name,
        title=job_record["title"],
        argv=tuple(translate_command(job_record["argv"])),
        state=job_record["state"],
        progress=JobProgress(**progress, steps=steps),
        error=JobError(**job_record["error"]) if job_record["error"] else None,
        created=job_record["created"],
        started=job_record["started"],
        ended=job_record["ended"],
        exit_status=job_record["exit"],
        is_cancel_requested=job_record["cancel_asked"] is not None,
        heartbeat=heartbeat,
        folder=job_folder,
        pid=job_record["pid"],
        cwd=job_record["cwd"],
        run_seconds=job_record["took"],
    )
