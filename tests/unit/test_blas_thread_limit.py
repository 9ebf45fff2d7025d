"""The limit of numpy's matrix products to one thread, opened by several threads at once."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from core.alignment.residual_whitening import fit_residual_whitening
from core.alignment.sound_property_regression_with_intervals import fit_forecast_model
from core.blas_thread_limit import (
    _list_blas_libraries,
    _set_thread_counts,
    limit_blas_to_one_thread,
)
from core.search.shared_space_regression_from_simulation import fit_simulation_regression


def read_blas_thread_count() -> int:
    counts = [
        library["num_threads"]
        for library in ThreadpoolController().info()
        if library["user_api"] == "blas"
    ]
    return max(counts)


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    libraries = _list_blas_libraries()
    counts_before = [(library, library.get_num_threads()) for library in libraries]
    _set_thread_counts([(library, 2) for library in libraries])
    yield
    _set_thread_counts(counts_before)


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


def test_the_limit_holds_where_another_thread_has_set_a_number_before() -> None:
    is_set, may_end = threading.Event(), threading.Event()

    def set_number_and_go_on() -> None:
        for library in _list_blas_libraries():
            library.set_num_threads(2)
        is_set.set()
        may_end.wait(10)

    thread = threading.Thread(target=set_number_and_go_on)
    thread.start()
    assert is_set.wait(10)
    with limit_blas_to_one_thread():
        assert read_blas_thread_count() == 1
    assert read_blas_thread_count() == 2
    may_end.set()
    thread.join()


def test_error_in_context_restores_the_number() -> None:
    with pytest.raises(np.linalg.LinAlgError), limit_blas_to_one_thread():
        np.linalg.inv(np.zeros((2, 2)))
    assert read_blas_thread_count() == 2


FEATURES = np.random.default_rng(0).normal(size=(200, 30))
GROUPS = [str(row % 5) for row in range(len(FEATURES))]


@pytest.mark.parametrize(
    "fit",
    [
        lambda: fit_simulation_regression(FEATURES, FEATURES[:, :8]),
        lambda: fit_residual_whitening(FEATURES, FEATURES[::-1]),
        lambda: fit_forecast_model(FEATURES, FEATURES[:, :2], GROUPS),
    ],
    ids=["simulation", "whitening", "forecast"],
)
def test_fits_that_overlap_in_two_threads_leave_the_number_as_it_was(
    fit: Callable[[], object],
) -> None:
    start = threading.Barrier(2)

    def fit_repeatedly() -> None:
        start.wait(10)
        for _ in range(6):
            fit()

    threads = [threading.Thread(target=fit_repeatedly) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read_blas_thread_count() == 2


def test_a_library_that_is_loaded_in_an_open_context_is_limited_by_the_next_one() -> None:
    program = """
import numpy
from core.blas_thread_limit import (
    _list_blas_libraries, _set_thread_counts, limit_blas_to_one_thread
)
def count():
    return [library.get_num_threads() for library in _list_blas_libraries()]
_set_thread_counts([(library, 2) for library in _list_blas_libraries()])
with limit_blas_to_one_thread():
    import scipy.linalg
    _set_thread_counts([(i, 2) for i in _list_blas_libraries() if "scipy.libs" in i.filepath])
    with limit_blas_to_one_thread():
        print(count())
print(count())
"""
    process = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert process.stdout.split("\n")[:2] == ["[1, 1]", "[2, 2]"]
