"""The inside of a job: its process writes down how far it is and how it ended."""

from __future__ import annotations

import faulthandler
import fcntl
import json
import os
import shlex
import signal
import sys
import threading
import time
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator, TextIO

from core import workspace
from core.errors import EarshotError, convert_system_error
from core.jobs import manager, processes, record
from core.jobs.job import EVENTS_FILE
from core.jobs.eta import RateEstimator
from core.progress import Progress

EVENT_INTERVAL_S = 0.25
WRITE_INTERVAL_S = 0.5
HEARTBEAT_INTERVAL_S = 5.0
TURN_POLL_INTERVAL_S = 0.2
# Who has the turn when it is no job; beside the lock, which must stay empty on a full disk.
TERMINAL_FILE = "terminal.json"
# Below the pages, which somebody waits for; and the system, when memory runs out, should end a
# job, which goes on later, rather than the dashboard.
JOB_NICENESS = 5
OOM_SCORE_ADJUSTMENT = 300


def get_current_job_folder() -> Path | None:
    """The folder of the job that this process is, or None when it is no job."""
    folder = os.environ.get(processes.JOB_FOLDER_VARIABLE)
    return Path(folder) if folder else None


class JobProgressReporter:
    """Writes a job's progress, often enough for a person and seldom enough for a disk.

    Calls are a `core.progress.Progress` and return at once: a thread writes. That
    thread is the heartbeat too, and hears when somebody asks the job to end: then the
    next call raises KeyboardInterrupt, between two units. Nothing that fails in writing reaches the stage: a
    build must not end because a bar could not be drawn.
    """

    def __init__(self, job_folder: Path):
        self._job_folder = job_folder
        self._lock = threading.Lock()
        self._steps: dict[str, dict[str, Any]] = {}
        self._rate_estimators: dict[str, RateEstimator] = {}
        self._last_event_times: dict[str, float] = {}
        self._current_progress: dict[str, Any] = {}
        self._has_unwritten_progress = False
        self._last_report_time = time.monotonic()
        self._interrupt_event = threading.Event()
        self._is_cancel_noticed = False
        self._stop_event = threading.Event()
        self._thread = threading.Thread(target=self._write_periodically, name="heartbeat", daemon=True)
        self._thread.start()

    def __call__(
        self, step: str, done: int, total: int, note: str = "", data: dict | None = None
    ) -> None:
        with self._lock:
            self._last_report_time = time.monotonic()
            self._steps[step] = {"step": step, "done": done, "total": total}
            pace = self._rate_estimators.setdefault(step, RateEstimator())
            pace.record_done_count(done)
            self._current_progress = {"step": step, "done": done, "total": total, "note": note}
            self._has_unwritten_progress = True
            now = time.monotonic()
            due = now - self._last_event_times.get(step, -EVENT_INTERVAL_S) >= EVENT_INTERVAL_S
            if due or data is not None or done >= total:
                self._last_event_times[step] = now
                self._append_event({"time": time.time(), **self._current_progress, "data": data})
        if self._interrupt_event.is_set() and threading.current_thread() is threading.main_thread():
            self._interrupt_event.clear()  # once: what cleans up may report too
            raise KeyboardInterrupt

    def build_counts_record(self) -> record.JobRecord:
        """How far the job is, as it stands in the record."""
        with self._lock:
            if not self._current_progress:
                return {}
            pace = self._rate_estimators[self._current_progress["step"]]
            return {
                **self._current_progress,
                "rate": pace.rate,
                "remaining_s": pace.estimate_remaining_s(self._current_progress["total"]),
                "idle_s": time.monotonic() - self._last_report_time,
                "steps": list(self._steps.values()),
            }

    def close(self) -> None:
        """Stop writing; what is left to say is how the job ended."""
        self._stop_event.set()
        self._thread.join()

    def _append_event(self, event: dict[str, Any]) -> None:
        try:
            with open(self._job_folder / EVENTS_FILE, "ab", buffering=0) as file:
                file.write(json.dumps(event, ensure_ascii=False, default=float).encode() + b"\n")
        except (OSError, TypeError, ValueError) as error:
            print(f"An event was not written: {error}", file=sys.stderr)

    def _write_periodically(self) -> None:
        beat = time.monotonic()
        while not self._stop_event.wait(WRITE_INTERVAL_S):
            with self._lock:
                fresh, self._has_unwritten_progress = self._has_unwritten_progress, False
            due = time.monotonic() - beat > HEARTBEAT_INTERVAL_S
            try:
                if fresh or due:
                    # Also when nothing is new: a step that stalls must be seen to.
                    record.update_record(self._job_folder, self._build_heartbeat_changes if due else self._build_progress_changes)
                    if due:
                        beat = time.monotonic()
                found = record.read_record(self._job_folder)
                if found is not None and found["cancel_asked"] is not None and not self._is_cancel_noticed:
                    self._is_cancel_noticed = True
                    self._interrupt_event.set()
            except OSError:  # The next turn tries again.
                self._has_unwritten_progress = self._has_unwritten_progress or fresh

    def _build_progress_changes(self, job_record: record.JobRecord) -> record.JobRecord:
        return {"progress": self.build_counts_record() or job_record["progress"]}

    def _build_heartbeat_changes(self, job_record: record.JobRecord) -> record.JobRecord:
        return {**self._build_progress_changes(job_record), "memory_mb": processes.measure_job_memory_mb(self._job_folder)}


