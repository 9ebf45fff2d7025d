"""A pool of render workers: one per core, each replaced when it dies."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from core.errors import EarshotError
from core.sonicpi.audio_clip_and_render_result import SAMPLE_RATE, RenderProblem, RenderResult
from core.sonicpi.message_framed_process import FramedProcessError
from core.sonicpi.render_limits import DEFAULT_LIMITS, MAX_SOURCE_BYTES, RenderLimits
from core.sonicpi.render_worker import RenderWorker
from core.sonicpi.renderer_versions_and_render_id import DEFAULT_SONIC_PI, validate_sonic_pi_choice

MAX_RENDER_ATTEMPTS = 2
MAX_QUEUED_RESULTS = 8


def render_programs_in_parallel(
    sources: Iterable[str],
    seconds: float = 18.0,
    workers: int | None = None,
    *,
    sample_rate: int = SAMPLE_RATE,
    limits: RenderLimits = DEFAULT_LIMITS,
    sample_folders: tuple[Path, ...] = (),
    sonic_pi: str = DEFAULT_SONIC_PI,
) -> Iterator[tuple[int, RenderResult]]:
    """Render programs in parallel; a failing program does not stop the others.

    Parameters
    ----------
    sources : iterable of str
        Programs. They are read only as fast as they are rendered.
    seconds : float
        Length of each clip.
    workers : int, optional
        Number of processes; None: one per core.
    sample_rate : int
        In Hz.
    limits : RenderLimits
        Limits of each program.
    sample_folders : tuple of Path
        Folders of samples that programs may read.
    sonic_pi : {"3.2", "5"}
        Version of Sonic Pi whose sound the clips have.

    Yields
    ------
    index : int
        Index of the program in `sources`. Results come in order of completion.
    result : RenderResult
        The clip of the program, or its error.

    Raises
    ------
    EarshotError
        When Sonic Pi, scsynth or the sandbox is missing.

    Notes
    -----
    Closing the generator ends the workers.

    Examples
    --------
    >>> from core.sonicpi import render_programs_in_parallel
    >>> sources = ["play 60", "play nil.foo"]
    >>> results = dict(render_programs_in_parallel(sources, seconds=1, workers=1))
    >>> results[0].has_clip, results[1].error.kind
    (True, 'runtime')
    """
    validate_sonic_pi_choice(sonic_pi)
    worker_count = workers or len(os.sched_getaffinity(0))
    settings = _RenderSettings(seconds, sample_rate, limits, sample_folders, sonic_pi)
    pool = _WorkerPool(iter(enumerate(sources)), settings)
    try:
        yield from pool.render_all_programs(worker_count)
    finally:
        pool.stop_render_workers()


@dataclass(frozen=True)
class _RenderSettings:
    """The parameters of `render_programs_in_parallel` that are the same for every program."""

    seconds: float
    sample_rate: int
    limits: RenderLimits
    sample_folders: tuple[Path, ...]
    sonic_pi: str


class _WorkerPool:
    """Threads that each use one worker, and put all results into one queue."""

    def __init__(self, sources: Iterator[tuple[int, str]], settings: _RenderSettings):
        self.sources = sources
        self.settings = settings
        self.source_lock = threading.Lock()
        self.stop_event = threading.Event()
        # Holds results, errors, and None for each thread that ended. It is bounded, because a slow
        # consumer must not let clips pile up in memory.
        self.result_queue: queue.Queue[tuple[int, RenderResult] | BaseException | None] = (
            queue.Queue(maxsize=MAX_QUEUED_RESULTS)
        )
        self.threads: list[threading.Thread] = []
        self.workers: set[RenderWorker] = set()

    def render_all_programs(self, worker_count: int) -> Iterator[tuple[int, RenderResult]]:
        """Render all programs; yield (index, result) in order of completion."""
        # The first worker starts in this thread, so that a missing installation raises at once.
        first_worker = self._start_render_worker()
        for worker in [first_worker] + [None] * (worker_count - 1):
            thread = threading.Thread(target=self._run_worker_thread, args=(worker,), daemon=True)
            self.threads.append(thread)
            thread.start()
        running_count = worker_count
        while running_count:
            item = self.result_queue.get()
            if item is None:
                running_count -= 1
            elif isinstance(item, BaseException):
                raise item
            else:
                yield item

    def stop_render_workers(self) -> None:
        """End all workers, and wait for the threads that use them."""
        self.stop_event.set()
        for worker in list(self.workers):
            worker.close()
        while any(thread.is_alive() for thread in self.threads):
            try:
                self.result_queue.get(timeout=0.05)
            except queue.Empty:
                pass

    def _start_render_worker(self) -> RenderWorker:
        for attempt in range(MAX_RENDER_ATTEMPTS):
            try:
                worker = RenderWorker(self.settings.limits, self.settings.sample_folders)
            except FramedProcessError as error:
                # A host that was killed while it started may start the next time.
                if attempt == MAX_RENDER_ATTEMPTS - 1:
                    raise EarshotError(
                        f"The renderer ended {MAX_RENDER_ATTEMPTS} times while it started"
                        f" ({error}).",
                        remedy="Check the installation with ./run doctor, then try again.",
                    ) from error
                continue
            self.workers.add(worker)
            return worker
        raise AssertionError("unreachable")

    def _run_worker_thread(self, worker: RenderWorker | None) -> None:
        try:
            while not self.stop_event.is_set():
                with self.source_lock:
                    next_source = next(self.sources, None)
                if next_source is None:
                    break
                index, source = next_source
                result, worker = self._render_with_retry(worker, source)
                self.result_queue.put((index, result))
        except BaseException as error:  # `render_all_programs` raises it in the caller's thread.
            if not self.stop_event.is_set():
                self.result_queue.put(error)
        finally:
            self._discard_render_worker(worker)
            self.result_queue.put(None)

    def _render_with_retry(
        self, worker: RenderWorker | None, source: str
    ) -> tuple[RenderResult, RenderWorker | None]:
        """Render a program, and try again with a new worker when the worker dies."""
        if (problem := find_source_code_problem(source)) is not None:
            return RenderResult(None, problem), worker
        for _ in range(MAX_RENDER_ATTEMPTS):
            worker = worker or self._start_render_worker()
            try:
                settings = self.settings
                result = worker.render(
                    source, settings.seconds, settings.sample_rate, settings.sonic_pi
                )
                return result, worker
            except FramedProcessError as error:
                if self.stop_event.is_set():
                    raise
                problem = build_worker_crash_problem(error)
                self._discard_render_worker(worker)
                worker = None
        return RenderResult(None, problem), None

    def _discard_render_worker(self, worker: RenderWorker | None) -> None:
        if worker is not None:
            self.workers.discard(worker)
            worker.close()


def build_worker_crash_problem(error: FramedProcessError) -> RenderProblem:
    """Return the error of a program that ended its worker at every attempt."""
    return RenderProblem("crashed", f"The program crashed the renderer twice ({error}).")


def find_source_code_problem(source: str) -> RenderProblem | None:
    """Return why a source cannot be rendered; None for a valid source."""
    if not source.strip():
        return RenderProblem("silent", "The program is empty.")
    try:
        encoded = source.encode("utf-8")
    except UnicodeEncodeError as error:
        line = source.count("\n", 0, error.start) + 1
        return RenderProblem("syntax", "The program is not valid UTF-8 text.", line)
    if len(encoded) > MAX_SOURCE_BYTES:
        size_mib = len(encoded) / (1 << 20)
        message = f"The program is {size_mib:.1f} MiB long; the maximum is 1 MiB."
        return RenderProblem("forbidden", message)
    if "\0" in source:
        line = source.count("\n", 0, source.index("\0")) + 1
        return RenderProblem("syntax", "The program contains a NUL character.", line)
    return None
