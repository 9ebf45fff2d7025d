"""Other processes analyse programs as this one does, and their failures are made good."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from core.encoders.sound_simulation_encoder import simulate_aspects, simulate_program_source
from core.encoders.static_analysis_encoder import embed_program_source
from core.sonicpi.interpreter import ProgramReading, interpret_program
from core.suggest import program_analysis_process_pool
from core.suggest.candidates import iterate_candidates
from core.suggest.incremental_variant_interpretation import Variant, VariantReader
from core.suggest.parallel_program_reading_and_simulation import (
    share_program_reading_and_simulation,
)
from core.suggest.parallel_variant_reading_and_simulation import (
    AnalysedVariant,
    DeferredReading,
    read_and_embed_variants,
    simulate_variants,
)
from core.suggest.program_analysis_process_pool import ProgramAnalysisProcessPool, Reply
from core.suggest.program_literals_calls_and_blocks import build_program_outline
from tests.unit.suggest.programs import BASS_AND_DRUMS


@pytest.fixture
def worker_pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[ProgramAnalysisProcessPool]:
    pool = ProgramAnalysisProcessPool(1)
    monkeypatch.setattr(program_analysis_process_pool, "_pools", [pool])
    assert pool.wait_until_ready()
    yield pool
    pool.close()


def make_reader_and_variants() -> tuple[VariantReader, list[Variant]]:
    outline = build_program_outline(BASS_AND_DRUMS)
    assert outline is not None
    candidates = iterate_candidates(outline)
    variants = [Variant(item.source, item.replacements) for item, _ in zip(candidates, range(60))]
    return VariantReader(outline), [*variants, Variant("play (\n")]


def analyse_alone(reader: VariantReader, variants: list[Variant]) -> list[AnalysedVariant]:
    # So few at once are not shared.
    return [read_and_embed_variants(reader, [variant], True)[0] for variant in variants]


def test_shared_variants_are_those_of_one_process(worker_pool: ProgramAnalysisProcessPool) -> None:
    reader, variants = make_reader_and_variants()
    alone = analyse_alone(reader, variants)
    shared = read_and_embed_variants(reader, variants, True)
    assert any(isinstance(item.reading, DeferredReading) for item in shared)
    for plain, item in zip(alone, shared, strict=True):
        assert plain.embedding is not None and item.embedding is not None
        np.testing.assert_array_equal(plain.embedding, item.embedding)
        for name in ("events", "status", "line", "message", "understood_share"):
            assert getattr(plain.reading, name) == getattr(item.reading, name)


def test_shared_sounds_are_those_of_one_process(worker_pool: ProgramAnalysisProcessPool) -> None:
    reader, variants = make_reader_and_variants()
    chosen = variants[:9]
    shared = read_and_embed_variants(reader, variants, False)
    readings = {variant.source: item.reading for variant, item in zip(variants, shared)}
    sounds = simulate_variants(BASS_AND_DRUMS, chosen, readings, 6.0)
    assert sounds.aspects is not None
    for row, variant in enumerate(chosen):
        alone = simulate_variants(BASS_AND_DRUMS, [variant], {}, 6.0)
        assert alone.aspects is not None
        np.testing.assert_array_equal(sounds.features[row], alone.features[0])
        np.testing.assert_array_equal(sounds.aspects[row], alone.aspects[0])


def test_many_programs_are_analysed_as_each_alone(worker_pool: ProgramAnalysisProcessPool) -> None:
    sources = [f"play {note}, release: 0.2\nsleep 0.5\nplay 60" for note in range(50, 60)]
    sources += ["puts 1", "play 60\nplay (", BASS_AND_DRUMS, sources[0]]

    def analyse() -> list[tuple[ProgramReading, np.ndarray, np.ndarray, np.ndarray]]:
        return [
            (
                interpret_program(source),
                embed_program_source(source),
                simulate_program_source(source),
                simulate_aspects(source, 6.0),
            )
            for source in sources
        ]

    with share_program_reading_and_simulation(sources, 6.0):
        shared = analyse()
        assert any(isinstance(item[0], DeferredReading) for item in shared)
    for plain, item in zip(analyse(), shared, strict=True):
        for name in ("events", "status", "line", "message", "understood_share"):
            assert getattr(plain[0], name) == getattr(item[0], name)
        for plain_vector, vector in zip(plain[1:], item[1:], strict=True):
            np.testing.assert_array_equal(plain_vector, vector)


def test_tasks_of_a_killed_process_are_done_here(
    worker_pool: ProgramAnalysisProcessPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    (worker,) = worker_pool._workers
    is_sent, is_killed = threading.Event(), threading.Event()
    send_request = worker.send_request

    def send_and_note(request: dict[str, Any]) -> None:
        send_request(request)
        is_sent.set()

    def run_here(index: int) -> str:
        assert is_sent.wait(60)
        if not is_killed.is_set():
            is_killed.set()
            os.kill(worker._process.pid, signal.SIGKILL)
        return f"here {index}"

    monkeypatch.setattr(worker, "send_request", send_and_note)

    def convert_reply(index: int, _reply: Reply) -> str:
        return f"there {index}"

    # The process is still busy with its first request when it is killed.
    request: dict[str, Any] = {
        "program": None,
        "variants": [[f"{BASS_AND_DRUMS}\n# {number}", []] for number in range(500)],
        "with_embeddings": False,
    }
    results = worker_pool.run_tasks_here_and_in_processes([request] * 4, run_here, convert_reply)
    assert results == [f"here {index}" for index in range(4)]
    assert worker_pool._workers == []
    assert worker_pool.wait_until_ready()  # Another process takes its place.


def test_an_error_there_is_raised_here(worker_pool: ProgramAnalysisProcessPool) -> None:
    def run_here(_index: int) -> str:
        raise ValueError("as without other processes")

    request = {"program": "play (", "variants": [], "with_embeddings": False}
    with pytest.raises(ValueError, match="as without"):
        worker_pool.run_tasks_here_and_in_processes(
            [request], run_here, lambda _index, _reply: "there"
        )


def test_no_process_means_no_sharing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(program_analysis_process_pool.WORKER_COUNT_VARIABLE, "0")
    monkeypatch.setattr(program_analysis_process_pool, "_pools", [])
    pool = program_analysis_process_pool.get_program_analysis_process_pool()
    assert pool.worker_count == 0
    assert pool.run_tasks_here_and_in_processes([{}, {}], str, lambda _index, _reply: "there") == [
        "0",
        "1",
    ]
