"""The status of a cluster reaches terminals as a note, and jobs as data whenever it changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.cluster_status import ClusterProgress, ClusterStatus
from core.jobs.progress_reporter import JobProgressReporter

FIRST = ClusterStatus(1, 1)
LATER = ClusterStatus(2, 3, 2, "10.0.0.7: out of memory")


def test_the_status_in_words():
    assert str(FIRST) == "1 core on 1 node"
    assert str(LATER) == "3 cores on 2 nodes, 2 failures"


def test_a_status_is_read_from_a_record():
    data = LATER.to_progress_data()
    assert ClusterStatus.parse_progress_data(data["cluster"]) == LATER
    for other in (None, "text", {}, {"nodes": 1, "workers": 2, "colour": "red"}):
        assert ClusterStatus.parse_progress_data(other) is None


def test_a_change_is_data_and_the_status_is_the_note_where_there_is_none():
    calls: list[tuple[Any, ...]] = []
    statuses = iter([ClusterStatus(0, 0), FIRST, FIRST, LATER])
    progress = ClusterProgress(lambda *call: calls.append(call), lambda: next(statuses))
    progress("Rendering", 0, 3)
    progress("Rendering", 1, 3)
    progress("Rendering", 2, 3, "p-1: silent")
    progress("Rendering", 3, 3, "", {"sweep": "paper"})
    assert calls == [
        ("Rendering", 0, 3, "", None),
        ("Rendering", 1, 3, "1 core on 1 node", FIRST.to_progress_data()),
        ("Rendering", 2, 3, "p-1: silent", None),
        ("Rendering", 3, 3, str(LATER), {"sweep": "paper", **LATER.to_progress_data()}),
    ]


@pytest.mark.parametrize("status", [None, LATER])
def test_the_record_of_a_job_keeps_the_newest_status(tmp_path: Path, status: ClusterStatus | None):
    reporter = JobProgressReporter(tmp_path)
    try:
        reporter("Rendering", 1, 3, "", status.to_progress_data() if status else None)
        reporter("Rendering", 2, 3)
        record = reporter.build_progress_record()
    finally:
        reporter.stop_writer_thread()
    assert ClusterStatus.parse_progress_data(record["cluster"]) == status
