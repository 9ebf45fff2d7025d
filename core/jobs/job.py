"""A job as pages and the command line see it: state, progress, log and cancellation."""

from __future__ import annotations

import json
import os
import shlex
import signal
import time
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from core.cluster_status import CLUSTER_KEY, ClusterStatus
from core.corpus.legacy_command_names import translate_legacy_command
from core.errors import EarshotError
from core.file_locks_and_atomic_writes import remove_partial_files
from core.jobs import job_record_file, process_liveness_and_killing
from core.jobs.job_end_record_fields import build_lost_job_changes, is_job_process_lost
from core.workspace import require_writable_workspace

MIN_STALL_S = 30.0


@dataclass(frozen=True)
class JobStep:
    """One step of a job with its finished units and all of its units."""

    step: str
    done: int
    total: int


@dataclass(frozen=True)
class JobProgress:
    """Progress of a job.

    Attributes
    ----------
    step : str
        Current step in the user's words; "" before the first report.
    done, total : int
        Finished units and all units of the current step.
    note : str
        Latest detail.
    rate : float or None
        Units per second over the recent past.
    remaining_s : float or None
        Estimated seconds until the current step is finished; None if unknown.
    remaining_range_s : tuple of float or None
        The least and the most seconds that the step still takes; None if unknown.
    idle_s : float
        Seconds since the last unit was finished.
    steps : tuple of JobStep
        All steps that have started, in order.
    cluster : ClusterStatus or None
        The cluster on which the job works; None if it works on this machine.
    """

    step: str = ""
    done: int = 0
    total: int = 0
    note: str = ""
    rate: float | None = None
    remaining_s: float | None = None
    remaining_range_s: tuple[float, float] | None = None
    idle_s: float = 0.0
    steps: tuple[JobStep, ...] = ()
    cluster: ClusterStatus | None = None

    @property
    def finished_fraction(self) -> float:
        """Finished fraction of the current step, in [0, 1]."""
        return min(1.0, self.done / self.total) if self.total > 0 else 0.0

    @property
    def is_stalled(self) -> bool:
        """Whether no unit was finished for much longer than one takes at the recent rate."""
        seconds_per_unit = 1 / self.rate if self.rate else 0.0
        return self.done < self.total and self.idle_s > max(MIN_STALL_S, 3 * seconds_per_unit)


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
    """A snapshot of a job; `core.jobs.get_job` returns a newer one.

    Attributes
    ----------
    id : str
        Name of its folder. Ids sort in the order in which jobs were started.
    title : str
        Title for users: "Build corpus beats".
    argv : tuple of str
        The command, as in ``./run *argv``.
    state : {"queued", "running", "done", "failed", "cancelled"}
    progress : JobProgress
    error : JobError or None
        Why it failed.
    created, started, ended : float or None
        Seconds since 1970-01-01 UTC.
    exit_status : int or None
        Exit status of its process, or minus the number of the signal that ended it.
    is_cancel_requested : bool
        Whether a user has cancelled it.
    heartbeat : float or None
        When its process last wrote its record, in seconds since 1970-01-01 UTC.
    folder : Path
        Folder of its record, events and log.
    pid : int or None
        Its process.
    cwd : str or None
        Working folder of its process.
    run_seconds : float or None
        How long it ran, if it has ended.
    queue_position : int or None
        Position in the queue, from 1; None if it is not queued.
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
        """The command line that runs it again."""
        return shlex.join(["./run", *self.argv])

    @property
    def is_active(self) -> bool:
        """Whether it is queued or running."""
        return self.state in job_record_file.ACTIVE_STATES

    @property
    def elapsed_seconds(self) -> float | None:
        """How long it has been running, or ran; None if it has not started."""
        if self.started is None:
            return None
        if self.run_seconds is not None:
            return self.run_seconds
        return max(0.0, (time.time() if self.ended is None else self.ended) - self.started)

    def read_log_tail(self, max_lines: int = 200, max_bytes: int = 200_000) -> str:
        """Return the last lines of its log, at most `max_bytes` bytes; "" without a log."""
        try:
            with open(self.folder / job_record_file.LOG_FILE, "rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - max_bytes))
                text = file.read().decode("utf-8", "replace")
        except OSError:
            return ""
        return "".join(text.splitlines(keepends=True)[-max_lines:])

    def read_progress_events(self, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
        """Return the progress events from a byte offset on.

        Parameters
        ----------
        offset : int
            0, or the offset that the previous call returned.

        Returns
        -------
        events : list of dict
            Keys "time" (seconds since 1970-01-01 UTC), "step", "done", "total", "note" and "data".
        offset : int
            Where the next call continues.
        """
        try:
            with open(self.folder / job_record_file.EVENTS_FILE, "rb") as file:
                file.seek(offset)
                content = file.read()
        except OSError:
            return [], offset
        # An incomplete last line is still being written, and is left to the next call.
        complete_size = content.rfind(b"\n") + 1
        events = []
        for line in content[:complete_size].splitlines():
            try:
                events.append(json.loads(line))
            except ValueError:  # A full disk may damage a line. The others are still valid.
                continue
        return events, offset + complete_size

    def cancel(self, terminate_grace_s: float = 5.0, *, request_grace_s: float = 2.0) -> Job:
        """Cancel the job: request it, then terminate, then kill all of its processes.

        After a request it stops when the current unit is finished; after termination it stops
        within the unit. Finished work is kept. A job that has ended does not change.

        Parameters
        ----------
        terminate_grace_s : float
            Seconds until it is killed after it was terminated.
        request_grace_s : float
            Seconds until it is terminated after the request. The call blocks for little more than
            the sum of both.

        Returns
        -------
        Job
            The job afterwards.

        Raises
        ------
        EarshotError
            If the workspace is read-only.
        """
        require_writable_workspace("Cancelling a job")
        job_record = job_record_file.update_job_record(self.folder, _request_cancellation)
        if job_record is not None and job_record["state"] in job_record_file.ACTIVE_STATES:
            leader, process_start = job_record["pid"], job_record["process_start"]
            # A queued job has no unit to finish.
            request_timeout_s = request_grace_s if job_record["state"] == "running" else 0.0
            if not process_liveness_and_killing.wait_for_exit(
                request_timeout_s, leader, process_start
            ):
                process_liveness_and_killing.signal_process_group(leader, signal.SIGTERM)
                process_liveness_and_killing.wait_for_exit(terminate_grace_s, leader, process_start)
            process_liveness_and_killing.kill_job_processes(self.folder)
            job_record_file.update_job_record(
                self.folder, lambda latest: build_lost_job_changes(self.folder, latest)
            )
        return load_job(self.folder)


def load_job(job_folder: Path) -> Job:
    """Load a job; one whose process ended without reporting it is recorded as failed.

    Parameters
    ----------
    job_folder : Path
        Folder of the job.

    Raises
    ------
    EarshotError
        If the folder holds no job.
    """
    job_record = job_record_file.read_job_record(job_folder)
    if job_record is not None and is_job_process_lost(job_record):
        job_record = _record_lost_job(job_folder)
        # Its child processes would wait for it forever: the workers of a sweep, for example.
        process_liveness_and_killing.kill_job_processes(job_folder)
        remove_partial_files(job_folder / job_record_file.RECORD_FILE)
    if job_record is None:
        raise EarshotError(f"There is no job {job_folder.name!r}.", remedy="List them: ./run jobs.")
    return _build_job_snapshot(job_folder, job_record)


def _request_cancellation(
    job_record: job_record_file.JobRecord,
) -> job_record_file.JobRecord | None:
    return (
        {"cancel_asked": time.time()}
        if job_record["state"] in job_record_file.ACTIVE_STATES
        else None
    )


def _record_lost_job(job_folder: Path) -> job_record_file.JobRecord | None:
    """Record that the job's process has ended; return the record even if it cannot be written."""

    def build_changes_if_process_lost(
        latest: job_record_file.JobRecord,
    ) -> job_record_file.JobRecord | None:
        # Checked again under the lock, because the job may have recorded its end meanwhile.
        return build_lost_job_changes(job_folder, latest) if is_job_process_lost(latest) else None

    try:
        return job_record_file.update_job_record(job_folder, build_changes_if_process_lost)
    except OSError:
        latest = job_record_file.read_job_record(job_folder)
        return latest and {**latest, **(build_lost_job_changes(job_folder, latest) or {})}


def _build_job_snapshot(job_folder: Path, job_record: job_record_file.JobRecord) -> Job:
    progress = job_record["progress"]
    steps = tuple(JobStep(**step) for step in progress.get("steps", ()))
    field_names = {field.name for field in fields(JobProgress)} - {"steps"}
    values = {key: value for key, value in progress.items() if key in field_names}
    if values.get("remaining_range_s"):
        values["remaining_range_s"] = tuple(values["remaining_range_s"])
    values[CLUSTER_KEY] = ClusterStatus.parse_progress_data(values.get(CLUSTER_KEY))
    try:
        heartbeat = (job_folder / job_record_file.RECORD_FILE).stat().st_mtime
    except OSError:
        heartbeat = None
    return Job(
        id=job_folder.name,
        title=job_record["title"],
        argv=tuple(translate_legacy_command(job_record["argv"])),
        state=job_record["state"],
        progress=JobProgress(**values, steps=steps),
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
