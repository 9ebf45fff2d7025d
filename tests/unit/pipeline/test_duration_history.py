"""Ranges of durations are learned from earlier work on the same machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.pipeline import duration_history
from core.pipeline.duration_history import (
    MAX_SAVED_DURATIONS,
    estimate_duration_range,
    record_duration,
    save_duration,
)


@pytest.fixture(autouse=True)
def idle_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    monkeypatch.setattr(duration_history.os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    return tmp_path


def test_without_earlier_work_the_range_goes_up_to_twice_the_estimate() -> None:
    duration = estimate_duration_range("build", 50)
    assert (duration.low, duration.high, duration.learned_from) == (50, 100, 0)


def test_a_busy_machine_raises_the_upper_end_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duration_history.os, "sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setattr(duration_history.os, "getloadavg", lambda: (2.0, 0.0, 0.0))
    duration = estimate_duration_range("build", 50)
    assert (duration.low, duration.high) == (50, 200)


def test_the_range_spans_the_newest_work_of_the_kind() -> None:
    save_duration("build", 50, 122)
    save_duration("build", 50, 60)
    save_duration("train", 10, 1)
    duration = estimate_duration_range("build", 100)
    assert duration.learned_from == 2
    assert duration.low == pytest.approx(120 / 1.25) and duration.high == pytest.approx(244 * 1.25)
    # A promise of 50 s where the last build took 122 s is what the range must prevent.
    assert estimate_duration_range("build", 50).high >= 122
    for _ in range(MAX_SAVED_DURATIONS):
        save_duration("build", 50, 50)
    assert estimate_duration_range("build", 100).high == pytest.approx(125)


def test_only_work_that_ends_well_and_takes_a_while_is_saved(
    monkeypatch: pytest.MonkeyPatch, idle_workspace: Path
) -> None:
    seconds = iter([0.0, 0.1, 0.0, 0.0, 30.0])
    monkeypatch.setattr(duration_history.time, "monotonic", lambda: next(seconds))
    with record_duration("train", 10):
        pass
    with pytest.raises(KeyboardInterrupt), record_duration("train", 10):
        raise KeyboardInterrupt
    assert not (idle_workspace / "durations.json").exists()
    with record_duration("train", 10):
        pass
    assert estimate_duration_range("train", 10).high == pytest.approx(37.5)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"build": 3}', '{"build": [{"estimated": 0}, 1]}']
)
def test_a_damaged_history_counts_as_empty(idle_workspace: Path, text: str) -> None:
    (idle_workspace / "durations.json").write_text(text)
    assert estimate_duration_range("build", 50).learned_from == 0


def test_a_read_only_workspace_saves_nothing(
    idle_workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EARSHOT_READ_ONLY", "1")
    save_duration("build", 50, 122)
    assert not list(idle_workspace.iterdir())