class _FailSafeStream:
    """A text stream that loses words rather than fail, since a log may meet a full disk."""

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


@contextmanager
def convert_sigterm_to_interrupt() -> Iterator[None]:
    """Let SIGTERM end this process as Ctrl+C does: by KeyboardInterrupt, cleanly.

    Forked children inherit the handler but not its meaning: they just end.
    """
    owner = os.getpid()

    def handle_sigterm(signal_number: int, frame: object) -> None:
        if os.getpid() == owner:
            raise KeyboardInterrupt
        signal.signal(signal_number, signal.SIG_DFL)
        os.kill(os.getpid(), signal_number)

    before = signal.signal(signal.SIGTERM, handle_sigterm)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def wait_for_turn(job_folder: Path | None, report_wait: Callable[[str], None]) -> Iterator[None]:
    """Wait until no other heavy command runs in this workspace, then hold that turn.

    Jobs get it in the order in which they were started. The kernel takes it back
    when its holder ends, however that ends.

    Parameters
    ----------
    job_folder : Path or None
        The job that waits; None for a command in a terminal, which waits for
        nobody but the holder.
    report_wait : callable
        Is told whom it waits for, in one sentence, whenever that changes.

    Raises
    ------
    EarshotError
        When the workspace can't be written.
    """
    if workspace.is_read_only():  # Nothing is written, so nobody is in the way.
        yield
        return
    home = workspace.get_jobs_folder()
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock = open(home / "turn.lock", "ab")
    except OSError as error:
        raise EarshotError(
            f"The workspace can't be written: {error.strerror or error}.",
            where=str(home),
            remedy="Give write access there, or set EARSHOT_WORKSPACE to another folder. To only"
            " look, check or export, set EARSHOT_READ_ONLY=1.",
        ) from error
    with lock:
        said = None
        while (reason := _try_take_turn(lock.fileno(), job_folder)) is not None:
            if reason != said:
                report_wait(reason)
                said = reason
            time.sleep(TURN_POLL_INTERVAL_S)
        if job_folder is None:
            _write_terminal_file(home)
        try:
            yield
        finally:
            if job_folder is None:
                (home / TERMINAL_FILE).unlink(missing_ok=True)


def _write_terminal_file(jobs_folder: Path) -> None:
    """Let those who wait, and the pages, see which command of a terminal has the turn."""
    me = os.getpid()
    words = [Path(sys.argv[0]).name, *sys.argv[1:]]
    if words[0] == "__main__.py":
        words[0] = "./run"
    signed = {"pid": me, "process_start": processes.read_process_start(me), "command": shlex.join(words)}
    try:
        with workspace.atomic_write(jobs_folder / TERMINAL_FILE, "w") as file:
            json.dump(signed, file)
    except OSError:  # It only says who it is.
        pass


