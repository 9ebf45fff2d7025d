"""Collection of batches in a thread, so that the caller stores some while others arrive."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from threading import Condition, Thread
from typing import Generic, TypeVar

Item = TypeVar("Item")


@contextmanager
def collect_batches_in_background(
    batches: Iterator[list[Item]],
    stop: Callable[[], None],
    measure_bytes: Callable[[Item], int],
    max_bytes: int,
) -> Iterator[Iterator[list[Item]]]:
    """Iterate over batches in a thread while the block lasts.

    Parameters
    ----------
    batches : iterator of lists
        A generator. Only the thread uses it, and closes it at the end of the block.
    stop : callable
        Ends the iteration soon, even while the generator waits for its next batch.
    measure_bytes : callable
        Returns the size of an item.
    max_bytes : int
        The thread waits when those that the caller has not taken yet are larger. One batch is
        always accepted.

    Returns
    -------
    context manager of an iterator of lists
        All items, in the same order. A list holds everything that has arrived since the previous
        one. An exception of the generator is raised after the items before it.
    """
    collector = _BatchCollector(batches, measure_bytes, max_bytes)
    # A copy of the context, because the generator may depend on context variables.
    thread = Thread(target=copy_context().run, args=(collector.collect,), daemon=True)
    thread.start()
    try:
        yield collector.iterate_collected()
    finally:
        stop()
        collector.stop()
        thread.join()


class _BatchCollector(Generic[Item]):
    """A queue of items between a thread that collects them and a caller that takes them."""

    def __init__(
        self, batches: Iterator[list[Item]], measure_bytes: Callable[[Item], int], max_bytes: int
    ):
        self._batches = batches
        self._measure_bytes = measure_bytes
        self._max_bytes = max_bytes
        self._change = Condition()
        self._items: list[Item] = []
        self._bytes = 0
        self._error: BaseException | None = None
        self._is_finished = False
        self._is_stopped = False

    def collect(self) -> None:
        """Put all batches into the queue, in the collecting thread."""
        error: BaseException | None = None
        try:
            for batch in self._batches:
                if not self._put_batch(batch):
                    break
            # It is a generator; closing it ends what it started.
            self._batches.close()  # type: ignore[attr-defined] # typed as the iterator that users need
        except BaseException as raised:  # The caller raises it.
            error = raised
        with self._change:
            self._error, self._is_finished = error, True
            self._change.notify()

    def _put_batch(self, batch: list[Item]) -> bool:
        """Add a batch once there is room for it; return False if nobody wants more."""
        size = sum(map(self._measure_bytes, batch))
        with self._change:
            self._change.wait_for(
                lambda: self._is_stopped or not self._items or self._bytes + size <= self._max_bytes
            )
            self._items += batch
            self._bytes += size
            self._change.notify()
            return not self._is_stopped

    def iterate_collected(self) -> Iterator[list[Item]]:
        """Take what has arrived, again and again, until there is no more."""
        while True:
            with self._change:
                self._change.wait_for(lambda: self._items or self._is_finished)
                items, self._items, self._bytes = self._items, [], 0
                self._change.notify()
                error = self._error if self._is_finished else None
                is_last = self._is_finished
            if items:
                yield items
            # Nothing is added after the end, so what was taken was the rest.
            if error is not None:
                raise error
            if is_last:
                return

    def stop(self) -> None:
        """Let the collecting thread end."""
        with self._change:
            self._is_stopped = True
            self._change.notify()
