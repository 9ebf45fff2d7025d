"""Items side by side: in order, each on one thread, and nothing else changed."""

import threading

import pytest
import torch

from core.encoders.parallel import map_items


@pytest.fixture(params=[1, 2, 3])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_results_come_in_order_and_each_from_one_thread(threads):
    results = list(map_items(lambda item: (item, torch.get_num_threads()), range(20)))
    assert results == [(item, 1) for item in range(20)]
    assert list(map_items(str, [])) == []


def test_other_threads_keep_theirs(threads):
    list(map_items(str, range(5)))
    later = []
    thread = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert torch.get_num_threads() == threads and later == [threads]


def test_as_many_items_are_computed_at_a_time_as_there_are_threads(threads):
    together = threading.Barrier(threads)
    list(map_items(lambda item: together.wait(timeout=30), range(threads * 3)))


def test_items_are_read_no_further_ahead_than_there_are_threads(threads):
    read = []
    results = map_items(str, (read.append(item) or item for item in range(50)))
    next(results)
    assert len(read) == threads + 1
    results.close()
    assert len(read) == threads + 1


def test_an_error_reaches_the_caller():
    results = map_items(lambda item: 1 // item, [1, 0, 1])
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        list(results)
