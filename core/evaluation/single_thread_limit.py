"""Limit computation to one thread, for speed on small arrays and equal results everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits


@contextmanager
def limit_to_one_thread() -> Iterator[None]:
    """Compute with one thread, which is faster on hundreds of rows.

    More threads wait for each other: on two busy cores they took 25 times as long. The order of
    summation, and so the last digits of a result, also depend on the number of threads.
    """
    thread_count = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        with threadpool_limits(limits=1):
            yield
    finally:
        torch.set_num_threads(thread_count)
