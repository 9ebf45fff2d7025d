"""Changes of a job's record when the job ends, or when its process ended without reporting it."""

from __future__ import annotations

import time
from pathlib import Path

from core.jobs import process_liveness_and_killing
from core.jobs.job_exit_reason import build_job_exit_error
from core.jobs.job_record_file import ACTIVE_STATES, JobRecord

# A job's process registers its pid within a second. Later than this, it never started.
MAX_STARTUP_S = 60.0


def build_job_end_changes(
    state: str, exit_status: int | None = None, error: JobRecord | None = None
) -> JobRecord:
    """Return the changes that end a job now.

    Parameters
    ----------
    state : {"done", "failed", "cancelled"}
        The new state.
    exit_status : int, optional
        Exit status of the process, or minus the number of the signal that ended it.
    error : dict, optional
        Keys "message", "where" and "remedy".
    """
    return {"state": state, "ended": time.time(), "exit": exit_status, "error": error}


def build_job_duration_changes(record: JobRecord) -> JobRecord:
    """Return the change that records how long the job ran, measured by the boot clock."""
    if record["clock"] is None or record["boot"] != process_liveness_and_killing.read_boot_id():
        return {}
    return {
        "took": max(0.0, process_liveness_and_killing.read_seconds_since_boot() - record["clock"])
    }


def is_job_process_lost(record: JobRecord) -> bool:
    """Return whether the record says that the job is active although its process has ended."""
    if record["state"] not in ACTIVE_STATES:
        return False
    if record["pid"] is None:
        # The absolute value, because the system time may have been set back since.
        return abs(time.time() - record["created"]) > MAX_STARTUP_S
    is_same_boot = record["boot"] == process_liveness_and_killing.read_boot_id()
    return not is_same_boot or not process_liveness_and_killing.is_process_running(
        record["pid"], record["process_start"]
    )


def build_lost_job_changes(
    job_folder: Path, record: JobRecord, exit_status: int | None = None
) -> JobRecord | None:
    """Return the changes that end a job whose process ended without reporting it.

    A reader that only sees that the process is gone does not know its exit status. The process
    that started it learns the status later, and then replaces the reason by a more precise one.

    Parameters
    ----------
    job_folder : Path
        Folder of the job.
    record : dict
        The record when the process was found to have ended.
    exit_status : int, optional
        Exit status of the process, or minus the number of the signal that ended it, if known.

    Returns
    -------
    dict or None
        None if the job has already ended.
    """
    is_reason_guessed = record["state"] == "failed" and record["exit"] is None
    is_refinable = is_reason_guessed and exit_status is not None
    if record["state"] not in ACTIVE_STATES and not is_refinable:
        return None
    duration = {} if is_reason_guessed else build_job_duration_changes(record)
    if record["cancel_asked"] is not None:
        return {**build_job_end_changes("cancelled", exit_status), **duration}
    if exit_status == 0:
        return {**build_job_end_changes("done", 0), **duration}
    error = build_job_exit_error(record, job_folder, exit_status)
    return {**build_job_end_changes("failed", exit_status, error), **duration}