def find_terminal_command() -> tuple[int, str] | None:
    """Pid and command of what runs in a terminal and has the turn; None if nothing does."""
    try:
        found = json.loads((workspace.get_jobs_folder() / TERMINAL_FILE).read_text(encoding="utf-8"))
        alive = processes.is_process_running(found["pid"], found["process_start"])
        return (found["pid"], str(found["command"])) if alive else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _try_take_turn(lock_descriptor: int, job_folder: Path | None) -> str | None:
    """Take the turn and return None, or return who has it or comes first."""
    try:
        # Not flock: a worker forked by a holder that was killed would go on holding that.
        fcntl.lockf(lock_descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        running = [other.id for other in manager.list_jobs() if other.state == "running"]
        other = find_terminal_command()
        named = f"process {other[0]} ({other[1]})" if other else "another command"
        return f"Waiting for {', '.join(reversed(running)) or named}."
    earlier = [
        other.id
        for other in manager.list_jobs()
        if job_folder is not None and other.state == "queued" and other.id < job_folder.name
    ]
    if not earlier:
        return None
    fcntl.lockf(lock_descriptor, fcntl.LOCK_UN)
    return f"Waiting for {', '.join(reversed(earlier))}."


@contextmanager
def run_as_job(job_folder: Path, *, is_heavy: bool) -> Iterator[Progress]:
    """Be the job in `job_folder` while the block runs, and write down how it ended.

    Parameters
    ----------
    job_folder : Path
        See `own_folder`.
    is_heavy : bool
        Whether it waits for its `turn`.

    Yields
    ------
    Progress
        To hand to a stage.
    """
    # What kills the interpreter is told in the log (see `deaths`).
    faulthandler.enable(sys.__stderr__)
    sys.stdout, sys.stderr = _FailSafeStream(sys.stdout), _FailSafeStream(sys.stderr)
    _lower_process_priority()
    me = os.getpid()
    _try_update_record(
        job_folder,
        lambda found: {
            "pid": me,
            "process_start": processes.read_process_start(me),
            "boot": processes.read_boot_id(),
        },
    )
    reporter = JobProgressReporter(job_folder)
    ending = record.build_end_changes("failed", 1)
    try:
        with convert_sigterm_to_interrupt():
            if is_heavy:
                with wait_for_turn(job_folder, lambda why: _try_update_record(job_folder, _make_waiting_change(why))):
                    _try_update_record(job_folder, _build_running_changes)
                    yield reporter
            else:
                _try_update_record(job_folder, _build_running_changes)
                yield reporter
        ending = record.build_end_changes("done", 0)
    except BaseException as error:
        ending = _build_error_changes(error)
        raise
    finally:
        reporter.close()
        progress = reporter.build_counts_record()
        _try_update_record(
            job_folder,
            lambda found: {"progress": progress, **record.build_duration_changes(found), **_apply_cancellation(found, ending)},
        )


def _lower_process_priority() -> None:
    os.nice(JOB_NICENESS)
    try:
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE_ADJUSTMENT))
    except OSError:
        pass


def _build_running_changes(job_record: record.JobRecord) -> record.JobRecord:
    now = {"started": time.time(), "clock": processes.read_boot_clock()}
    return {"state": "running", **now, "progress": {}}


def _make_waiting_change(reason: str) -> Callable[[record.JobRecord], record.JobRecord]:
    return lambda found: {"progress": {"note": reason}}


def _apply_cancellation(job_record: record.JobRecord, end_changes: record.JobRecord) -> record.JobRecord:
    """What was asked to end and did is cancelled, whatever its workers' deaths looked like."""
    if end_changes["state"] == "failed" and job_record["cancel_asked"] is not None:
        return record.build_end_changes("cancelled", end_changes["exit"])
    return end_changes


def _build_error_changes(error: BaseException) -> record.JobRecord:
    """How a job ends that raised `error`."""
    if isinstance(error, KeyboardInterrupt):
        return record.build_end_changes("cancelled", 130)
    if (known := convert_system_error(error)) is not None:
        told = {"message": known.message, "where": known.where, "remedy": known.remedy}
        return record.build_end_changes("failed", 1, told)
    if isinstance(error, SystemExit):
        if not error.code:
            return record.build_end_changes("done", 0)
        status = error.code if isinstance(error.code, int) else 1
        told = {"message": f"It ended with status {status}.", "where": None}
        return record.build_end_changes("failed", status, {**told, "remedy": "Its log says more."})
    last = traceback.format_exception_only(error)[-1].strip()
    told = {"message": f"A defect of Earshot's own: {last}", "where": None}
    return record.build_end_changes("failed", 1, {**told, "remedy": "Its log says where."})


def _try_update_record(job_folder: Path, compute_changes: Callable[[record.JobRecord], record.JobRecord | None]) -> None:
    try:
        record.update_record(job_folder, compute_changes)
    except OSError as error:
        print(f"The job's record was not written: {error}", file=sys.stderr)
