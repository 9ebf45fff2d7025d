"""Process of a job: it registers itself, runs the command, and records how it ended."""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TextIO

from core.errors import convert_system_error
from core.jobs import job_record_file, process_liveness_and_killing
from core.jobs.heavy_command_queue import wait_for_queue_turn
from core.jobs.job_end_record_fields import build_job_duration_changes, build_job_end_changes
from core.jobs.job_record_file import JobRecord
from core.jobs.progress_reporter import JobProgressReporter
from core.progress_callback import Progress

# Pages have priority over jobs because users wait for them. When memory runs out, the system
# should kill a job, which can be resumed, and not the dashboard.
JOB_NICENESS = 5
OOM_SCORE_ADJUSTMENT = 300
INTERRUPT_EXIT_STATUS = 130  # as shells report SIGINT


def get_current_job_folder() -> Path | None:
    """Return the folder of the job that this process runs, or None if it is not a job."""
    folder = os.environ.get(process_liveness_and_killing.JOB_FOLDER_VARIABLE)
    return Path(folder) if folder else None


@contextmanager
def record_block_as_job(job_folder: Path, *, is_heavy: bool) -> Iterator[Progress]:
    """Run the block as the process of a job, and record how it ended.

    Parameters
    ----------
    job_folder : Path
        As returned by `get_current_job_folder`.
    is_heavy : bool
        Whether to wait until no other heavy command runs, see `wait_for_queue_turn`.

    Yields
    ------
    Progress
        Receiver of the job's progress.
    """
    # A crash of the interpreter is written to the log, where `job_exit_reason` looks for it.
    faulthandler.enable(sys.__stderr__ or sys.stderr)
    sys.stdout, sys.stderr = _FailSafeStream(sys.stdout), _FailSafeStream(sys.stderr)
    _lower_process_priority()
    _try_update_job_record(job_folder, _build_process_identity_changes)
    reporter = JobProgressReporter(job_folder)
    end_changes = build_job_end_changes("failed", 1)

    def record_queue_wait_reason(reason: str) -> None:
        _try_update_job_record(job_folder, lambda _record: {"progress": {"note": reason}})

    def build_job_outcome_changes(job_record: JobRecord) -> JobRecord:
        return {
            "progress": reporter.build_progress_record(),
            **build_job_duration_changes(job_record),
            **_convert_failure_to_cancellation(job_record, end_changes),
        }

    try:
        with ExitStack() as stack:
            stack.enter_context(convert_sigterm_to_interrupt())
            if is_heavy:
                stack.enter_context(wait_for_queue_turn(job_folder, record_queue_wait_reason))
            _try_update_job_record(job_folder, _build_running_state_changes)
            yield reporter
        end_changes = build_job_end_changes("done", 0)
    except BaseException as error:
        end_changes = _build_command_error_changes(error)
        raise
    finally:
        reporter.stop_writer_thread()
        _try_update_job_record(job_folder, build_job_outcome_changes)


@contextmanager
def convert_sigterm_to_interrupt() -> Iterator[None]:
    """Make SIGTERM raise KeyboardInterrupt in this process during the block, as Ctrl+C does.

    Forked children inherit the handler, but SIGTERM ends them without an exception.
    """
    owner_pid = os.getpid()

    def handle_sigterm(signal_number: int, _frame: object) -> None:
        if os.getpid() == owner_pid:
            raise KeyboardInterrupt
        signal.signal(signal_number, signal.SIG_DFL)
        os.kill(os.getpid(), signal_number)

    previous_handler = signal.signal(signal.SIGTERM, handle_sigterm)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous_handler)


class _FailSafeStream:
    """A text stream that drops text instead of failing, because the log may fill the disk."""

    def __init__(self, stream: TextIO):
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError:
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            pass

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _lower_process_priority() -> None:
    os.nice(JOB_NICENESS)
    try:
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE_ADJUSTMENT))
    except OSError:
        pass


def _build_process_identity_changes(_record: JobRecord) -> JobRecord:
    pid = os.getpid()
    return {
        "pid": pid,
        "process_start": process_liveness_and_killing.read_process_start_ticks(pid),
        "boot": process_liveness_and_killing.read_boot_id(),
    }


def _build_running_state_changes(_record: JobRecord) -> JobRecord:
    return {
        "state": "running",
        "started": time.time(),
        "clock": process_liveness_and_killing.read_seconds_since_boot(),
        "progress": {},
    }


def _convert_failure_to_cancellation(job_record: JobRecord, end_changes: JobRecord) -> JobRecord:
    """Return the changes that end a job: a failure after a cancellation counts as cancelled."""
    if end_changes["state"] == "failed" and job_record["cancel_asked"] is not None:
        return build_job_end_changes("cancelled", end_changes["exit"])
    return end_changes


def _build_command_error_changes(error: BaseException) -> JobRecord:
    """Return the changes that end a job whose command raised `error`."""
    if isinstance(error, KeyboardInterrupt):
        return build_job_end_changes("cancelled", INTERRUPT_EXIT_STATUS)
    if (user_error := convert_system_error(error)) is not None:
        return _build_job_failure_changes(
            1, user_error.message, user_error.where, user_error.remedy
        )
    if isinstance(error, SystemExit):
        if not error.code:
            return build_job_end_changes("done", 0)
        status = error.code if isinstance(error.code, int) else 1
        return _build_job_failure_changes(
            status, f"It ended with status {status}.", remedy="See its log."
        )
    summary = traceback.format_exception_only(error)[-1].strip()
    return _build_job_failure_changes(
        1, f"A bug in Earshot: {summary}", remedy="See its log for details."
    )


def _build_job_failure_changes(
    exit_status: int, message: str, where: str | None = None, remedy: str | None = None
) -> JobRecord:
    error = {"message": message, "where": where, "remedy": remedy}
    return build_job_end_changes("failed", exit_status, error)


def _try_update_job_record(
    job_folder: Path, compute_changes: Callable[[JobRecord], JobRecord | None]
) -> None:
    try:
        job_record_file.update_job_record(job_folder, compute_changes)
    except OSError as error:
        print(f"The record of the job was not written: {error}", file=sys.stderr)
