"""The executor of whoever does not name one: local, or the one that a block chose.

A study calls renderers and sweeps from many places. It chooses where they run once, for its block.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from core.pipeline.executors.executor_interface import Executor
from core.pipeline.executors.local_executor import LocalExecutor

_block_executor: ContextVar[Executor | None] = ContextVar("block_executor", default=None)


def get_default_executor() -> Executor:
    """Return the executor of the enclosing `use_executor` block; a LocalExecutor outside one."""
    return _block_executor.get() or LocalExecutor()


@contextmanager
def use_executor(executor: Executor | None) -> Iterator[None]:
    """Make an executor the default of the block in this thread; None changes nothing."""
    token = _block_executor.set(executor or _block_executor.get())
    try:
        yield
    finally:
        _block_executor.reset(token)
