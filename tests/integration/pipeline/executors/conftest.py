"""A Ray cluster of two nodes on this machine, and an executor on it, for one module of tests."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from core.pipeline.executors.ray_cluster import LOCAL_CLUSTER_VARIABLES, START_ATTEMPTS
from core.pipeline.executors.ray_executor import RayExecutor
from tests.unreliable_worker import UnreliableWorker

NODE_OPTIONS = {"num_cpus": 1, "object_store_memory": 80 << 20, "include_dashboard": False}


def start_cluster() -> Any:
    """Start a cluster of two nodes; again if a busy machine exceeds Ray's limit of 30 s."""
    from ray.cluster_utils import Cluster

    for attempt in range(START_ATTEMPTS):
        cluster = Cluster()
        try:
            cluster.add_node(**NODE_OPTIONS)
            cluster.add_node(**NODE_OPTIONS)
        except Exception:  # Ray raises no more specific one.
            cluster.shutdown()
            if attempt == START_ATTEMPTS - 1:
                raise
        else:
            break
    return cluster


@pytest.fixture(scope="module")
def ray_nodes() -> Iterator[Any]:
    """The cluster, as `ray.cluster_utils` makes it."""
    variables = {
        **LOCAL_CLUSTER_VARIABLES,
        "RAY_USAGE_STATS_ENABLED": "0",
        # Ray kills workers when other programs use the machine's memory.
        "RAY_memory_monitor_refresh_ms": "0",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        cluster = start_cluster()
        yield cluster
        cluster.shutdown()


@pytest.fixture(scope="module")
def ray_executor(ray_nodes: Any) -> Iterator[RayExecutor]:
    """An executor whose workers misbehave where a program asks for it."""
    assert os.environ["RAY_AUTH_TOKEN"]
    with RayExecutor(ray_nodes.address, worker_class=UnreliableWorker) as executor:
        yield executor
