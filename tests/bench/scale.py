"""Benchmark: a Ray cluster on this machine against local processes, and Ray Data.

`--variants` is the number of programs (108). All render the same programs of 4 s and embed their
clips by log-mel, in turns. Warm: the clock starts when a quarter of the programs has arrived, so
that renderers have started and encoders are loaded everywhere. Cold: the first build of each, with
the start of the renderers or of the cluster. Elapsed times need a machine without other work; the
processor time of all processes does not. Ray Data runs the same workers by `map_batches`, without
the checks of results and without the replacement of failed workers.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from itertools import cycle, islice
from typing import Any, NamedTuple

import numpy as np
from _process_tree import ProcessTreeMeter

from core import programs
from core.pipeline.executors import ClipSettings, Executor, LocalExecutor
from core.pipeline.executors.ray_executor import RayExecutor
from core.pipeline.executors.ray_worker import (
    ComputeSettings,
    ProgramWorker,
    detect_compute_settings,
)
from core.sonicpi import compute_render_id

SECONDS = 4.0
ROUND_COUNT = 3
WARM_UP_SHARE = 0.25
RAY_DATA_BATCH_SIZE = 4
RAY_DATA_START_S = 600
MAX_RATIO = 1.1
AUDIO_ENCODER = "log-mel"
SETTINGS = ClipSettings(SECONDS, audio_encoders=(AUDIO_ENCODER,))


class BuildTime(NamedTuple):
    """Seconds of a whole build, and per program after the warm-up: elapsed and of processors."""

    total_s: float
    warm_s: float
    warm_cpu_s: float


class RayDataWorker:
    """An actor of Ray Data, which does the work of a `ProgramWorker`.

    Parameters
    ----------
    compute_settings : ComputeSettings
    """

    def __init__(self, compute_settings: ComputeSettings):
        self._worker = ProgramWorker(compute_settings)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Return the clips and embeddings of a batch of programs."""
        results = [
            self._worker.render_encode_and_embed_program(str(key), str(source), SETTINGS)
            for key, source in zip(batch["key"], batch["source"])
        ]
        vectors = [result["embeddings"].get(AUDIO_ENCODER) for result in results]
        return {
            "key": batch["key"],
            "clip": np.array([result["render"].content for result in results], object),
            "embedding": np.array(
                [v.tobytes() if isinstance(v, np.ndarray) else b"" for v in vectors], object
            ),
        }


def run(variants: int = 108) -> list[tuple[str, ...]]:
    """Measure; return rows of a measure and its values.

    Parameters
    ----------
    variants : int
        Number of programs.
    """
    sources = [program.source for program in islice(_iterate_programs(), variants)]
    builds: dict[str, list[BuildTime]] = {"local": [], "Ray": [], "Ray Data": []}
    cold_local = _measure_build(_build(LocalExecutor(), sources), variants).total_s
    started = time.monotonic()
    with RayExecutor() as executor:
        _measure_build(_build(executor, sources), variants)
        cold_ray = time.monotonic() - started
        for _ in range(ROUND_COUNT):  # In turns, because other work comes and goes.
            builds["local"].append(_measure_build(_build(LocalExecutor(), sources), variants))
            builds["Ray"].append(_measure_build(_build(executor, sources), variants))
            builds["Ray Data"].append(_measure_build(_build_with_ray_data(sources), variants))
        size = str(executor.get_status())
    warm_s = {name: min(build.warm_s for build in times) for name, times in builds.items()}
    cpu_s = {name: min(build.warm_cpu_s for build in times) for name, times in builds.items()}
    ratio = warm_s["Ray"] / warm_s["local"]
    verdict = "met" if ratio <= MAX_RATIO else "missed"
    return [
        ("programs", f"{variants}, {SECONDS:g} s each"),
        ("Ray", size),
        *((f"{name}, warm, per program", f"{1_000 * s:.0f} ms") for name, s in warm_s.items()),
        ("Ray / local, warm", f"{ratio:.2f} (goal: at most {MAX_RATIO}, {verdict})"),
        ("Ray Data / Ray, warm", f"{warm_s['Ray Data'] / warm_s['Ray']:.2f}"),
        *(
            (f"{name}, processor time per program", f"{1_000 * s:.0f} ms")
            for name, s in cpu_s.items()
        ),
        ("Ray / local, processor time", f"{cpu_s['Ray'] / cpu_s['local']:.2f}"),
        ("Ray Data / Ray, processor time", f"{cpu_s['Ray Data'] / cpu_s['Ray']:.2f}"),
        ("local, cold", f"{cold_local:.1f} s"),
        ("Ray, cold, with the start of the cluster", f"{cold_ray:.1f} s"),
    ]


def _iterate_programs() -> Any:
    templates = programs.list_templates()
    for index, template in enumerate(cycle(templates)):
        (program,) = programs.generate(template.id, 1, seed=index)
        yield program


def _build(executor: Executor, sources: list[str]) -> Iterator[int]:
    """Render and embed; yield the number of programs that arrived together."""
    with executor.render_programs_and_embed_clips(iter(sources), SETTINGS) as batches:
        yield from map(len, batches)


def _build_with_ray_data(sources: list[str]) -> Iterator[int]:
    """Do the same with Ray Data, by as many actors as there are cores."""
    import ray.data  # after Ray's settings
    from ray import cloudpickle

    # Workers cannot import this file, which is no part of a package.
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.wait_for_min_actors_s = RAY_DATA_START_S
    items = [{"key": compute_render_id(text, SECONDS), "source": text} for text in sources]
    results = ray.data.from_items(items, override_num_blocks=len(items)).map_batches(
        RayDataWorker,
        fn_constructor_args=(detect_compute_settings(),),
        batch_size=RAY_DATA_BATCH_SIZE,
        compute=ray.data.ActorPoolStrategy(size=int(ray.cluster_resources()["CPU"])),
        num_cpus=0,  # The idle workers of the executor have the cores.
    )
    for batch in results.iter_batches(batch_size=None):
        yield len(batch["key"])


def _measure_build(arrivals: Iterator[int], count: int) -> BuildTime:
    """Measure a build of `count` programs."""
    started = time.monotonic()
    arrived = warm_start_count = 0
    warm_started = warm_cpu_started = 0.0
    with ProcessTreeMeter() as meter:
        for size in arrivals:
            arrived += size
            if not warm_start_count and arrived >= WARM_UP_SHARE * count:
                warm_start_count = arrived
                warm_started, warm_cpu_started = time.monotonic(), meter.read_cpu_s()
            if arrived == count:
                ended, cpu_ended = time.monotonic(), meter.read_cpu_s()
    assert arrived == count
    later_count = max(count - warm_start_count, 1)
    return BuildTime(
        time.monotonic() - started,
        (ended - warm_started) / later_count,
        (cpu_ended - warm_cpu_started) / later_count,
    )
