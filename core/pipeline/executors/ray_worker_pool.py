"""The workers of a Ray cluster: one actor per core of each node, replaced when they die."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from core.cluster_status import ClusterStatus
from core.errors import EarshotError
from core.pipeline.executors.ray_cluster import ClusterNode, RayCluster
from core.pipeline.executors.ray_worker import ProgramWorker, detect_compute_settings

REFRESH_INTERVAL_S = 1.0
MAX_FAILED_STARTS_PER_NODE = 3
# A worker always has the next task at hand, so that it never waits for the driver.
MAX_TASKS_PER_WORKER = 2


@dataclass
class WorkerTask:
    """A call of a method of a worker.

    Attributes
    ----------
    index : int
        Position among the tasks of its caller.
    key : str
        What the result must repeat, so that a result cannot be taken for another's.
    method : str
    arguments : tuple
    attempts : int
        How often a worker failed while it ran this task.
    program_count : int
        Number of programs in it; its time limit is that many times the limit of one.
    split : callable or None
        Returns tasks of single programs that replace this one after a failure, so that a program
        at which every worker fails is found. None if there is nothing to split.
    """

    index: int
    key: str
    method: str
    arguments: tuple[Any, ...]
    attempts: int = 0
    program_count: int = 1
    split: Callable[[], list[WorkerTask]] | None = None


@dataclass(eq=False)
class PooledWorker:
    """An actor with the tasks that were sent to it, in order.

    Attributes
    ----------
    handle : actor handle
    node : ClusterNode
    description_ref : object reference
        Its first result; the worker gets tasks after it.
    is_ready : bool
    running : deque of (object reference, WorkerTask)
    head_started : float
        When the first of them could begin, in seconds of the monotonic clock.
    """

    handle: Any
    node: ClusterNode
    description_ref: Any
    is_ready: bool = False
    running: deque[tuple[Any, WorkerTask]] = field(default_factory=deque)
    head_started: float = 0.0

    def send_task(self, task: WorkerTask) -> None:
        """Send a task to the actor, which runs its tasks one after the other."""
        if not self.running:
            self.head_started = time.monotonic()
        reference = getattr(self.handle, task.method).remote(task.key, *task.arguments)
        self.running.append((reference, task))

    def remove_task(self, reference: Any) -> WorkerTask:
        """Remove a finished task and return it."""
        position = next(i for i, (other, _) in enumerate(self.running) if other == reference)
        task = self.running[position][1]
        del self.running[position]
        self.head_started = time.monotonic()
        return task


class RayWorkerPool:
    """Keeps one worker per core of every usable node, while nodes come and go.

    Parameters
    ----------
    cluster : RayCluster
    max_workers : int or None
        Largest number of workers; None: one per core of the cluster.
    worker_class : type
        Class of the actors.
    """

    def __init__(
        self, cluster: RayCluster, max_workers: int | None, worker_class: type = ProgramWorker
    ):
        self._cluster = cluster
        self._max_workers = max_workers
        self._compute_settings = detect_compute_settings()
        self._expected_software = worker_class.describe_node_software()  # type: ignore[attr-defined] # every worker class has it
        self._actor_class = cluster.ray.remote(
            num_cpus=1, max_restarts=0, max_task_retries=0, max_concurrency=1
        )(worker_class)
        self._last_refresh = -REFRESH_INTERVAL_S
        self._failed_starts: dict[str, int] = {}
        self.workers: list[PooledWorker] = []
        self.refusals: dict[str, str] = {}
        """Why a node is not used, by node id."""
        self._failure_count = 0
        self._status: ClusterStatus | None = None
        self.last_failure = ""
        """Node and reason of the latest failure; "" without one."""

    @property
    def ready_workers(self) -> list[PooledWorker]:
        """Return the workers that accept tasks."""
        return [worker for worker in self.workers if worker.is_ready]

    def get_status(self) -> ClusterStatus:
        """Return the size of the cluster that takes tasks, and the failures so far."""
        if self._status is None:  # It is read for every program, and seldom changes.
            workers = self.ready_workers
            node_count = len({worker.node.id for worker in workers})
            self._status = ClusterStatus(
                node_count, len(workers), self._failure_count, self.last_failure
            )
        return self._status

    def record_failure(self, node: ClusterNode, reason: str) -> None:
        """Count a failed worker, and keep the reason for messages."""
        self._status = None
        self._failure_count += 1
        self.last_failure = f"{node.address}: {reason}"

    def replace_workers_after_node_changes(self) -> list[WorkerTask]:
        """Start workers on new cores and drop those of lost nodes; return the tasks of the latter.

        Does nothing within a second of the last time.
        """
        if time.monotonic() - self._last_refresh < REFRESH_INTERVAL_S:
            return []
        self._last_refresh = time.monotonic()
        nodes = {node.id: node for node in self._cluster.list_live_cluster_nodes()}
        lost_tasks = []
        for worker in [worker for worker in self.workers if worker.node.id not in nodes]:
            self.record_failure(worker.node, "the node was lost")
            lost_tasks += self.remove_worker(worker)
        for node in nodes.values():
            if node.id in self.refusals:
                continue
            count = sum(worker.node.id == node.id for worker in self.workers)
            for _ in range(node.cores - count):
                if self._max_workers is not None and len(self.workers) >= self._max_workers:
                    return lost_tasks
                self._start_worker(node)
        return lost_tasks

    def _start_worker(self, node: ClusterNode) -> None:
        strategies = self._cluster.ray.util.scheduling_strategies
        strategy = strategies.NodeAffinitySchedulingStrategy(node.id, soft=False)
        handle = self._actor_class.options(scheduling_strategy=strategy).remote(
            self._compute_settings
        )
        self.workers.append(PooledWorker(handle, node, handle.describe.remote()))

    def accept_worker(self, worker: PooledWorker, description: object) -> None:
        """Let a worker take tasks, or refuse its node if its software differs from the driver's."""
        if description == self._expected_software:
            worker.is_ready = True
            self._status = None
            return
        self.refuse_node(
            worker,
            f"it has {description}, the driver has {self._expected_software}: install the same"
            " versions",
        )

    def count_failed_start(self, worker: PooledWorker, reason: str) -> None:
        """Remove a worker that did not start, and refuse its node if that keeps happening."""
        self.record_failure(worker.node, reason)
        node_id = worker.node.id
        self._failed_starts[node_id] = self._failed_starts.get(node_id, 0) + 1
        if self._failed_starts[node_id] >= MAX_FAILED_STARTS_PER_NODE:
            self.refuse_node(worker, reason)
        else:
            self.remove_worker(worker)

    def refuse_node(self, worker: PooledWorker, reason: str) -> list[WorkerTask]:
        """Use no worker of this worker's node from now on; return the tasks that they had."""
        self.refusals[worker.node.id] = f"{worker.node.address}: {reason}"
        tasks = []
        for other in [other for other in self.workers if other.node.id == worker.node.id]:
            tasks += self.remove_worker(other)
        return tasks

    def remove_worker(self, worker: PooledWorker) -> list[WorkerTask]:
        """End a worker and return its unfinished tasks, whose late results nobody reads."""
        self.workers.remove(worker)
        self._status = None
        tasks = [task for _, task in worker.running]
        worker.running.clear()
        self._cluster.ray.kill(worker.handle)
        return tasks

    def stop_workers(self) -> None:
        """End all workers."""
        for worker in list(self.workers):
            self.remove_worker(worker)

    def raise_if_unusable(self) -> None:
        """Raise an EarshotError if every node of the cluster was refused."""
        if self.refusals and not self.workers:
            raise EarshotError(
                "No node of the Ray cluster can render: " + "; ".join(self.refusals.values()),
                remedy="Run ./run doctor on the nodes. docs/scale.md describes what a node needs.",
            )
