"""Progress of a job, written to its record and its events by a thread of its process."""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

from core.cluster_status import CLUSTER_KEY
from core.jobs import job_record_file, process_liveness_and_killing
from core.jobs.remaining_time import RateEstimator

EVENT_INTERVAL_S = 0.25
WRITE_INTERVAL_S = 0.5
HEARTBEAT_INTERVAL_S = 5.0


class JobProgressReporter:
    """A `core.progress_callback.Progress` that writes the progress of a job to its folder.

    Calls return at once, because a thread writes the record. The thread is also the heartbeat of
    the job, and notices when a user cancels it: the next call in the main thread then raises
    KeyboardInterrupt, between two units of work. Errors of writing never reach the caller, because
    a build must not fail for lack of a progress bar.

    Parameters
    ----------
    job_folder : Path
        Folder of the job.
    """

    def __init__(self, job_folder: Path):
        self._job_folder = job_folder
        self._lock = threading.Lock()
        self._steps: dict[str, dict[str, Any]] = {}
        self._rate_estimators: dict[str, RateEstimator] = {}
        self._last_event_times: dict[str, float] = {}
        self._current_progress: dict[str, Any] = {}
        self._cluster_status: dict[str, Any] | None = None
        self._has_unwritten_progress = False
        self._last_report_time = time.monotonic()
        self._interrupt_event = threading.Event()
        self._is_cancel_noticed = False
        self._stop_event = threading.Event()
        self._thread = threading.Thread(
            target=self._write_progress_periodically, name="heartbeat", daemon=True
        )
        self._thread.start()

    def __call__(
        self, step: str, done: int, total: int, note: str = "", data: dict[str, Any] | None = None
    ) -> None:
        """Report progress, as defined by `core.progress_callback.Progress`.

        Raises
        ------
        KeyboardInterrupt
            Once, if the job is being cancelled.
        """
        with self._lock:
            now = time.monotonic()
            self._last_report_time = now
            self._steps[step] = {"step": step, "done": done, "total": total}
            self._rate_estimators.setdefault(step, RateEstimator()).record_done_count(done)
            self._current_progress = {"step": step, "done": done, "total": total, "note": note}
            if data is not None and CLUSTER_KEY in data:
                self._cluster_status = data[CLUSTER_KEY]
            self._has_unwritten_progress = True
            last_event_time = self._last_event_times.get(step, -EVENT_INTERVAL_S)
            is_due = now - last_event_time >= EVENT_INTERVAL_S
            if is_due or data is not None or done >= total:
                self._last_event_times[step] = now
                self._append_event({"time": time.time(), **self._current_progress, "data": data})
        if self._interrupt_event.is_set() and threading.current_thread() is threading.main_thread():
            # Only once, because clean-up code may report progress too.
            self._interrupt_event.clear()
            raise KeyboardInterrupt

    def build_progress_record(self) -> job_record_file.JobRecord:
        """Return the current progress as it is saved in the record of the job."""
        with self._lock:
            if not self._current_progress:
                return {}
            estimator = self._rate_estimators[self._current_progress["step"]]
            return {
                **self._current_progress,
                "rate": estimator.units_per_second,
                "remaining_s": estimator.estimate_remaining_s(self._current_progress["total"]),
                "remaining_range_s": estimator.estimate_remaining_range_s(
                    self._current_progress["total"]
                ),
                "idle_s": time.monotonic() - self._last_report_time,
                "steps": list(self._steps.values()),
                CLUSTER_KEY: self._cluster_status,
            }

    def stop_writer_thread(self) -> None:
        """Stop the thread that writes."""
        self._stop_event.set()
        self._thread.join()

    def _append_event(self, event: dict[str, Any]) -> None:
        try:
            with open(self._job_folder / job_record_file.EVENTS_FILE, "ab", buffering=0) as file:
                file.write(json.dumps(event, ensure_ascii=False, default=float).encode() + b"\n")
        except (OSError, TypeError, ValueError) as error:
            print(f"An event was not written: {error}", file=sys.stderr)

    def _write_progress_periodically(self) -> None:
        last_heartbeat_time = time.monotonic()
        while not self._stop_event.wait(WRITE_INTERVAL_S):
            with self._lock:
                has_news, self._has_unwritten_progress = self._has_unwritten_progress, False
            is_due = time.monotonic() - last_heartbeat_time > HEARTBEAT_INTERVAL_S
            try:
                # The heartbeat also writes without news, so that readers see a stalled step.
                if is_due:
                    job_record_file.update_job_record(
                        self._job_folder, self._build_heartbeat_record_changes
                    )
                    last_heartbeat_time = time.monotonic()
                elif has_news:
                    job_record_file.update_job_record(
                        self._job_folder, self._build_progress_changes
                    )
                self._check_for_cancellation()
            except OSError:  # The next round tries again.
                self._has_unwritten_progress = self._has_unwritten_progress or has_news

    def _check_for_cancellation(self) -> None:
        job_record = job_record_file.read_job_record(self._job_folder)
        is_cancelled = job_record is not None and job_record["cancel_asked"] is not None
        if is_cancelled and not self._is_cancel_noticed:
            self._is_cancel_noticed = True
            self._interrupt_event.set()

    def _build_progress_changes(
        self, job_record: job_record_file.JobRecord
    ) -> job_record_file.JobRecord:
        return {"progress": self.build_progress_record() or job_record["progress"]}

    def _build_heartbeat_record_changes(
        self, job_record: job_record_file.JobRecord
    ) -> job_record_file.JobRecord:
        memory_mb = process_liveness_and_killing.measure_job_memory_mb(self._job_folder)
        return {**self._build_progress_changes(job_record), "memory_mb": memory_mb}
