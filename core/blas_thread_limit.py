"""Limit of the matrix products of numpy and scipy to one thread."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController

SINGLE_THREAD_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""For a process that only computes with one thread."""


class _SharedLimit:
    """The limit while at least one context is open, in any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open_count = 0
        self._counts_before: dict[str, tuple[Any, int]] = {}  # By the file of the library.

    def open(self) -> None:
        """Limit every library that no open context has limited yet."""
        with self._lock:
            new = [
                library
                for library in _list_blas_libraries()
                if library.filepath not in self._counts_before
            ]
            for library in new:
                self._counts_before[library.filepath] = (library, library.get_num_threads())
            _set_thread_counts([(library, 1) for library in new])
            self._open_count += 1

    def close(self) -> None:
        """Restore the number of threads, if no other context is open."""
        with self._lock:
            self._open_count -= 1
            if self._open_count == 0:
                _set_thread_counts(list(self._counts_before.values()))
                self._counts_before.clear()


_shared_limit = _SharedLimit()


def _list_blas_libraries() -> list[Any]:
    """Return numpy's library, and scipy's once it is loaded."""
    return _scan_blas_libraries(hasattr(sys.modules.get("scipy.linalg"), "cho_solve"))


@cache
def _scan_blas_libraries(
    is_scipy_loaded: bool,  # noqa: ARG001 (the cache compares it)
) -> list[Any]:
    return list(ThreadpoolController().select(user_api="blas").lib_controllers)


def _set_thread_counts(counts: Sequence[tuple[Any, int]]) -> None:
    """Set the number of threads of each library.

    threadpoolctl ignores all threads but the one that set a number first and has not given up
    control. Only the library's own lock and this module's decide here.
    """
    for library, count in counts:
        if library.get_num_threads() == count:
            continue
        # Only OpenBLAS has such a thread, and the method that changes it.
        give_up_control = getattr(library, "clear_controlling_thread", lambda **_options: None)
        give_up_control(force=True)
        library.set_num_threads(count)
        give_up_control(force=True)


@contextmanager
def limit_blas_to_one_thread() -> Iterator[None]:
    """Let numpy and scipy multiply with one thread, for small matrices on busy cores.

    Threads of one product wait for each other: on two busy cores, a product of 0.03 ms takes 20 ms.
    Sums also depend on their number. The number belongs to the process, so all contexts that are
    open at the same time, in one thread or in several, share the limit.
    """
    _shared_limit.open()
    try:
        yield
    finally:
        _shared_limit.close()
