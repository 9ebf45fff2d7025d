"""Benchmark: a Ray cluster on this machine against local processes, and the intake of one driver.

`--variants` is the number of programs of the comparison (64). Both executors render the same
programs of 4 s and embed their clips by log-mel, in turns. A local build starts its renderers each
time, while Ray's workers stay warm; therefore the time from the first clip to the last is compared
too, as that of a long build. The start of the cluster is measured apart. The intake is measured
with workers that answer at once with one recorded clip of a note, so that only the driver works:
checking, writing and recording.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from itertools import cycle, islice
from typing import Any, NamedTuple
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
MAX_RATIO, MIN_INTAKE = 1.1, 2_000
AUDIO_ENCODER = "log-mel"


class BuildTime(NamedTuple):
    """Seconds of a build, and seconds per clip from the first clip to the last."""

    total_s: float
    per_clip_s: float


class RecordedWorker(ProgramWorker):
    """A worker that answers at once with a recorded clip."""

    def render_encode_and_embed_program(
        self, key: str, source: str, settings: ClipSettings
    ) -> dict[str, Any]:
        """Return the recorded clip as that of the program."""
        if not hasattr(self, "_recorded"):
            self._recorded = super().render_encode_and_embed_program(key, source, settings)
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
        local_builds, ray_builds = [], []
        for _ in range(ROUND_COUNT):
            local_builds.append(_measure_build(LocalExecutor(), sources))
            ray_builds.append(_measure_build(executor, sources))
        size = str(executor.get_status())
    local, ray = (_select_shortest_times(builds) for builds in (local_builds, ray_builds))
    intake_s, intake_cpu_s, memory_mb = _measure_intake(INTAKE_COUNT)
    return [
        ("programs", f"{variants}, {SECONDS:g} s each"),
        ("Ray", size),
        ("local", f"{local.total_s:.1f} s"),
        ("Ray, warm workers", f"{ray.total_s:.1f} s"),
        ("Ray / local", f"{ray.total_s / local.total_s:.2f} (best of {ROUND_COUNT} in turns)"),
        ("local, per clip after the first", f"{1_000 * local.per_clip_s:.0f} ms"),
        ("Ray, per clip after the first", f"{1_000 * ray.per_clip_s:.0f} ms"),
        ("Ray / local, after the first clip", _format_ratio(ray.per_clip_s / local.per_clip_s)),
        ("start of the cluster and its workers", f"{start_s:.1f} s"),
        (f"intake of {INTAKE_COUNT:,} recorded clips", _format_intake(INTAKE_COUNT / intake_s)),
        ("per processor second of the driver", f"{INTAKE_COUNT / intake_cpu_s:,.0f}"),
        ("largest memory of the driver", f"{memory_mb:,.0f} MB"),
    ]


def _iterate_programs() -> Any:
    templates = programs.list_templates()
    for index, template in enumerate(cycle(templates)):
        (program,) = programs.generate(template.id, 1, seed=index)
        yield program


def _measure_build(executor: Executor, sources: list[str]) -> BuildTime:
    """Measure rendering and embedding."""
    settings = ClipSettings(SECONDS, audio_encoders=(AUDIO_ENCODER,))
    started = time.monotonic()
    counts, arrival_times = [], []
    with executor.render_programs_and_embed_clips(iter(sources), settings) as batches:
        for batch in batches:
            counts.append(len(batch))
            arrival_times.append(time.monotonic())
    assert sum(counts) == len(sources)
    later_count = max(sum(counts[1:]), 1)
    per_clip_s = (arrival_times[-1] - arrival_times[0]) / later_count
    return BuildTime(time.monotonic() - started, per_clip_s)


def _select_shortest_times(builds: list[BuildTime]) -> BuildTime:
    return BuildTime(
        min(build.total_s for build in builds), min(build.per_clip_s for build in builds)
    )


def _format_ratio(ratio: float) -> str:
    verdict = "met" if ratio <= MAX_RATIO else "missed"
    return f"{ratio:.2f} (goal: at most {MAX_RATIO}, {verdict})"


def _format_intake(rate: float) -> str:
    verdict = "met" if rate >= MIN_INTAKE else "missed"
    return f"{rate:,.0f} per s (goal: {MIN_INTAKE:,}, {verdict})"


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
