"""Runs tasks on the workers of a Ray cluster whatever happens to a worker, node or result."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from core.errors import EarshotError
from core.pipeline.executors.ray_cluster import RayCluster
from core.pipeline.executors.ray_worker_pool import (
    MAX_TASKS_PER_WORKER,
    PooledWorker,
    RayWorkerPool,
    WorkerTask,
)

Result = TypeVar("Result")

POLL_INTERVAL_S = 0.5
FETCH_TIMEOUT_S = 60.0
# A busy machine takes minutes to start the processes of its workers.
NO_WORKER_TIMEOUT_S = 300.0
# Of the results that are stored together. What is beyond stays on the nodes until the next round,
# so that the driver's memory does not depend on the number of workers.
MAX_BATCH_BYTES = 32 << 20
# A task is given up when this many workers failed while they ran it.
MAX_TASK_ATTEMPTS = 5


class InvalidResultError(Exception):
    """A worker returned something that is not the result of its task."""


class RayTaskRunner:
    """Sends tasks to workers, a bounded number at a time, and checks every result.

    A task whose worker dies, answers too late or returns something invalid runs again elsewhere.
    Results are taken only from the worker that has the task now, so each task has one result.

    Parameters
    ----------
    cluster : RayCluster
    pool : RayWorkerPool
    task_timeout_s : float
        Longest time of one program of a task.
    """

    def __init__(self, cluster: RayCluster, pool: RayWorkerPool, task_timeout_s: float):
        self._ray = cluster.ray
        self._pool = pool
        self._task_timeout_s = task_timeout_s
        self._retries: deque[WorkerTask] = deque()
        self._last_time_with_workers = time.monotonic()
        self._is_stopped = False

    def stop(self) -> None:
        """Let `run_tasks` end without the results that it waits for; for another thread."""
        self._is_stopped = True

    def run_tasks(
        self,
        tasks: Iterable[WorkerTask],
        parse_result: Callable[[WorkerTask, Any], Result],
        measure_bytes: Callable[[Result], int] = lambda _: 0,
    ) -> Iterator[list[tuple[int, Result]]]:
        """Run tasks, and yield lists of (index, result) in order of completion.

        Parameters
        ----------
        tasks : iterable of WorkerTask
            Consumed no faster than workers take them.
        parse_result : callable
            Returns the result of a task from what the worker returned, or raises
            `InvalidResultError`.
        measure_bytes : callable
            Returns the size of a result. A list holds at most `MAX_BATCH_BYTES` and one result.

        Raises
        ------
        EarshotError
            When a task was given up, or there is no usable worker.
        """
        remaining = iter(tasks)
        has_more = True
        try:
            while not self._is_stopped:
                self._retries.extend(self._pool.replace_workers_after_node_changes())
                if has_more:
                    has_more = self._send_tasks(remaining)
                else:
                    self._send_tasks(iter(()))
                if not has_more and not self._retries and not self._has_running_tasks():
                    return
                results = self._collect_results(parse_result, measure_bytes)
                if results:
                    yield results
                self._replace_late_workers()
                self._raise_if_no_worker_for_long()
        finally:
            # Workers stay warm for later tasks, but not with tasks that nobody waits for.
            for worker in [worker for worker in self._pool.workers if worker.running]:
                self._pool.remove_worker(worker)

    def _has_running_tasks(self) -> bool:
        return any(worker.running for worker in self._pool.workers)

    def _send_tasks(self, remaining: Iterator[WorkerTask]) -> bool:
        """Send tasks to workers with room for one; return False when there are no more tasks."""
        for depth in range(MAX_TASKS_PER_WORKER):
            for worker in self._pool.ready_workers:
                if len(worker.running) > depth:
                    continue
                task = self._retries.popleft() if self._retries else next(remaining, None)
                if task is None:
                    return False
                worker.send_task(task)
        return True

    def _collect_results(
        self,
        parse_result: Callable[[WorkerTask, Any], Result],
        measure_bytes: Callable[[Result], int],
    ) -> list[tuple[int, Result]]:
        """Wait for something to finish; return the valid results of what has finished."""
        worker_by_ref = {
            reference: worker for worker in self._pool.workers for reference, _ in worker.running
        }
        starting = {w.description_ref: w for w in self._pool.workers if not w.is_ready}
        references = [*worker_by_ref, *starting]
        if not references:
            time.sleep(POLL_INTERVAL_S)
            return []
        finished, rest = self._ray.wait(references, num_returns=1, timeout=POLL_INTERVAL_S)
        if finished and rest:
            finished += self._ray.wait(rest, num_returns=len(rest), timeout=0)[0]
        for reference in [reference for reference in finished if reference in starting]:
            self._admit_worker(starting[reference])
        results: list[tuple[int, Result]] = []
        batch_bytes = 0
        # The worker that has waited longest first: the limit must not leave anybody out for long.
        answers = [reference for reference in finished if reference in worker_by_ref]
        for reference in sorted(answers, key=lambda answer: worker_by_ref[answer].head_started):
            worker = worker_by_ref[reference]
            if worker not in self._pool.workers:
                continue
            result = self._take_result_or_retry_task(worker, reference, parse_result)
            if result is not None:
                results.append(result)
                batch_bytes += measure_bytes(result[1])
                if batch_bytes >= MAX_BATCH_BYTES:
                    break
        return results

    def _admit_worker(self, worker: PooledWorker) -> None:
        if worker not in self._pool.workers:  # Its node was refused a moment ago.
            return
        try:
            description = self._ray.get(worker.description_ref, timeout=FETCH_TIMEOUT_S)
        except self._ray.exceptions.RayError as error:
            self._pool.count_failed_start(worker, describe_worker_failure(error))
        else:
            self._pool.accept_worker(worker, description)
        self._pool.raise_if_unusable()

    def _take_result_or_retry_task(
        self,
        worker: PooledWorker,
        reference: Any,
        parse_result: Callable[[WorkerTask, Any], Result],
    ) -> tuple[int, Result] | None:
        """Return a task's index and result; None if the task must run again."""
        try:
            value = self._ray.get(reference, timeout=FETCH_TIMEOUT_S)
            task = next(task for other, task in worker.running if other == reference)
            result = parse_result(task, value)
        except (self._ray.exceptions.RayError, InvalidResultError) as error:
            self._handle_failed_worker(worker, reference, describe_worker_failure(error))
            return None
        worker.remove_task(reference)
        return task.index, result

    def _handle_failed_worker(self, worker: PooledWorker, reference: Any, reason: str) -> None:
        """Replace a worker, and let its tasks run elsewhere."""
        self._pool.record_failure(worker.node, reason)
        failed_task = worker.remove_task(reference)
        self._retries.extend(self._pool.remove_worker(worker))
        self._retry_or_give_up(failed_task)

    def _retry_or_give_up(self, task: WorkerTask) -> None:
        if task.split is not None:
            self._retries.extend(task.split())
            return
        task.attempts += 1
        if task.attempts >= MAX_TASK_ATTEMPTS:
            raise EarshotError(
                f"{MAX_TASK_ATTEMPTS} workers of the Ray cluster failed at the same program. The"
                f" last one, {self._pool.last_failure}",
                remedy="Run the command again: it resumes where it stopped. Without --executor ray"
                " it runs on this machine.",
            )
        self._retries.append(task)

    def _replace_late_workers(self) -> None:
        """Replace workers that take too long; what they return later is not read."""
        now = time.monotonic()
        for worker in list(self._pool.workers):
            if not worker.running:
                continue
            reference, task = worker.running[0]
            timeout_s = self._task_timeout_s * task.program_count
            if now - worker.head_started > timeout_s:
                reason = f"no result after {timeout_s:.0f} s"
                self._handle_failed_worker(worker, reference, reason)

    def _raise_if_no_worker_for_long(self) -> None:
        if self._pool.ready_workers:
            self._last_time_with_workers = time.monotonic()
        elif time.monotonic() - self._last_time_with_workers > NO_WORKER_TIMEOUT_S:
            raise EarshotError(
                f"No worker of the Ray cluster has started for {NO_WORKER_TIMEOUT_S:.0f} s."
                + (f" Last failure: {self._pool.last_failure}" if self._pool.last_failure else ""),
                remedy="Its cores may be in use: add nodes or wait for other work there, then run"
                " the command again. It resumes where it stopped.",
            )


def describe_worker_failure(error: Exception) -> str:
    """Return one line about why a worker failed."""
    cause = getattr(error, "cause", None)
    if isinstance(cause, EarshotError):
        return str(cause)
    lines = str(error).strip().splitlines()
    return lines[-1][:300] if lines else type(error).__name__
