"""Batches are collected in a thread while the caller works, up to a size, and in order."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from contextvars import ContextVar
from threading import Event
from typing import Any

import pytest

from core.errors import EarshotError
from core.pipeline.executors.background_batch_collection import collect_batches_in_background

WAIT_S = 30.0


class BatchSource:
    """Makes batches of sizes, records how many were made, and waits after the last if asked to."""

    def __init__(self, batches: list[list[int]], *, error: Exception | None = None):
        self.batches = batches
        self.error = error
        self.made_count = 0
        self.has_more = Event()
        self.is_stopped = Event()
        self.is_closed = Event()

    def make_batches(self) -> Iterator[list[int]]:
        try:
            for batch in self.batches:
                self.made_count += 1
                yield batch
            if self.error is not None:
                raise self.error
            while not self.has_more.is_set() and not self.is_stopped.is_set():
                time.sleep(0.001)
        finally:
            self.is_closed.set()

    def collect(self, max_bytes: int = 100) -> AbstractContextManager[Iterator[list[int]]]:
        """Collect the batches; an item is as large as it says."""
        return collect_batches_in_background(
            self.make_batches(), self.is_stopped.set, lambda item: item, max_bytes
        )

    def wait_until_made(self, count: int) -> None:
        deadline = time.monotonic() + WAIT_S
        while self.made_count < count:
            assert time.monotonic() < deadline, "too few batches were made"
            time.sleep(0.001)


def test_batches_that_arrive_while_the_caller_works_are_taken_together():
    source = BatchSource([[1], [2, 3], [4], [5]])
    with source.collect() as batches:
        first = next(batches)
        source.wait_until_made(4)  # The caller takes none of them meanwhile.
        source.has_more.set()
        rest = list(batches)
    assert first + [item for batch in rest for item in batch] == [1, 2, 3, 4, 5]
    assert len(rest) <= 2  # The thread may be between making the last batch and adding it.
    assert source.is_closed.is_set()


def test_no_more_is_collected_than_the_limit_and_a_batch():
    source = BatchSource([[60], [60], [60], [60]])
    with source.collect(max_bytes=100) as batches:
        source.wait_until_made(2)
        time.sleep(0.05)
        assert source.made_count == 2  # The first waits for the caller, the second for room.
        assert next(batches) == [60]
        source.has_more.set()
        assert list(batches) == [[60]] * 3
    large = BatchSource([[1_000], [1_000]])
    large.has_more.set()
    with large.collect(max_bytes=100) as batches:
        assert list(batches) == [[1_000]] * 2


def test_an_error_follows_the_items_before_it():
    source = BatchSource([[1], [2]], error=EarshotError("no worker"))
    taken: list[int] = []
    with pytest.raises(EarshotError, match="no worker"), source.collect() as batches:
        for batch in batches:
            taken += batch
    assert taken == [1, 2] and source.is_closed.is_set()


@pytest.mark.parametrize("max_bytes", [1, 100])
def test_leaving_the_block_ends_the_source(max_bytes):
    # With the small limit the thread waits for room then, with the large one for more batches.
    source = BatchSource([[1], [2], [3]])
    with pytest.raises(KeyboardInterrupt), source.collect(max_bytes) as batches:
        assert next(batches)[0] == 1
        raise KeyboardInterrupt
    assert source.is_closed.is_set()


def test_the_source_sees_the_callers_context():
    setting: ContextVar[str] = ContextVar("setting", default="")

    def make_batches() -> Iterator[list[Any]]:
        yield [setting.get()]

    token = setting.set("chosen")
    with collect_batches_in_background(make_batches(), lambda: None, len, 10) as batches:
        assert list(batches) == [["chosen"]]
    setting.reset(token)
