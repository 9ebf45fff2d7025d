"""Executors: where programs are rendered and embedded, on this machine or on a Ray cluster.

Everything that fans out takes an `Executor`. `LocalExecutor` uses processes and threads of this
machine, `RayExecutor` the nodes of a Ray cluster. The results are the same, bit for bit.
"""

from core.pipeline.executors.executor_interface import (
    ClipSettings,
    EmbeddedItem,
    Executor,
    ProgramResult,
)
from core.pipeline.executors.local_executor import LocalExecutor

__all__ = ["ClipSettings", "EmbeddedItem", "Executor", "LocalExecutor", "ProgramResult"]
