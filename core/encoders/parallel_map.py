"""Compute items in parallel, each on a single thread.

Which kernel torch, oneDNN or MKL selects for a product, and how it splits the sum, depends on the
shapes and on the number of threads. So do the last bits of the result, and with AMX the third
decimal. A vector is therefore computed from shapes that follow from its item alone, on exactly one
thread. All cores are busy nevertheless, because other threads compute other items.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")

_thread_count_lock = threading.Lock()


def map_in_parallel(
    function: Callable[[Item], Result], items: Iterable[Item], device: str = "cpu"
) -> Iterator[Result]:
    """Yield `function(item)` for each item, in order.

    Parameters
    ----------
    function : callable
        Runs in threads in which torch computes with one thread.
    items : iterable
        Read by the caller's thread, at most as far ahead as there are threads.
    device : {"cpu", "cuda"}
        On a CPU, as many items are computed at a time as torch has threads; on a GPU, one.
    """
    thread_count = torch.get_num_threads() if device == "cpu" else 1
    remaining_items = iter(items)
    pending: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(
        thread_count, "embedding", initializer=_limit_torch_to_one_thread
    ) as pool:
        pending.extend(
            pool.submit(function, item) for item in islice(remaining_items, thread_count)
        )
        while pending:
            result = pending.popleft().result()
            pending.extend(pool.submit(function, item) for item in islice(remaining_items, 1))
            yield result


def _limit_torch_to_one_thread() -> None:
    """Let torch compute with one thread in this thread, without changing other threads."""
    with _thread_count_lock:
        default_count = torch.get_num_threads()
        torch.set_num_threads(1)
        # torch also makes this number the default of threads that start later. Only another thread
        # can restore that default without changing this thread.
        restoring_thread = threading.Thread(target=torch.set_num_threads, args=(default_count,))
        restoring_thread.start()
        restoring_thread.join()
