"""Both executors return the same results, bit for bit, whatever happens to a cluster."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.corpus import Corpus
from core.errors import EarshotError
from core.pipeline import sweep_worker
from core.pipeline.embed_missing_programs_and_clips import embed_corpus
from core.pipeline.executors import ClipSettings, Executor, LocalExecutor, ProgramResult
from core.pipeline.executors.executor_of_enclosing_block import use_executor
from core.pipeline.executors.ray_executor import RayExecutor
from core.pipeline.generate_render_and_embed_corpus import (
    BuildOptions,
    ClipFormat,
    EncoderChoice,
    build_corpus,
)
from core.pipeline.sweep_execution import run_sweep
from core.progress_callback import ignore_progress
from core.sonicpi import Clip
from core.studies.study_clip_rendering import render_study_clips
from tests.faults.corpus_state import digest_corpus
from tests.faults.job_control import wait_until
from tests.integration.pipeline.executors.conftest import NODE_OPTIONS
from tests.integration.pipeline.sweep_corpus import create_corpus_of_two_views, use_quick_grid
from tests.unreliable_worker import make_misbehaving_source

SECONDS = 0.5
SETTINGS = ClipSettings(SECONDS, audio_encoders=("log-mel",))
SOURCES = ["play 60", "plya 60", "", "play 72; sleep 0.1; plya 60", "sample :bd_haus"]
BUILD_ARGUMENTS = (
    BuildOptions(["02_1_beeps"], 8),
    EncoderChoice(code_encoder="sonicpi", audio_encoder="log-mel"),
    ClipFormat(SECONDS),
)


def build_results(
    executor: Executor, sources: list[str], settings: ClipSettings = SETTINGS
) -> dict[int, ProgramResult]:
    with executor.render_programs_and_embed_clips(iter(sources), settings) as batches:
        results = [result for batch in batches for result in batch]
    assert len(results) == len(sources)
    return dict(results)


def assert_equal_results(
    actual: dict[int, ProgramResult], expected: dict[int, ProgramResult]
) -> None:
    assert actual.keys() == expected.keys()
    for index, result in expected.items():
        render, other = result.render, actual[index].render
        assert (other.error, other.warnings, other.content, other.sha256) == (
            render.error,
            render.warnings,
            render.content,
            render.sha256,
        )
        assert (other.seconds, other.rms, other.peak) == (render.seconds, render.rms, render.peak)
        assert actual[index].embeddings.keys() == result.embeddings.keys()
        for encoder_id, vector in result.embeddings.items():
            assert np.array_equal(actual[index].embeddings[encoder_id], vector)


@pytest.fixture(scope="module")
def local_results() -> dict[int, ProgramResult]:
    return build_results(LocalExecutor(), SOURCES)


@pytest.fixture(params=["local", "ray"])
def executor(request: pytest.FixtureRequest) -> Any:
    if request.param == "local":
        return LocalExecutor(1)
    return request.getfixturevalue("ray_executor")


def test_clips_errors_and_embeddings_are_the_same(executor, local_results):
    results = build_results(executor, SOURCES)
    assert_equal_results(results, local_results)
    kinds = [
        result.render.error and result.render.error.kind for _, result in sorted(results.items())
    ]
    assert kinds == [None, "runtime", "silent", None, None]
    strict = build_results(executor, SOURCES[3:4], ClipSettings(SECONDS, "3.2", "ogg", True))
    assert strict[0].render.error is not None and strict[0].embeddings == {}
    assert build_results(executor, []) == {}


def test_rendered_samples_are_the_same(executor, local_results):
    with executor.render_programs(SOURCES[:2], SECONDS) as results:
        rendered = dict(results)
    stored = Clip.decode_audio_file(local_results[0].render.content).samples
    assert np.abs(rendered[0].clip.samples - stored).max() <= 2**-15
    assert rendered[1].error.line == 1 and rendered[1].clip is None


def test_a_clip_that_cannot_be_read_costs_only_itself(executor, local_results, tmp_path):
    good, bad, missing = tmp_path / "good.flac", tmp_path / "bad.flac", tmp_path / "missing.flac"
    good.write_bytes(local_results[0].render.content)
    bad.write_bytes(b"no sound")
    with executor.embed_batches("log-mel", [[bad, good], [missing]]) as results:
        batches = dict(results)
    assert isinstance(batches[0][0], str) and isinstance(batches[1][0], str)
    assert np.array_equal(batches[0][1], local_results[0].embeddings["log-mel"])
    with executor.embed_batches("sonicpi", [["play 60"]]) as results:
        assert dict(results)[0][0].dtype == np.float32


def wait_for_both_nodes(executor: RayExecutor) -> None:
    """Wait until both nodes have a worker that takes tasks."""
    while len(executor.pool.ready_workers) < 2:
        with executor.embed_batches("sonicpi", [["play 60"]]) as results:
            list(results)


def declare_late(executor: RayExecutor, marker: Path) -> None:
    """Wait until a worker has begun not to answer; let its time be over."""
    wait_until(marker.exists, "the worker that does not answer")
    for worker in executor.pool.workers:
        if worker.running:
            worker.head_started -= 1e6


@pytest.mark.fault("A worker of a Ray cluster ends, returns a damaged clip or does not answer")
@pytest.mark.parametrize("fault", ["end", "damage", "wait"])
def test_a_misbehaving_worker_changes_nothing(ray_executor, local_results, tmp_path, fault):
    wait_for_both_nodes(ray_executor)
    failures_before = ray_executor.get_status().failures
    marker = tmp_path / "marker"
    sources = iter([SOURCES[0], make_misbehaving_source("play 60", fault, marker)])
    results: dict[int, ProgramResult] = {}
    with ray_executor.render_programs_and_embed_clips(sources, SETTINGS) as batches:
        for batch in batches:
            results |= batch
            if fault == "wait" and 1 not in results:
                declare_late(ray_executor, marker)
    assert marker.exists()
    assert_equal_results(results, {0: local_results[0], 1: local_results[0]})
    assert ray_executor.get_status().failures > failures_before


@pytest.mark.fault("SIGKILL of a node of a Ray cluster during a build")
def test_a_killed_node_changes_nothing_in_a_corpus(
    ray_nodes, ray_executor, tmp_path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "local"))
    build_corpus("faulty", *BUILD_ARGUMENTS)
    expected = digest_corpus("faulty")
    pool = ray_executor.pool
    wait_for_both_nodes(ray_executor)
    (node,) = ray_nodes.worker_nodes
    killed: list[str] = []

    def kill_busy_node(step: str, done: int, total: int, note: str = "", data: Any = None) -> None:
        is_busy = any(worker.running and worker.node.id == node.node_id for worker in pool.workers)
        if done and is_busy and not killed:
            killed.append(step)
            ray_nodes.remove_node(node, allow_graceful=False)

    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "ray"))
    report = build_corpus(
        "faulty", *BUILD_ARGUMENTS, executor=ray_executor, progress=kill_busy_node
    )
    ray_nodes.add_node(**NODE_OPTIONS)
    assert killed and report.counts["ok"] == 8
    assert digest_corpus("faulty") == expected
    again = embed_corpus(Corpus.open("faulty"), audio_encoder="descriptors", executor=ray_executor)
    assert again.audio_embeddings_added == 8 and not again.embedding_errors


DRIVER_CODE = """
import sys
from core.pipeline.generate_and_add_missing_programs import BuildOptions
from core.pipeline.generate_render_and_embed_corpus import ClipFormat, EncoderChoice, build_corpus
from core.pipeline.executors.ray_executor import RayExecutor
with RayExecutor(sys.argv[1]) as executor:
    build_corpus("faulty", BuildOptions(["02_1_beeps"], 24), %r, %r, executor=executor)
