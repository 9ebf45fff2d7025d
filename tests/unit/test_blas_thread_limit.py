"""The limit of numpy's matrix products to one thread, opened by several threads at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from core.blas_thread_limit import (
    _list_blas_libraries,
    _set_thread_counts,
    limit_blas_to_one_thread,
)


def read_blas_thread_count() -> int:
    counts = [
        library["num_threads"]
        for library in ThreadpoolController().info()
        if library["user_api"] == "blas" and Path(library["filepath"]).parent.name != "scipy.libs"
    ]
    return max(counts)


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    counts = [library.get_num_threads() for library in _list_blas_libraries()]
    _set_thread_counts([2] * len(counts))
    yield
    _set_thread_counts(counts)


def test_nested_contexts_keep_the_limit_until_the_outer_one_ends() -> None:
    with limit_blas_to_one_thread():
        with limit_blas_to_one_thread():
            assert read_blas_thread_count() == 1
        assert read_blas_thread_count() == 1
    assert read_blas_thread_count() == 2


def test_contexts_that_overlap_in_two_threads_restore_the_number() -> None:
    is_open, may_close = threading.Event(), threading.Event()

    def hold_limit() -> None:
        with limit_blas_to_one_thread():
            is_open.set()
            may_close.wait(10)

    with limit_blas_to_one_thread():
        thread = threading.Thread(target=hold_limit)
        thread.start()
        assert is_open.wait(10)
    assert read_blas_thread_count() == 1, "the other thread is in its context"
    may_close.set()
    thread.join()
    assert read_blas_thread_count() == 2


def test_error_in_context_restores_the_number() -> None:
    with pytest.raises(np.linalg.LinAlgError), limit_blas_to_one_thread():
        np.linalg.inv(np.zeros((2, 2)))
    assert read_blas_thread_count() == 2
