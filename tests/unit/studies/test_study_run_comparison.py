"""Runs that were measured on other programs do not compare."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.studies.study_run_comparison import find_run_comparability_problems
from core.studies.study_run_storage import StudyRun

CORPUS = {"name": "a", "ok": 9, "split_seed": 0, "splits": {"test": 3}, "clip_seconds": 18.0}


def make_run(queries: str = "examples", **corpus: Any) -> StudyRun:
    settings = {"corpus": {**CORPUS, **corpus}, "queries": queries}
    return StudyRun("run-0001", "run", "", Path(), {"settings": settings})


@pytest.mark.parametrize(
    ("run", "problem"),
    [
        (make_run(name="b"), "the corpora are different"),
        (make_run(ok=10), "the corpus had other programs"),
        (make_run(split_seed=1), "the corpora were split by different seeds"),
        (make_run(splits={"test": 4}), "the splits have other sizes"),
        (make_run(clip_seconds=6.0), "clips have different lengths"),
        (make_run("validation"), "the queries are different"),
    ],
)
def test_each_difference_of_the_programs_is_named(run: StudyRun, problem: str) -> None:
    assert find_run_comparability_problems([make_run(), make_run(), run]) == [problem]


def test_runs_on_the_same_programs_compare() -> None:
    assert find_run_comparability_problems([make_run(), make_run()]) == []