"""


@pytest.mark.fault("SIGKILL of the driver of a build on a Ray cluster, and a new one")
def test_a_killed_driver_is_replaced(
    ray_nodes, ray_executor, tmp_path, monkeypatch: pytest.MonkeyPatch
):
    arguments = (BuildOptions(["02_1_beeps"], 24), *BUILD_ARGUMENTS[1:])
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "local"))
    build_corpus("faulty", *arguments)
    expected = digest_corpus("faulty")
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "ray"))
    ray_executor.pool.stop_workers()  # Their cores are for the driver that will be killed.
    code = DRIVER_CODE % BUILD_ARGUMENTS[1:]
    with subprocess.Popen([sys.executable, "-c", code, ray_nodes.address]) as driver:
        wait_until(lambda: list(tmp_path.glob("ray/**/*.flac")), "the first clip")
        driver.kill()
    clip_count = len(list(tmp_path.glob("ray/**/*.flac")))
    assert driver.returncode == -signal.SIGKILL and clip_count < 24
    report = build_corpus("faulty", *arguments, executor=ray_executor)
    assert report.counts["ok"] == 24 and digest_corpus("faulty") == expected


def test_a_sweep_resumes_and_trains_the_same_on_a_cluster(
    ray_executor, tmp_path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    monkeypatch.setattr(sweep_worker, "ProcessPoolExecutor", ThreadPoolExecutor)
    use_quick_grid(monkeypatch)
    corpus = create_corpus_of_two_views()
    local_id = run_sweep(corpus, seed_count=2, workers=1)
    expected = read_sweep_runs(corpus, local_id)
    assert len(expected) == 4
    shutil.rmtree(corpus.path / "sweeps")

    def stop_after_one_run(
        step: str, done: int, total: int, note: str = "", data: Any = None
    ) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with use_executor(ray_executor):
        with pytest.raises(KeyboardInterrupt):
            run_sweep(corpus, "paper", stop_after_one_run, seed_count=2)
        (finished,) = (corpus.path / "sweeps" / local_id).glob("run-*.json")
        before = finished.stat().st_mtime_ns
        assert run_sweep(corpus, seed_count=2) == local_id
    assert finished.stat().st_mtime_ns == before
    assert read_sweep_runs(corpus, local_id) == expected


def read_sweep_runs(corpus: Corpus, sweep_id: str) -> dict[str, Any]:
    """Return the runs of a sweep by file name, without the times of their trainings."""
    runs = {
        path.name: json.loads(path.read_text())
        for path in (corpus.path / "sweeps" / sweep_id).glob("run-*.json")
    }
    for run in runs.values():
        assert run.pop("seconds") > 0
    # As text, because some values are NaN, which differs from itself.
    return {name: json.dumps(run) for name, run in runs.items()}


def test_a_study_renders_on_a_cluster(ray_executor, tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    corpus = Corpus.create("studied", seconds=SECONDS)
    with use_executor(ray_executor):
        paths, failures = render_study_clips(corpus, SOURCES[:2], SECONDS, ignore_progress)
    assert paths[0] is not None and paths[0].is_file()
    assert paths[1] is None and "plya" in failures[1]


def test_a_node_with_other_software_is_refused(ray_executor):
    pool = ray_executor.pool
    with ray_executor.embed_batches("sonicpi", [["play 60"]]) as results:
        list(results)
    worker = pool.ready_workers[0]
    try:
        pool.accept_worker(worker, {"renderer": "another"})
        assert worker not in pool.workers and "another" in pool.refusals[worker.node.id]
        pool.replace_workers_after_node_changes()
        assert all(other.node.id != worker.node.id for other in pool.workers)
    finally:
        pool.refusals.clear()


def test_an_address_without_a_cluster_is_an_error(ray_nodes, monkeypatch: pytest.MonkeyPatch):
    import ray

    monkeypatch.setattr(ray, "is_initialized", lambda: False)

    def fail(**options: Any) -> None:
        raise ConnectionError("nobody is there")

    monkeypatch.setattr(ray, "init", fail)
    with pytest.raises(EarshotError, match="no Ray cluster to connect to at '10.0.0.1:6379'"):
        RayExecutor("10.0.0.1:6379")
