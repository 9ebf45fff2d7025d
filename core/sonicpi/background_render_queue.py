"""A queue of programs that warm render workers render in the background."""

from __future__ import annotations

import atexit
import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor

from core.errors import EarshotError
from core.sonicpi.audio_clip_and_render_result import RenderProblem, RenderResult
from core.sonicpi.message_framed_process import FramedProcessError
from core.sonicpi.render_pool import (
    MAX_RENDER_ATTEMPTS,
    build_worker_crash_problem,
    find_source_code_problem,
)
from core.sonicpi.render_worker import RenderWorker
from core.sonicpi.renderer_versions_and_render_id import DEFAULT_SONIC_PI


class BackgroundRenderQueue:
    """Renders programs in the order in which they are submitted.

    Each thread keeps one render worker, so only the first programs wait for a worker to start.

    Parameters
    ----------
    worker_count : int, optional
        Default: one per core, at most 4.

    Examples
    --------
    >>> from core.sonicpi.background_render_queue import BackgroundRenderQueue
    >>> queue = BackgroundRenderQueue(worker_count=1)
    >>> queue.submit_program("play 60", seconds=1.0).result().has_clip
    True
    >>> queue.close()
    """

    def __init__(self, worker_count: int | None = None):
        self.worker_count = worker_count or min(4, len(os.sched_getaffinity(0)))
        self._executor = ThreadPoolExecutor(self.worker_count, thread_name_prefix="render")
        self._own_worker = threading.local()
        self._workers: set[RenderWorker] = set()
        self._is_closed = False
        atexit.register(self.close)

    def start_render_workers(self) -> None:
        """Start the workers in the background, before the first program needs them."""
        everybody_started = threading.Barrier(self.worker_count)
        for _ in range(self.worker_count):
            self._executor.submit(self._start_worker_of_this_thread, everybody_started)

    def submit_program(
        self, source: str, seconds: float, sonic_pi: str = DEFAULT_SONIC_PI
    ) -> Future[RenderResult]:
        """Return the future result of rendering a program; it never raises for a bad program.

        Parameters
        ----------
        source, seconds, sonic_pi
            As in `core.sonicpi.render`.
        """
        return self._executor.submit(self._render_program, source, seconds, sonic_pi)

    def close(self) -> None:
        """Drop the waiting programs and end the workers."""
        self._is_closed = True
        self._executor.shutdown(wait=False, cancel_futures=True)
        for worker in list(self._workers):
            worker.close()
        self._workers.clear()
        atexit.unregister(self.close)

    def _start_worker_of_this_thread(self, everybody_started: threading.Barrier) -> None:
        try:
            self._get_worker_of_this_thread()
            # Keeps this thread from starting the workers of the others.
            everybody_started.wait(timeout=10)
        except (EarshotError, FramedProcessError, threading.BrokenBarrierError):
            pass  # The first program reports what is missing.

    def _get_worker_of_this_thread(self) -> RenderWorker:
        worker: RenderWorker | None = getattr(self._own_worker, "worker", None)
        if worker is None:
            worker = RenderWorker()
            self._own_worker.worker = worker
            self._workers.add(worker)
        return worker

    def _render_program(self, source: str, seconds: float, sonic_pi: str) -> RenderResult:
        if (problem := find_source_code_problem(source)) is not None:
            return RenderResult(None, problem)
        last_error: FramedProcessError | None = None
        for _ in range(MAX_RENDER_ATTEMPTS):
            try:
                return self._get_worker_of_this_thread().render(source, seconds, sonic_pi=sonic_pi)
            except EarshotError as error:  # Sonic Pi, scsynth or the sandbox is missing.
                message = " ".join(filter(None, (error.message, error.remedy)))
                return RenderResult(None, RenderProblem("crashed", message))
            except FramedProcessError as error:
                last_error = error
                self._discard_worker_of_this_thread()
            if self._is_closed:
                break
        assert last_error is not None
        return RenderResult(None, build_worker_crash_problem(last_error))

    def _discard_worker_of_this_thread(self) -> None:
        worker: RenderWorker | None = getattr(self._own_worker, "worker", None)
        if worker is not None:
            self._own_worker.worker = None
            self._workers.discard(worker)
            worker.close()
