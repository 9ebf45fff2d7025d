"""Tasks hold about a second of work, and share the last programs evenly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from core.corpus.encoded_render import EncodedRender
from core.pipeline.executors import ray_task_sizing
from core.pipeline.executors.executor_interface import ClipSettings, ProgramResult
from core.pipeline.executors.ray_task_sizing import (
    MAX_PROGRAMS_PER_TASK,
    MAX_RESULT_BYTES,
    ProgramTaskSource,
)

SETTINGS = ClipSettings(1.0)


@pytest.fixture(autouse=True)
def without_renderer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        ray_task_sizing, "compute_render_id", lambda source, *_, **__: f"id of {source}"
    )


def make_results(byte_count: int) -> list[ProgramResult]:
    return [ProgramResult(EncodedRender(None, content=bytes(byte_count)))]


def iterate_sources(count: int, read: list[int]) -> Iterator[str]:
    for index in range(count):
        read.append(index)
        yield f"play {index}"


def make_source(sources: Iterable[str], worker_count: int = 2) -> ProgramTaskSource:
    return ProgramTaskSource(sources, SETTINGS, lambda: worker_count)


@pytest.mark.parametrize(
    ("seconds", "byte_count", "expected"),
    [
        (10.0, 1, 1),
        (0.3, 1, 3),
        (0.0, 1, MAX_PROGRAMS_PER_TASK),
        (0.0, MAX_RESULT_BYTES // 5, 5),
        (0.0, 2 * MAX_RESULT_BYTES, 1),
    ],
)
def test_the_size_follows_the_time_and_the_size_of_results(seconds, byte_count, expected):
    read: list[int] = []
    source = make_source(iterate_sources(10_000, read))
    tasks = iter(source)
    assert next(tasks).program_count == 1  # nothing is known yet
    source.record_task_result(seconds, make_results(byte_count))
    task = next(tasks)
    assert (task.index, task.program_count) == (1, expected)
    assert task.arguments[0][0] == ("id of play 1", "play 1")
    assert len(read) <= 1 + 4 * MAX_PROGRAMS_PER_TASK  # what two workers may hold


def test_every_program_is_in_one_task_and_the_last_ones_are_shared():
    source = make_source(iterate_sources(100, []))
    source.record_task_result(0.01, make_results(1))
    tasks = list(source)
    assert [task.index for task in tasks] == [
        sum(task.program_count for task in tasks[:place]) for place in range(len(tasks))
    ]
    assert sum(task.program_count for task in tasks) == 100
    sizes = [task.program_count for task in tasks]
    assert sizes[0] == 25 and sizes == sorted(sizes, reverse=True) and sizes[-1] == 1
    assert list(make_source([])) == []


def test_a_task_is_split_into_programs_that_keep_their_places():
    source = make_source(iterate_sources(8, []), worker_count=1)
    source.record_task_result(0.1, make_results(1))
    task = next(iter(source))
    assert task.split is not None
    parts = task.split()
    assert [part.index for part in parts] == [0, 1, 2, 3]
    assert [part.arguments[0] for part in parts] == [(program,) for program in task.arguments[0]]
    assert all(part.split is None and part.key != task.key for part in parts)
