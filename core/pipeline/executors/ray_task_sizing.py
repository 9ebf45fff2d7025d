"""Groups of programs that one task of a Ray cluster holds.

A task costs the driver about a millisecond, however little it holds. Tasks therefore hold as many
programs as a worker renders in a second, and fewer at the end, so that no worker is left with
work while others have none.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from core.pipeline.executors.executor_interface import ClipSettings, ProgramResult
from core.pipeline.executors.ray_worker_pool import MAX_TASKS_PER_WORKER, WorkerTask
from core.sonicpi import compute_render_id

TARGET_TASK_S = 1.0
MAX_PROGRAMS_PER_TASK = 64
MAX_RESULT_BYTES = 4 << 20
NEW_SAMPLE_WEIGHT = 0.2  # of the newest result in the running means

ProgramWithKey = tuple[str, str]
"""Render id and source."""


class ProgramTaskSource:
    """Makes tasks of programs, one at a time, each as large as recent results suggest.

    Parameters
    ----------
    sources : iterable of str
        Read no further ahead than the next tasks of all workers.
    settings : ClipSettings
    count_workers : callable
        Returns the number of workers now.
    """

    def __init__(
        self, sources: Iterable[str], settings: ClipSettings, count_workers: Callable[[], int]
    ):
        self._sources = iter(sources)
        self._settings = settings
        self._count_workers = count_workers
        self._next_sources: deque[str] = deque()
        self._next_index = 0
        self._program_s: float | None = None
        self._program_bytes = 0.0

    def __iter__(self) -> Iterator[WorkerTask]:
        while True:
            size = self._choose_task_size()
            if size == 0:
                return
            sources = [self._next_sources.popleft() for _ in range(size)]
            yield make_program_task(self._next_index, self._add_keys(sources), self._settings)
            self._next_index += size

    def record_task_result(self, seconds: float, results: list[ProgramResult]) -> None:
        """Take a result into account when the next tasks are made.

        Parameters
        ----------
        seconds : float
            Time of the worker for the task.
        results : list of ProgramResult
            At least one.
        """
        program_s = seconds / len(results)
        program_bytes = measure_result_bytes(results) / len(results)
        if self._program_s is None:
            self._program_s, self._program_bytes = program_s, program_bytes
            return
        self._program_s += NEW_SAMPLE_WEIGHT * (program_s - self._program_s)
        self._program_bytes += NEW_SAMPLE_WEIGHT * (program_bytes - self._program_bytes)

    def _choose_task_size(self) -> int:
        """Return the number of programs of the next task; 0 if there are none left."""
        size = 1
        if self._program_s is not None:
            by_time = int(TARGET_TASK_S / max(self._program_s, 1e-6))
            by_bytes = int(MAX_RESULT_BYTES / max(self._program_bytes, 1.0))
            size = max(1, min(by_time, by_bytes, MAX_PROGRAMS_PER_TASK))
        place_count = MAX_TASKS_PER_WORKER * max(1, self._count_workers())
        missing = size * place_count - len(self._next_sources)
        self._next_sources.extend(islice(self._sources, max(0, missing)))
        # The remaining programs are shared evenly once there are fewer than everybody could take.
        fair_share = -(-len(self._next_sources) // place_count)
        return min(size, fair_share)

    def _add_keys(self, sources: list[str]) -> tuple[ProgramWithKey, ...]:
        seconds, sonic_pi = self._settings.seconds, self._settings.sonic_pi
        return tuple(
            (compute_render_id(source, seconds, sonic_pi=sonic_pi), source) for source in sources
        )


def make_program_task(
    index: int, programs: tuple[ProgramWithKey, ...], settings: ClipSettings
) -> WorkerTask:
    """Return the task that builds the clips of some programs.

    Parameters
    ----------
    index : int
        Position of the first program; the others follow it.
    programs : tuple of (str, str)
        Render id and source of each.
    settings : ClipSettings
    """
    key = hashlib.sha256("".join(render_id for render_id, _ in programs).encode()).hexdigest()

    def split() -> list[WorkerTask]:
        return [
            make_program_task(index + place, (program,), settings)
            for place, program in enumerate(programs)
        ]

    return WorkerTask(
        index,
        key,
        "render_programs_and_embed_clips",
        (programs, settings),
        program_count=len(programs),
        split=split if len(programs) > 1 else None,
    )


def measure_result_bytes(results: list[ProgramResult]) -> int:
    """Return the size of the clips among some results."""
    return sum(len(result.render.content) for result in results)
