"""A pool of workers that uses all cores, and replaces a worker that died."""

from __future__ import annotations

import os
import queue
import threading
from pathlib import Path
from typing import Iterable, Iterator

from core.errors import EarshotError
from core.sonicpi.clip import SAMPLE_RATE, Problem, Rendering
from core.sonicpi.limits import MOST_SOURCE_BYTES, Limits
from core.sonicpi.worker import HostGone, Worker

TRIES = 2


def render_many(
    sources: Iterable[str],
    seconds: float = 18.0,
    workers: int | None = None,
    *,
    sample_rate: int = SAMPLE_RATE,
    limits: Limits = Limits(),
    sample_folders: tuple[Path, ...] = (),
) -> Iterator[tuple[int, Rendering]]:
    """Render programs side by side; a failing one does not stop the others.

    Parameters
    ----------
    sources : iterable of str
        Programs. Read only as fast as they are rendered.
    seconds : float
        Length of each clip.
    workers : int, optional
        Processes; one a core by default.
    sample_rate : int
        In Hz.
    limits : Limits
        Of each program.
    sample_folders : tuple of Path
        Folders of sounds that programs may read.

    Yields
    ------
    index : int
        Place of the program in `sources`. The order is that of completion.
    rendering : Rendering
        Its clip, or its error.

    Raises
    ------
    EarshotError
        When Sonic Pi, scsynth or the sandbox is missing.

    Notes
    -----
    Closing the generator ends the workers.
    """
    count = workers or len(os.sched_getaffinity(0))
    pool = _Pool(iter(enumerate(sources)), seconds, sample_rate, limits, sample_folders)
    try:
        yield from pool.run(count)
    finally:
        pool.stop()


class _Pool:
    """Threads that each talk with one worker and put what comes into one queue."""

    def __init__(self, sources, seconds, sample_rate, limits, sample_folders):
        self.sources = sources
        self.seconds = seconds
        self.sample_rate = sample_rate
        self.limits = limits
        self.sample_folders = sample_folders
        self.taking = threading.Lock()
        self.stopping = threading.Event()
        # Bounded, so that a slow consumer does not let clips pile up in memory.
        self.done: queue.Queue = queue.Queue(maxsize=8)
        self.threads: list[threading.Thread] = []
        self.workers: set[Worker] = set()

    def run(self, count: int) -> Iterator[tuple[int, Rendering]]:
        # The first is begun here, so that a missing part is told at once.
        first = self._worker()
        for worker in [first] + [None] * (count - 1):
            thread = threading.Thread(target=self._serve, args=(worker,), daemon=True)
            self.threads.append(thread)
            thread.start()
        running = count
        while running:
            item = self.done.get()
            if item is None:
                running -= 1
            elif isinstance(item, BaseException):
                raise item
            else:
                yield item

    def stop(self) -> None:
        self.stopping.set()
        for worker in list(self.workers):
            worker.close()
        while any(thread.is_alive() for thread in self.threads):
            try:
                self.done.get(timeout=0.05)
            except queue.Empty:
                pass

    def _worker(self) -> Worker:
        for attempt in range(TRIES):
            try:
                worker = Worker(self.limits, self.sample_folders)
            except HostGone as gone:  # Killed before it was ready: that says nothing yet.
                if attempt == TRIES - 1:
                    raise EarshotError(
                        f"The renderer ended {TRIES} times while it started ({gone}).",
                        remedy="./run doctor says whether it is whole; then start it again.",
                    ) from gone
                continue
            self.workers.add(worker)
            return worker
        raise AssertionError("unreachable")

    def _serve(self, worker: Worker | None) -> None:
        try:
            while not self.stopping.is_set():
                with self.taking:
                    taken = next(self.sources, None)
                if taken is None:
                    break
                index, source = taken
                rendering, worker = self._render(worker, source)
                self.done.put((index, rendering))
        except BaseException as error:  # noqa: BLE001 - told to the caller's thread
            if not self.stopping.is_set():
                self.done.put(error)
        finally:
            self._drop(worker)
            self.done.put(None)

    def _render(self, worker: Worker | None, source: str) -> tuple[Rendering, Worker | None]:
        """Render, trying once more with a new worker when the old one died."""
        if (problem := unfit(source)) is not None:
            return Rendering(None, problem), worker
        for _ in range(TRIES):
            worker = worker or self._worker()
            try:
                return worker.render(source, self.seconds, self.sample_rate), worker
            except HostGone as gone:
                if self.stopping.is_set():
                    raise
                problem = brought_down(gone)
                self._drop(worker)
                worker = None
        return Rendering(None, problem), None

    def _drop(self, worker: Worker | None) -> None:
        if worker is not None:
            self.workers.discard(worker)
            worker.close()


def brought_down(gone: HostGone) -> Problem:
    """Return the error of a program that killed its host each time it was tried."""
    return Problem("crashed", f"The program brought the renderer down twice ({gone}).")


def unfit(source: str) -> Problem | None:
    """Return why a source cannot be a program at all, or None."""
    if not source.strip():
        return Problem("silent", "The program is empty.")
    try:
        encoded = source.encode("utf-8")
    except UnicodeEncodeError as error:
        line = source.count("\n", 0, error.start) + 1
        return Problem("syntax", "The program is not valid UTF-8 text.", line)
    if len(encoded) > MOST_SOURCE_BYTES:
        size = len(encoded) / (1 << 20)
        return Problem("forbidden", f"The program is {size:.1f} MiB long; 1 MiB is the most.")
    if "\0" in source:
        line = source.count("\n", 0, source.index("\0")) + 1
        return Problem("syntax", "The program holds a NUL character.", line)
    return None
