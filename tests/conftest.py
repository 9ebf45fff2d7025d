"""What tests of several kinds share because it takes a while to make."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

TEMPLATES = ["02_1_beeps", "02_3_synths", "03_1_samples", "09_1_live_loop"]
CODE, AUDIO = "sonicpi", "log-mel"  # neither loads a model
QUICK = {"width": 16, "dim": 8, "layers": 2, "epochs": 2, "patience": 0, "precision": "fp32"}
CANDIDATES = 8  # of each scenario of completion


@pytest.fixture(autouse=True)
def own_main() -> Iterator[None]:
    """AppTest leaves its page behind as `__main__`, which every process of a sweep would run."""
    before = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = before


@dataclass(frozen=True)
class Studied:
    """A workspace with corpus "small" of real clips: all studies that it allows have been run."""

    workspace: Path
    report: Path


@pytest.fixture(scope="session")
def studied(tmp_path_factory: pytest.TempPathFactory) -> Studied:
    """Forty programs of four templates, 4 s each: rendered, embedded, aligned, swept, studied."""
    from concurrent.futures import ThreadPoolExecutor

    from core.alignment import AlignmentConfig, grid
    from core.alignment.grid import Trial
    from core.corpus import Corpus
    from core.pipeline import sweep_worker
    from core.pipeline.build import BuildOptions, ClipFormat, EncoderChoice, build_corpus
    from core.pipeline.train import train
    from core.studies import completion, completion_scenarios
    from core.studies.registry import STUDIES
    from core.studies.report import run_all_studies

    workspace = tmp_path_factory.mktemp("studied")
    trials = [Trial("narrow", "infonce", QUICK), Trial("wide", "infonce", {**QUICK, "width": 32})]
    first = [
        replace(scenario, candidates=scenario.candidates[:CANDIDATES])
        for scenario in completion_scenarios.load_scenarios()
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARSHOT_WORKSPACE", str(workspace))
        patch.setitem(grid.GRIDS, "paper", lambda: trials)
        patch.setattr(grid, "COMMON_SETTINGS", {})
        patch.setattr(completion, "load_scenarios", lambda: first)
        patch.delitem(STUDIES, "retrieval")  # It has a test module and a corpus of its own.
        # Its processes are a test of the sweep's own; each takes seconds to load torch.
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
        return Studied(workspace, run_all_studies(Corpus.open("small"), options))
