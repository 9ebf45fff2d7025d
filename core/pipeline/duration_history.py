"""How long work took on this machine against its estimate, and the range that follows for new work.

`core.pipeline.cost_estimates` was measured on one idle machine. Another machine is faster or
slower, and a busy one slower still. So each build, training and sweep saves its estimated and its
measured duration, and an estimate that is shown is scaled by the newest of them.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from core import workspace
from core.file_locks_and_atomic_writes import atomic_write, remove_partial_files

Work = Literal["build", "train", "sweep"]
MAX_SAVED_DURATIONS = 8  # Per kind of work: older ones say little about today's load.
MIN_RECORDED_SECONDS = 2.0  # Shorter work measures how long Python takes to start.
# Margins around the fastest and slowest of the saved durations, and around an estimate without any.
LEARNED_MARGIN = 1.25
UNKNOWN_MARGIN = 2.0
MAX_LOAD_FACTOR = 4.0
HISTORY_FILE = "durations.json"


@dataclass(frozen=True)
class DurationRange:
    """Range in which the duration of some work lies.

    Attributes
    ----------
    low, high : float
        Seconds, 0 <= low <= high.
    learned_from : int
        Number of earlier runs on this machine that the range follows from; 0 for none.
    """

    low: float
    high: float
    learned_from: int = 0


def estimate_duration_range(work: Work, estimated_seconds: float) -> DurationRange:
    """Return the range of a duration, learned from the newest work of its kind on this machine.

    The range spans the newest ratios of measured to estimated time, with a margin. Without any, it
    goes from the estimate to twice of it. Other processes that use the processors now raise the
    upper end.

    Parameters
    ----------
    work : {"build", "train", "sweep"}
    estimated_seconds : float
        On the idle reference machine, as `core.pipeline.cost_estimates` returns it.
    """
    ratios = [row["measured"] / row["estimated"] for row in _read_durations(work)]
    load_factor = min(MAX_LOAD_FACTOR, 1 + _get_load_of_other_processes())
    if not ratios:
        return DurationRange(estimated_seconds, estimated_seconds * UNKNOWN_MARGIN * load_factor)
    high_ratio = max(max(ratios) * LEARNED_MARGIN, min(ratios) * load_factor)
    low_ratio = min(ratios) / LEARNED_MARGIN
    return DurationRange(estimated_seconds * low_ratio, estimated_seconds * high_ratio, len(ratios))


@contextmanager
def record_duration(work: Work, estimated_seconds: float) -> Iterator[None]:
    """Save how long the block took against its estimate, unless it fails or is stopped.

    Parameters
    ----------
    work : {"build", "train", "sweep"}
    estimated_seconds : float
        As for `estimate_duration_range`. With 0 nothing is saved.
    """
    started = time.monotonic()
    yield
    measured_seconds = time.monotonic() - started
    if estimated_seconds > 0:
        remove_partial_files(_get_history_path())
    if estimated_seconds > 0 and measured_seconds >= MIN_RECORDED_SECONDS:
        save_duration(work, estimated_seconds, measured_seconds)


def save_duration(work: Work, estimated_seconds: float, measured_seconds: float) -> None:
    """Save a measured duration; nothing happens where the workspace cannot be written."""
    if workspace.is_workspace_read_only():
        return
    durations = _read_all_durations()
    row = {"estimated": estimated_seconds, "measured": measured_seconds}
    durations[work] = [*durations.get(work, []), row][-MAX_SAVED_DURATIONS:]
    try:
        with atomic_write(_get_history_path(), "w") as file:
            json.dump(durations, file)
    except OSError:
        return  # A full disk must not fail the work that was just finished.


def _get_load_of_other_processes() -> float:
    """Return how many processes per core wanted to run in the last minute; 0 if unknown."""
    try:
        return max(0.0, os.getloadavg()[0]) / len(os.sched_getaffinity(0))
    except OSError:
        return 0.0


def _get_history_path() -> Path:
    return workspace.get_workspace_root() / HISTORY_FILE


def _read_durations(work: Work) -> list[dict[str, float]]:
    """Return the usable rows of one kind of work, oldest first."""
    return [
        row
        for row in _read_all_durations().get(work, [])
        if isinstance(row, dict)
        and all(
            isinstance(row.get(key), (int, float)) and row[key] > 0
            for key in ("estimated", "measured")
        )
    ]


def _read_all_durations() -> dict[str, list[Any]]:
    """Return the saved durations by kind; a missing or damaged file counts as empty."""
    try:
        content = json.loads(_get_history_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(content, dict):
        return {}
    return {key: rows for key, rows in content.items() if isinstance(rows, list)}
