"""Tasks reach a result whatever workers do, with a stand-in for Ray whose workers are scripted."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from core.errors import EarshotError
from core.pipeline.executors import ray_task_runner
from core.pipeline.executors.ray_cluster import ClusterNode
from core.pipeline.executors.ray_task_runner import (
    MAX_TASK_ATTEMPTS,
    InvalidResultError,
    RayTaskRunner,
)
from core.pipeline.executors.ray_worker_pool import PooledWorker, WorkerTask

NODE = ClusterNode("node", "10.0.0.1", 1)
LATE = object()
"""What a scripted worker answers when its result never comes."""


class ScriptedError(Exception):
    """An error of the stand-in for Ray."""


class ScriptedRay:
    """Answers each call of a worker with the next entry of a script, then with its argument."""

    exceptions = SimpleNamespace(RayError=ScriptedError)

    def __init__(self, script: list[Any]):
        self.script = script
        self.results: dict[int, Any] = {}
        self.max_running = 0

    def make_reference(self, value: Any) -> int:
        reference = len(self.results)
        self.results[reference] = self.script.pop(0) if self.script else value
        return reference

    def wait(self, references: list[int], num_returns: int, timeout: float) -> Any:
        self.max_running = max(self.max_running, len(references))
        finished = [ref for ref in references if self.results[ref] is not LATE][:num_returns]
        return finished, [ref for ref in references if ref not in finished]

    def get(self, reference: int, timeout: float) -> Any:
        value = self.results[reference]
        if isinstance(value, Exception):
            raise value
        return value


class ScriptedPool:
    """Two workers, each replaced when it is removed."""

    def __init__(self, ray: ScriptedRay):
        self.ray = ray
        self.workers: list[PooledWorker] = []
        self.removed_count = 0
        self.last_failure = ""

    @property
    def ready_workers(self) -> list[PooledWorker]:
        return self.workers

    def replace_workers_after_node_changes(self) -> list[WorkerTask]:
        while len(self.workers) < 2:
            method = SimpleNamespace(remote=lambda key, *arguments: self.ray.make_reference(key))
            handle = SimpleNamespace(render=method)
            self.workers.append(PooledWorker(handle, NODE, None, is_ready=True))
        return []

    def record_failure(self, node: ClusterNode, reason: str) -> None:
        self.last_failure = f"{node.address}: {reason}"

    def remove_worker(self, worker: PooledWorker) -> list[WorkerTask]:
        self.workers.remove(worker)
        self.removed_count += 1
        return [task for _, task in worker.running]


def run(script: list[Any], task_count: int = 6, timeout_s: float = 60.0) -> tuple[Any, ...]:
    """Run tasks whose right result is their key; return results, Ray and the pool."""
    ray = ScriptedRay(script)
    pool = ScriptedPool(ray)
    runner = RayTaskRunner(SimpleNamespace(ray=ray), pool, timeout_s)  # type: ignore[arg-type] # stand-ins

    def parse_result(task: WorkerTask, value: Any) -> str:
        if value != task.key:
            raise InvalidResultError("It belongs to another task.")
        return value

    tasks = (WorkerTask(index, f"key {index}", "render", ()) for index in range(task_count))
    results = [result for batch in runner.run_tasks(tasks, parse_result) for result in batch]
    return results, ray, pool


EXPECTED = [(index, f"key {index}") for index in range(6)]


def test_every_task_has_one_result_and_few_run_at_a_time():
    results, ray, pool = run([])
    assert sorted(results) == EXPECTED and pool.removed_count == 0
    assert ray.max_running == 4  # two workers, two tasks each
    assert run([], task_count=0)[0] == []


@pytest.mark.parametrize("garbage", [None, "another key", ScriptedError("the node was lost")])
def test_a_task_runs_again_after_garbage_or_a_death(garbage):
    results, _, pool = run([garbage])
    assert sorted(results) == EXPECTED and pool.removed_count == 1


def test_a_worker_that_takes_too_long_is_replaced():
    results, _, pool = run([LATE], timeout_s=-1.0)
    assert sorted(results) == EXPECTED and pool.removed_count >= 1


def test_a_task_at_which_every_worker_fails_is_given_up():
    with pytest.raises(EarshotError, match=r"5 workers .* 10\.0\.0\.1: out of memory"):
        run([ScriptedError("out of memory")] * MAX_TASK_ATTEMPTS, task_count=1)


def test_a_task_of_several_programs_is_split_after_a_failure():
    ray = ScriptedRay([ScriptedError("the node was lost")])
    pool = ScriptedPool(ray)
    runner = RayTaskRunner(SimpleNamespace(ray=ray), pool, 60.0)  # type: ignore[arg-type] # stand-ins

    def split() -> list[WorkerTask]:
        return [WorkerTask(index, f"key {index}", "render", ()) for index in range(2)]

    task = WorkerTask(0, "both", "render", (), program_count=2, split=split)
    batches = list(runner.run_tasks([task], lambda task, value: value))
    assert sorted(result for batch in batches for result in batch) == EXPECTED[:2]


def test_large_results_are_handed_on_in_parts(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ray_task_runner, "MAX_BATCH_BYTES", 2)
    ray = ScriptedRay([])
    runner = RayTaskRunner(SimpleNamespace(ray=ray), ScriptedPool(ray), 60.0)  # type: ignore[arg-type] # stand-ins
    tasks = (WorkerTask(index, f"key {index}", "render", ()) for index in range(6))
    batches = list(runner.run_tasks(tasks, lambda task, value: value, lambda result: 1))
    assert {len(batch) for batch in batches} == {2}
    assert sorted(result for batch in batches for result in batch) == EXPECTED


def test_a_cluster_without_workers_is_an_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ray_task_runner, "NO_WORKER_TIMEOUT_S", -1.0)
    monkeypatch.setattr(ray_task_runner, "POLL_INTERVAL_S", 0.0)
    monkeypatch.setattr(ScriptedPool, "replace_workers_after_node_changes", lambda self: [])
    with pytest.raises(EarshotError, match="No worker"):
        run([])
