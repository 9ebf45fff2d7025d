"""Compute items side by side, each of them on one thread.

Which kernel torch, oneDNN or MKL picks for a product, and how it splits the sum, depends on the
shapes and on the number of threads; so do the last bits of the result, and on AMX the third
decimal. A vector is therefore computed from shapes that follow from its item alone, and on exactly
one thread. All cores are used nevertheless: other threads compute other items meanwhile.
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

_setting_threads = threading.Lock()


def map_items(
    function: Callable[[Item], Result], items: Iterable[Item], device: str = "cpu"
) -> Iterator[Result]:
    """Yield `function(item)` of each item, in order.

    Parameters
    ----------
    function : callable
        Runs on threads on which torch computes with one thread.
    items : iterable
        Read by the caller's thread, no further ahead than there are threads.
    device : {"cpu", "cuda"}
        On a CPU as many items are computed at a time as torch has threads. A GPU
        computes one after the other.
    """
    workers = torch.get_num_threads() if device == "cpu" else 1
    remaining = iter(items)
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers, "embedding", initializer=_use_one_thread) as pool:
        waiting.extend(pool.submit(function, item) for item in islice(remaining, workers))
        while waiting:
            result = waiting.popleft().result()
            waiting.extend(pool.submit(function, item) for item in islice(remaining, 1))
            yield result


def _use_one_thread() -> None:
    """Let torch compute with one thread in this thread, and leave the others as they are."""
    with _setting_threads:
        default = torch.get_num_threads()
        torch.set_num_threads(1)
        # torch takes the number as the default of later threads, too. Only another thread can
        # set that back without changing this one.
        restoring = threading.Thread(target=torch.set_num_threads, args=(default,))
        restoring.start()
        restoring.join()
