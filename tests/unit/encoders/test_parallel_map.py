"""`map_in_parallel`: results in order, one thread per item, and no effect on other threads."""

import threading

import pytest
import torch

from core.encoders.parallel_map import map_in_parallel


@pytest.fixture(params=[1, 2, 3])
def thread_count(request):
    default_count = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(default_count)


def test_results_are_in_order_and_computed_with_one_thread_each(thread_count):
    results = list(map_in_parallel(lambda item: (item, torch.get_num_threads()), range(20)))
    assert results == [(item, 1) for item in range(20)]
    assert list(map_in_parallel(str, [])) == []


def test_other_threads_keep_their_thread_count(thread_count):
    list(map_in_parallel(str, range(5)))
    counts = []
    thread = threading.Thread(target=lambda: counts.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert torch.get_num_threads() == thread_count and counts == [thread_count]


def test_as_many_items_are_computed_at_a_time_as_there_are_threads(thread_count):
    barrier = threading.Barrier(thread_count)
    list(map_in_parallel(lambda item: barrier.wait(timeout=30), range(thread_count * 3)))


def test_items_are_read_at_most_one_per_thread_ahead(thread_count):
    items_read = []
    results = map_in_parallel(str, (items_read.append(item) or item for item in range(50)))
    next(results)
    assert len(items_read) == thread_count + 1
    results.close()
    assert len(items_read) == thread_count + 1


def test_an_error_reaches_the_caller():
    results = map_in_parallel(lambda item: 1 // item, [1, 0, 1])
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        list(results)
