"""The executor that a command's options choose."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from core.cluster_status import ClusterProgress
from core.errors import EarshotError
from core.progress_callback import Progress

if TYPE_CHECKING:
    from core.pipeline.executors import Executor


@contextmanager
def open_executor(
    args: argparse.Namespace, progress: Progress
) -> Iterator[tuple[Executor, Progress]]:
    """Open the executor of ``--executor``, ``--address`` and ``--workers`` for a block.

    Parameters
    ----------
    args : Namespace
        With `executor` and `address`; `workers` is optional.
    progress : Progress

    Yields
    ------
    executor : Executor
    progress : Progress
        The same; with the status of the cluster if there is one.

    Raises
    ------
    EarshotError
        When there is an address without ``--executor ray``, Ray is not installed, or there is no
        cluster at the address.
    """
    workers = getattr(args, "workers", None)
    if args.executor == "local":
        if args.address is not None:
            raise EarshotError(
                "--address names a Ray cluster, but the work runs on this machine.",
                remedy="Add --executor ray, or leave out --address.",
            )
        from core.pipeline.executors import LocalExecutor  # Not needed by --help.

        yield LocalExecutor(workers), progress
        return
    from core.pipeline.executors.ray_executor import RayExecutor

    with RayExecutor(args.address, workers) as executor:
        yield executor, ClusterProgress(progress, executor.get_status)
