"""Fixtures that tests of several kinds share because they take a while to make, and hooks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.faults.fault_report import (
    pytest_collection_modifyitems,
    pytest_runtest_logreport,
    pytest_terminal_summary,
)

__all__ = [
    "pytest_collection_modifyitems",
    "pytest_runtest_logreport",
    "pytest_terminal_summary",
]

TEMPLATES = ["02_1_beeps", "02_3_synths", "03_1_samples", "09_1_live_loop"]
CODE, AUDIO = "sonicpi", "log-mel"  # encoders that load no model
QUICK = {"width": 16, "dim": 8, "layers": 2, "epochs": 2, "patience": 0, "precision": "fp32"}
CANDIDATE_COUNT = 8  # per scenario of the completion study
# A small starter corpus: 6 template programs and 56 grammar programs of all styles.
SMALL_STARTER = {
    "EARSHOT_STARTER_PER_TEMPLATE": "2",
    "EARSHOT_STARTER_TEMPLATES": "02_1_beeps,03_1_samples,02_1_chords",
    "EARSHOT_STARTER_GRAMMAR_PROGRAMS": "56",
}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep tests that share costly fixtures in one process."""
    from tests.process_distribution import GroupScheduling

    return GroupScheduling(config, log)


@pytest.fixture(autouse=True)
def restore_main_module() -> Iterator[None]:
    """Undo that AppTest sets its page as `__main__`, which each process of a sweep would run."""
    main_module = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main_module


@dataclass(frozen=True)
class StudiedWorkspace:
    """A workspace with the corpus "small" of real clips, on which all possible studies have run.

    Attributes
    ----------
    workspace : Path
        Root of the workspace.
    report : Path
        Folder of the report on the studies.
    """

    workspace: Path
    report: Path


@pytest.fixture(scope="session")
def studied_workspace(tmp_path_factory: pytest.TempPathFactory) -> StudiedWorkspace:
    """Build a corpus of 40 programs of 4 s, train on it, and run a sweep and all studies."""
    from concurrent.futures import ThreadPoolExecutor

    from core.alignment import AlignmentConfig, sweep_grids
    from core.alignment.sweep_grids import Trial
    from core.corpus import Corpus
    from core.pipeline import sweep_worker
    from core.pipeline.generate_render_and_embed_corpus import (
        BuildOptions,
        ClipFormat,
        EncoderChoice,
        build_corpus,
    )
    from core.pipeline.train_and_evaluate_alignment import train
    from core.studies import completion_candidate_similarity_study, completion_scenarios
    from core.studies.all_studies_report import run_studies_and_write_report
    from core.studies.study_registry import STUDIES

    workspace = tmp_path_factory.mktemp("studied")
    trials = [Trial("narrow", "infonce", QUICK), Trial("wide", "infonce", {**QUICK, "width": 32})]
    scenarios = [
        replace(scenario, candidates=scenario.candidates[:CANDIDATE_COUNT])
        for scenario in completion_scenarios.load_completion_scenarios()
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARSHOT_WORKSPACE", str(workspace))
        patch.setitem(sweep_grids.GRIDS, "paper", lambda: trials)
        patch.setattr(sweep_grids, "COMMON_SETTINGS", {})
        patch.setattr(
            completion_candidate_similarity_study, "load_completion_scenarios", lambda: scenarios
        )
        for study_name in ("retrieval", "suggestion"):  # They have test modules of their own.
            patch.delitem(STUDIES, study_name)
        # The tests of the sweep use real processes. Each takes seconds to load torch.
        patch.setattr(sweep_worker, "ProcessPoolExecutor", ThreadPoolExecutor)
        build_corpus(
            "small",
            BuildOptions(TEMPLATES, 10),
            EncoderChoice(code_encoder=CODE, audio_encoder=AUDIO),
            ClipFormat(4.0),
        )
        train(Corpus.open("small"), AlignmentConfig(**QUICK))
        options = {
            "samples_per_type": 1,
            "resamples": 20,
            "permutations": 99,
            "holdout_audio_encoder": AUDIO,
            "seeds": 2,
        }
        return StudiedWorkspace(
            workspace, run_studies_and_write_report(Corpus.open("small"), options)
        )


@pytest.fixture(scope="session")
def measured_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the corpus "tones", which has an alignment, aspects and a forecast."""
    from tests.measured_workspace import build_measured_workspace

    workspace = tmp_path_factory.mktemp("measured")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARSHOT_WORKSPACE", str(workspace))
        build_measured_workspace()
    return workspace


@pytest.fixture(scope="session")
def starter_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a small starter corpus with clips of 6 s, built and trained as on Home."""
    from core.pipeline.next_step_hint import make_train_command
    from core.pipeline.starter_corpus_recipe import create_starter_recipe
    from core.workspace import PROJECT_FOLDER

    workspace = tmp_path_factory.mktemp("starter")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARSHOT_WORKSPACE", str(workspace))
        for name, value in SMALL_STARTER.items():
            patch.setenv(name, value)
        for argv in (
            (*create_starter_recipe().build_argv, "--seconds", "6", "--preset", "offline"),
            make_train_command("starter"),
        ):
            done = subprocess.run(
                [sys.executable, "-P", "-m", "core", *argv],
                env={**os.environ, "PYTHONPATH": str(PROJECT_FOLDER)},
                capture_output=True,
                text=True,
                timeout=900,
            )
            assert done.returncode == 0, done.stderr
    return workspace
