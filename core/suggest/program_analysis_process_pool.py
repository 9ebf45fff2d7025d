"""Processes that analyse programs beside this one: one per further core.

They are started at the first use and stay. Until they are ready, or when one fails, this process
does the work alone: the results are the same.
"""

from __future__ import annotations

import atexit
import os
import select
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from core.blas_thread_limit import SINGLE_THREAD_ENVIRONMENT
from core.sonicpi.message_framed_process import FramedProcess, FramedProcessError
from core.suggest.program_analysis_messages import decode_analysis_reply, encode_analysis_request

WORKER_COUNT_VARIABLE = "EARSHOT_ANALYSIS_WORKERS"
"""Number of processes; 0 for none. The default is one less than the cores, at most 3."""
MAX_DEFAULT_WORKERS = 3
MAX_FAILURES = 3
"""Of all processes, after which this process does all the work."""
REPLY_TIMEOUT_SECONDS = 30.0
REQUESTS_IN_FLIGHT = 2
"""Sent to a process at once, so that it need not wait for the next one."""
CORE_PARENT = str(Path(__file__).parents[2])
"""Where the process finds `core` also when the package is not installed."""
WORKER_COMMAND = (sys.executable, "-P", "-m", "core.suggest.program_analysis_process")

Result = TypeVar("Result")
Reply = tuple[dict[str, Any], list[np.ndarray]]


class ProgramAnalysisProcess:
    """One process. The lock is held by the thread that talks to it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        search_path = os.pathsep.join(filter(None, (CORE_PARENT, os.environ.get("PYTHONPATH"))))
        environment = {**os.environ, **SINGLE_THREAD_ENVIRONMENT, "PYTHONPATH": search_path}
        self._process = FramedProcess(WORKER_COMMAND, environment)
        self._is_ready = False

    def wait_until_started(self, timeout_seconds: float = 0.0) -> bool:
        """Return whether the process has started; wait for it up to a time."""
        if not self._is_ready:
            descriptor = self._process.output_descriptor
            if select.select([descriptor], [], [], timeout_seconds)[0]:
                self.receive_reply()  # The first one only says that the process has started.
                self._is_ready = True
        return self._is_ready

    def send_request(self, request: dict[str, Any]) -> None:
        """Send a request.

        Raises
        ------
        FramedProcessError
            When the process has ended.
        """
        self._process.send_message(encode_analysis_request(request))

    def receive_reply(self) -> Reply:
        """Return the fields and matrices of the reply to the earliest request without one.

        Raises
        ------
        FramedProcessError
            When the process ends or does not answer in time.
        """
        body = self._process.receive_message(time.monotonic() + REPLY_TIMEOUT_SECONDS)
        return decode_analysis_reply(body)

    def close(self) -> None:
        """End the process."""
        self._process.close()


class ProgramAnalysisProcessPool:
    """The processes of this one.

    Parameters
    ----------
    worker_count : int
    """

    def __init__(self, worker_count: int):
        self.worker_count = worker_count
        self.process_id = os.getpid()
        self._workers: list[ProgramAnalysisProcess] = []
        self._failure_count = 0
        self._lock = threading.Lock()

    def start_workers(self) -> None:
        """Start the processes that do not run, without waiting for them."""
        with self._lock:
            while len(self._workers) < self.worker_count and self._failure_count < MAX_FAILURES:
                try:
                    self._workers.append(ProgramAnalysisProcess())
                except OSError:
                    self._failure_count += 1

    def wait_until_ready(self, timeout_seconds: float = 30.0) -> bool:
        """Start the processes and return whether all of them are ready before the timeout."""
        self.start_workers()
        is_ready = True
        for worker in list(self._workers):
            with worker.lock:
                try:
                    is_ready &= worker.wait_until_started(timeout_seconds)
                except FramedProcessError:
                    self._remove_worker(worker)
                    is_ready = False
        return is_ready

    def run_tasks_here_and_in_processes(
        self,
        requests: Sequence[dict[str, Any]],
        run_locally: Callable[[int], Result],
        convert_reply: Callable[[int, Reply], Result],
    ) -> list[Result]:
        """Return the results of tasks, which this process and the others share.

        Parameters
        ----------
        requests : sequence of dict
            To the other processes, one per task.
        run_locally : callable
            Returns the result of a task by its index. This process takes the first tasks, and
            those at which another process fails.
        convert_reply : callable
            Returns the result of a task from its index and its reply. The other processes take
            the last tasks.
        """
        pending = deque(range(len(requests)))
        results: list[Result | None] = [None] * len(requests)
        helpers = [
            threading.Thread(
                target=self._run_tasks_in_worker,
                args=(worker, requests, pending, results, convert_reply),
                daemon=True,
            )
            for worker in self._lock_ready_workers()
        ]
        for helper in helpers:
            helper.start()
        try:
            while pending:
                try:
                    index = pending.popleft()
                except IndexError:
                    break
                results[index] = run_locally(index)
        finally:
            pending.clear()
            for helper in helpers:
                helper.join()
        return [
            run_locally(index) if result is None else result for index, result in enumerate(results)
        ]

    def _lock_ready_workers(self) -> list[ProgramAnalysisProcess]:
        """Return the workers that are ready and idle, locked for this thread's tasks."""
        self.start_workers()
        locked = []
        for worker in list(self._workers):
            if not worker.lock.acquire(blocking=False):
                continue
            try:
                if worker.wait_until_started():
                    locked.append(worker)
                    continue
            except FramedProcessError:
                self._remove_worker(worker)
            worker.lock.release()
        return locked

    def _run_tasks_in_worker(
        self,
        worker: ProgramAnalysisProcess,
        requests: Sequence[dict[str, Any]],
        pending: deque[int],
        results: list[Any],
        convert_reply: Callable[[int, Reply], Any],
    ) -> None:
        in_flight: deque[int] = deque()
        try:
            while True:
                while pending and len(in_flight) < REQUESTS_IN_FLIGHT:
                    try:
                        index = pending.pop()
                    except IndexError:
                        break
                    worker.send_request(requests[index])
                    in_flight.append(index)
                if not in_flight:
                    return
                reply = worker.receive_reply()
                index = in_flight.popleft()
                if "error" not in reply[0]:
                    results[index] = convert_reply(index, reply)
        except FramedProcessError:
            self._remove_worker(worker)
        finally:
            worker.lock.release()

    def _remove_worker(self, worker: ProgramAnalysisProcess) -> None:
        with self._lock:
            self._failure_count += 1
            if worker in self._workers:
                self._workers.remove(worker)
        worker.close()

    def close(self) -> None:
        """End all processes."""
        with self._lock:
            workers, self._workers = self._workers, []
        for worker in workers:
            worker.close()


_pools: list[ProgramAnalysisProcessPool] = []
_pools_lock = threading.Lock()


def get_program_analysis_process_pool() -> ProgramAnalysisProcessPool:
    """Return the pool of this process; its processes are started at the first use."""
    with _pools_lock:
        # A process that was forked must not use the pipes of its parent.
        if not _pools or _pools[0].process_id != os.getpid():
            _pools[:] = [ProgramAnalysisProcessPool(_choose_worker_count())]
        return _pools[0]


def _choose_worker_count() -> int:
    text = os.environ.get(WORKER_COUNT_VARIABLE, "")
    if text.isdecimal():
        return int(text)
    return min(len(os.sched_getaffinity(0)) - 1, MAX_DEFAULT_WORKERS)


@atexit.register
def _close_pool() -> None:
    if _pools and _pools[0].process_id == os.getpid():
        _pools[0].close()
