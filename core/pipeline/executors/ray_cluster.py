"""Connection to a Ray cluster, and the small part of Ray that Earshot uses."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
import secrets
import shlex
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from core.errors import EarshotError
from core.workspace import PROJECT_FOLDER

INSTALL_COMMAND = ".venv/bin/python -m pip install -r requirements/cluster.lock"
LOCAL_ADDRESSES = ("auto", "127.0.0.1", "localhost")
# Ray gives its own processes 30 s to start, which is not always enough on a busy machine.
START_ATTEMPTS = 3
LOCAL_OBJECT_STORE_BYTES = 256 << 20
# Set in workers, so that they compute as `core.encoders.parallel_map` does: on one thread.
SINGLE_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# Of a cluster that Earshot starts: it listens on the loopback interface only, whose name for it is
# that of the systems on which Ray does so by default.
LOCAL_CLUSTER_VARIABLES = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_AUTH_MODE": "token",
}


@dataclass(frozen=True)
class ClusterNode:
    """A node of the cluster that can run workers.

    Attributes
    ----------
    id : str
    address : str
        Its IP address.
    cores : int
        Number of processors that Ray may use.
    """

    id: str
    address: str
    cores: int


class RayCluster:
    """A connection to a Ray cluster, or to one that is started on this machine.

    Parameters
    ----------
    address : str or None
        "auto" for the cluster that runs on this machine, "HOST:PORT" or "ray://HOST:PORT" for
        another. None: start a cluster of one node with all cores, and stop it in `close`.

    Raises
    ------
    EarshotError
        When Ray is not installed, or there is no cluster at the address.
    """

    def __init__(self, address: str | None = None):
        self._temporary_folder: Path | None = None
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        self.ray = import_ray(is_local=address is None)
        # A notebook or a test may have connected already; that connection is not closed here.
        self._is_own_connection = not self.ray.is_initialized()
        if self._is_own_connection:
            self._connect_to_cluster(address, START_ATTEMPTS if address is None else 1)

    def _connect_to_cluster(self, address: str | None, attempts: int) -> None:
        options: dict[str, Any] = {
            "log_to_driver": False,
            "logging_level": logging.ERROR,
            "runtime_env": {"env_vars": build_worker_environment(os.environ)},
        }
        if " " in sys.executable and _is_on_this_machine(address):
            # Ray puts the path unquoted into a shell command that starts the worker.
            options["runtime_env"]["py_executable"] = shlex.quote(sys.executable)
        if address is None:
            self._temporary_folder = Path(tempfile.mkdtemp(prefix="earshot-"))
            options |= {
                "num_cpus": len(os.sched_getaffinity(0)),
                "object_store_memory": LOCAL_OBJECT_STORE_BYTES,
                "include_dashboard": False,
                "_temp_dir": str(self._temporary_folder),
            }
        else:
            options["address"] = address
        try:
            self.ray.init(**options)
        # Ray raises errors of many kinds: of its own, of sockets and of gRPC.
        except Exception as error:
            self._remove_temporary_folder()
            if attempts > 1:
                self.ray.shutdown()  # Some of its processes may be running.
                self._connect_to_cluster(address, attempts - 1)
                return
            raise EarshotError(
                f"Ray could not be started ({_shorten_error(error)})."
                if address is None
                else f"There is no Ray cluster to connect to at {address!r}"
                f" ({_shorten_error(error)}).",
                remedy="Try again when the machine is less busy, or leave out --executor ray."
                if address is None
                else "Start one with: ray start --head, or leave out --address to use this"
                " machine alone. docs/scale.md describes both.",
            ) from error

    def list_live_cluster_nodes(self) -> list[ClusterNode]:
        """Return the nodes that are alive and have at least one processor for Ray."""
        return [
            ClusterNode(node["NodeID"], node["NodeManagerAddress"], int(node["Resources"]["CPU"]))
            for node in self.ray.nodes()
            if node["Alive"] and node["Resources"].get("CPU", 0) >= 1
        ]

    def close(self) -> None:
        """Disconnect, and stop the cluster if it was started here; safe to call twice."""
        if self._is_own_connection:
            self._is_own_connection = False
            self.ray.shutdown()
        self._remove_temporary_folder()

    def _remove_temporary_folder(self) -> None:
        if self._temporary_folder is not None:
            shutil.rmtree(self._temporary_folder, ignore_errors=True)
            self._temporary_folder = None


def is_ray_installed() -> bool:
    """Return whether the optional package Ray is installed."""
    return importlib.util.find_spec("ray") is not None


def import_ray(*, is_local: bool) -> ModuleType:
    """Import Ray.

    Parameters
    ----------
    is_local : bool
        Whether a cluster will be started on this machine. Ray reads its settings when it is
        imported, so they must be in the environment before; Ray's own apply where the caller has
        imported it already.

    Raises
    ------
    EarshotError
        When Ray is not installed.
    """
    if not is_ray_installed():
        raise EarshotError(
            "The executor 'ray' needs the package Ray, which is not installed.",
            remedy=f"Install it with: {INSTALL_COMMAND}",
        )
    if is_local and "ray" not in sys.modules:
        for name, value in LOCAL_CLUSTER_VARIABLES.items():
            os.environ.setdefault(name, value)
        # Without it, every user of this machine could run code in the cluster.
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    return importlib.import_module("ray")


def build_worker_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a worker's environment.

    Parameters
    ----------
    environment : mapping
        That of the driver, whose settings of Earshot are passed on.
    """
    passed_on = {
        name: value
        for name, value in environment.items()
        if name.startswith("EARSHOT_") and name != "EARSHOT_WORKSPACE"
    }
    return {
        **passed_on,
        **dict.fromkeys(SINGLE_THREAD_VARIABLES, "1"),
        "PYTHONPATH": str(PROJECT_FOLDER),
        "TOKENIZERS_PARALLELISM": "false",
    }


def _is_on_this_machine(address: str | None) -> bool:
    """Return whether a cluster's address names this machine."""
    return address is None or address.removeprefix("ray://").split(":")[0] in LOCAL_ADDRESSES


def _shorten_error(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return text[0][:200] if text else type(error).__name__
