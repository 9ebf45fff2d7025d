"""Benchmark: how many programs per second one driver of a Ray cluster takes in.

Workers answer at once with one recorded clip of a note, so that only the driver works: checking,
writing and recording. The workers run on this machine too, so the processor time of all processes
per clip shows which rate its cores permit. `--variants` is the number of thousand clips in each of
three rounds (10).
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from typing import Any, NamedTuple
from unittest import mock

from _process_tree import ProcessTreeMeter

from core.corpus import Corpus
from core.pipeline.executors import ClipSettings
from core.pipeline.executors.ray_executor import RayExecutor
from core.pipeline.executors.ray_worker import ProgramWorker
from core.pipeline.render_missing_clips import render_missing_clips
from core.programs import Program

CLIP_SECONDS = 1.0
ROUND_COUNT = 3
MIN_INTAKE = 2_000
AUDIO_ENCODER = "log-mel"


class RecordedWorker(ProgramWorker):
    """A worker that answers at once with a recorded clip."""

    def render_encode_and_embed_program(
        self, key: str, source: str, settings: ClipSettings
    ) -> dict[str, Any]:
        """Return the recorded clip as that of the program."""
        if not hasattr(self, "_recorded"):
            self._recorded = super().render_encode_and_embed_program(key, source, settings)
        return self._recorded | {"key": key}


def run(variants: int = 10) -> list[tuple[str, str]]:
    """Measure; return (measure, value) rows.

    Parameters
    ----------
    variants : int
        Number of thousand clips in each round.
    """
    count, core_count = 1_000 * variants, len(os.sched_getaffinity(0))
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.dict("os.environ", EARSHOT_WORKSPACE=folder),
        RayExecutor(worker_class=RecordedWorker) as executor,
    ):
        from ray import cloudpickle  # after Ray's settings

        # Workers cannot import this file, which is no part of a package.
        cloudpickle.register_pickle_by_value(sys.modules[__name__])
        # The workers start, and each renders the clip that it repeats.
        while len(executor.pool.ready_workers) < core_count:
            with executor.embed_batches("sonicpi", [["play 60"]]) as results:
                list(results)
        _build_recorded_clips(_create_corpus("first", 4 * core_count), executor)
        corpora = [_create_corpus(f"round-{number}", count) for number in range(ROUND_COUNT)]
        rounds = [_measure_round(corpus, executor) for corpus in corpora]
        clip_kb = _measure_clip_kb(corpora[0])
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    rates = [count / measured.elapsed_s for measured in rounds]
    tree_cpu_s = min(measured.tree_cpu_s for measured in rounds)
    verdict = "met" if max(rates) >= MIN_INTAKE else "missed"
    return [
        ("recorded clips", f"{count:,} of {CLIP_SECONDS:g} s, {clip_kb:.0f} kB each"),
        ("intake, best round", f"{max(rates):,.0f} per s (goal: {MIN_INTAKE:,}, {verdict})"),
        ("intake, each round", ", ".join(f"{rate:,.0f}" for rate in rates) + " per s"),
        (
            "per processor second of the driver",
            f"{count / min(measured.driver_cpu_s for measured in rounds):,.0f}",
        ),
        ("per processor second of all processes", f"{count / tree_cpu_s:,.0f}"),
        ("what the cores permit", f"{core_count * count / tree_cpu_s:,.0f} per s"),
        ("largest memory of the driver", f"{memory_mb:,.0f} MB"),
    ]


class IntakeRound(NamedTuple):
    """Seconds of a round: elapsed, of the driver's processor time and of that of all processes."""

    elapsed_s: float
    driver_cpu_s: float
    tree_cpu_s: float


def _measure_round(corpus: Corpus, executor: RayExecutor) -> IntakeRound:
    with ProcessTreeMeter() as meter:
        started = time.monotonic(), time.process_time(), meter.read_cpu_s()
        _build_recorded_clips(corpus, executor)
        ended = time.monotonic(), time.process_time(), meter.read_cpu_s()
    return IntakeRound(*(end - start for start, end in zip(started, ended)))


def _create_corpus(name: str, count: int) -> Corpus:
    corpus = Corpus.create(name, seconds=CLIP_SECONDS)
    corpus.add_programs(Program(f"play 60\n# {n}", f"p{n}") for n in range(count))
    return corpus


def _build_recorded_clips(corpus: Corpus, executor: RayExecutor) -> None:
    render_missing_clips(corpus, [AUDIO_ENCODER], executor)


def _measure_clip_kb(corpus: Corpus) -> float:
    sizes = [path.stat().st_size for path in corpus.path.rglob("*.flac")]
    return sum(sizes) / len(sizes) / 1e3
