"""Benchmark: a Ray cluster on this machine against local processes, and the intake of one driver.

`--variants` is the number of programs of the comparison (64). Both executors render the same
programs of 4 s and embed their clips by log-mel. The time of a start is measured apart, because it
does not grow with the corpus. The intake is measured with workers that answer at once with one
recorded clip of a note, so that only the driver works: checking, writing and recording.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from itertools import cycle, islice
from typing import Any
from unittest import mock

from core import programs
from core.corpus import Corpus
from core.pipeline.executors import ClipSettings, Executor, LocalExecutor
from core.pipeline.executors.ray_executor import RayExecutor
from core.pipeline.executors.ray_worker import ProgramWorker
from core.pipeline.render_missing_clips import render_missing_clips
from core.programs import Program

SECONDS = 4.0
INTAKE_SECONDS = 1.0
INTAKE_COUNT = 8_000
ROUND_COUNT = 3
AUDIO_ENCODER = "log-mel"


class RecordedWorker(ProgramWorker):
    """A worker that answers at once with a recorded clip."""

    def build_clip(self, key: str, source: str, settings: ClipSettings) -> dict[str, Any]:
        """Return the recorded clip as that of the program."""
        if not hasattr(self, "_recorded"):
            self._recorded = super().build_clip(key, source, settings)
        return self._recorded | {"key": key}


def run(variants: int = 64) -> list[tuple[str, str]]:
    """Measure; return (measure, value) rows.

    Parameters
    ----------
    variants : int
        Number of programs of the comparison.
    """
    sources = [program.source for program in islice(_iterate_programs(), variants)]
    started = time.monotonic()
    with RayExecutor() as executor:
        _measure_build(executor, sources[:4])
        start_s = time.monotonic() - started
        _measure_build(LocalExecutor(), sources[:4])
        # In turns, because other work on the machine comes and goes.
        local_times, ray_times = [], []
        for _ in range(ROUND_COUNT):
            local_times.append(_measure_build(LocalExecutor(), sources))
            ray_times.append(_measure_build(executor, sources))
        local_s, ray_s = min(local_times), min(ray_times)
        size = str(executor.get_status())
    intake_s, intake_cpu_s, memory_mb = _measure_intake(INTAKE_COUNT)
    return [
        ("programs", f"{variants}, {SECONDS:g} s each"),
        ("Ray", size),
        ("local", f"{local_s:.1f} s"),
        ("Ray, warm workers", f"{ray_s:.1f} s"),
        ("Ray / local", f"{ray_s / local_s:.2f} (best of {ROUND_COUNT} in turns)"),
        ("start of the cluster and its workers", f"{start_s:.1f} s"),
        (f"intake of {INTAKE_COUNT:,} recorded clips", f"{INTAKE_COUNT / intake_s:,.0f} per s"),
        ("per processor second of the driver", f"{INTAKE_COUNT / intake_cpu_s:,.0f}"),
        ("largest memory of the driver", f"{memory_mb:,.0f} MB"),
    ]


def _iterate_programs() -> Any:
    templates = programs.list_templates()
    for index, template in enumerate(cycle(templates)):
        (program,) = programs.generate(template.id, 1, seed=index)
        yield program


def _measure_build(executor: Executor, sources: list[str]) -> float:
    """Return the seconds of rendering and embedding."""
    settings = ClipSettings(SECONDS, audio_encoders=(AUDIO_ENCODER,))
    started = time.monotonic()
    with executor.build_clips(iter(sources), settings) as batches:
        count = sum(len(batch) for batch in batches)
    assert count == len(sources)
    return time.monotonic() - started


def _measure_intake(count: int) -> tuple[float, float, float]:
    """Return the driver's elapsed and processor seconds, and its memory in MB."""
    with tempfile.TemporaryDirectory() as folder:
        with mock.patch.dict("os.environ", EARSHOT_WORKSPACE=folder):
            corpus = Corpus.create("intake", seconds=INTAKE_SECONDS)
            corpus.add_programs(Program(f"play {n}", f"p{n}") for n in range(count))
            with RayExecutor(worker_class=RecordedWorker) as executor:
                from ray import cloudpickle  # after Ray's settings

                # Workers cannot import this file, which is no part of a package.
                cloudpickle.register_pickle_by_value(sys.modules[__name__])
                while len(executor.pool.ready_workers) < 2:
                    with executor.embed_batches("sonicpi", [["play 60"]]) as results:
                        list(results)
                started, cpu_started = time.monotonic(), time.process_time()
                render_missing_clips(corpus, [AUDIO_ENCODER], executor)
                seconds = time.monotonic() - started
                cpu_seconds = time.process_time() - cpu_started
    return seconds, cpu_seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
