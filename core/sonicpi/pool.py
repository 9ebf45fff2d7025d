"""A pool of workers that uses all cores, and replaces a worker that died."""

from __future__ import annotations

import os
import queue
import threading
from pathlib import Path
from typing import Iterable, Iterator

from core.errors import EarshotError
from core.sonicpi.clip import SAMPLE_RATE, RenderProblem, RenderResult
from core.sonicpi.limits import MAX_SOURCE_BYTES, RenderLimits
from core.sonicpi.worker import HostProcessError, RenderWorker

MAX_RENDER_ATTEMPTS = 2


def render_many(
    sources: Iterable[str],
    seconds: float = 18.0,
    workers: int | None = None,
    *,
    sample_rate: int = SAMPLE_RATE,
    limits: RenderLimits = RenderLimits(),
    sample_folders: tuple[Path, ...] = (),
) -> Iterator[tuple[int, RenderResult]]:
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
    pool = _WorkerPool(iter(enumerate(sources)), seconds, sample_rate, limits, sample_folders)
    try:
        yield from pool.render_all(count)
    finally:
        pool.stop_workers()


class _WorkerPool:
    """Threads that each talk with one worker and put what comes into one queue."""

    def __init__(self, sources, seconds, sample_rate, limits, sample_folders):
        self.sources = sources
        self.seconds = seconds
        self.sample_rate = sample_rate
        self.limits = limits
        self.sample_folders = sample_folders
        self.source_lock = threading.Lock()
        self.stop_event = threading.Event()
        # Bounded, so that a slow consumer does not let clips pile up in memory.
        self.result_queue: queue.Queue = queue.Queue(maxsize=8)
        self.threads: list[threading.Thread] = []
        self.workers: set[RenderWorker] = set()

    def render_all(self, worker_count: int) -> Iterator[tuple[int, RenderResult]]:
        # The first is begun here, so that a missing part is told at once.
        first = self._start_worker()
        for worker in [first] + [None] * (worker_count - 1):
            thread = threading.Thread(target=self._run_worker_thread, args=(worker,), daemon=True)
            self.threads.append(thread)
            thread.start()
        running = worker_count
        while running:
            item = self.result_queue.get()
            if item is None:
                running -= 1
            elif isinstance(item, BaseException):
                raise item
            else:
                yield item

    def stop_workers(self) -> None:
        self.stop_event.set()
        for worker in list(self.workers):
            worker.close()
        while any(thread.is_alive() for thread in self.threads):
            try:
                self.result_queue.get(timeout=0.05)
            except queue.Empty:
                pass

    def _start_worker(self) -> RenderWorker:
        for attempt in range(MAX_RENDER_ATTEMPTS):
            try:
                worker = RenderWorker(self.limits, self.sample_folders)
            except HostProcessError as gone:  # Killed before it was ready: that says nothing yet.
                if attempt == MAX_RENDER_ATTEMPTS - 1:
                    raise EarshotError(
                        f"The renderer ended {MAX_RENDER_ATTEMPTS} times while it started ({gone}).",
                        remedy="./run doctor says whether it is whole; then start it again.",
                    ) from gone
                continue
            self.workers.add(worker)
            return worker
        raise AssertionError("unreachable")

    def _run_worker_thread(self, worker: RenderWorker | None) -> None:
        try:
            while not self.stop_event.is_set():
                with self.source_lock:
                    taken = next(self.sources, None)
                if taken is None:
                    break
                index, source = taken
                rendering, worker = self._render_with_retry(worker, source)
                self.result_queue.put((index, rendering))
        except BaseException as error:  # noqa: BLE001 - told to the caller's thread
            if not self.stop_event.is_set():
                self.result_queue.put(error)
        finally:
            self._discard_worker(worker)
            self.result_queue.put(None)

    def _render_with_retry(self, worker: RenderWorker | None, source: str) -> tuple[RenderResult, RenderWorker | None]:
        """Render, trying once more with a new worker when the old one died."""
        if (problem := validate_source(source)) is not None:
            return RenderResult(None, problem), worker
        for _ in range(MAX_RENDER_ATTEMPTS):
            worker = worker or self._start_worker()
            try:
                return worker.render(source, self.seconds, self.sample_rate), worker
            except HostProcessError as gone:
                if self.stop_event.is_set():
                    raise
                problem = describe_worker_crash(gone)
                self._discard_worker(worker)
                worker = None
        return RenderResult(None, problem), None

    def _discard_worker(self, worker: RenderWorker | None) -> None:
        if worker is not None:
            self.workers.discard(worker)
            worker.close()


def describe_worker_crash(error: HostProcessError) -> RenderProblem:
    """Return the error of a program that killed its host each time it was tried."""
    return RenderProblem("crashed", f"The program brought the renderer down twice ({error}).")


def validate_source(source: str) -> RenderProblem | None:
    """Return why a source cannot be a program at all, or None."""
    if not source.strip():
        return RenderProblem("silent", "The program is empty.")
    try:
        encoded = source.encode("utf-8")
    except UnicodeEncodeError as error:
        line = source.count("\n", 0, error.start) + 1
        return RenderProblem("syntax", "The program is not valid UTF-8 text.", line)
    if len(encoded) > MAX_SOURCE_BYTES:
        size = len(encoded) / (1 << 20)
        return RenderProblem("forbidden", f"The program is {size:.1f} MiB long; 1 MiB is the most.")
    if "\0" in source:
        line = source.count("\n", 0, source.index("\0")) + 1
        return RenderProblem("syntax", "The program holds a NUL character.", line)
    return None
