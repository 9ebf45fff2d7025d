"""A corpus that trains in moments, and a grid of two configurations, for tests of sweeps."""

from __future__ import annotations

import numpy as np
import pytest

from core import encoders
from core.alignment import sweep_grids
from core.alignment.sweep_grids import Trial
from core.corpus import Corpus
from core.programs import Program
from core.sonicpi import Clip, RenderResult

CODE, AUDIO = "sentence-transformers/all-MiniLM-L6-v2", "log-mel"
PROGRAM_COUNT = 120
TRIALS = [
    Trial("narrow", "infonce", {"width": 16, "dim": 8, "layers": 2, "epochs": 3}),
    Trial("wide", "soft_infonce", {"width": 32, "dim": 8, "layers": 2, "epochs": 3}),
]


def create_corpus_of_two_views() -> Corpus:
    """Create programs whose embeddings are views of one latent space; all clips are one tone."""
    corpus = Corpus.create("views", seconds=0.1)
    corpus.add_programs(
        Program(
            source=f"play {i}\n", name=f"p-{i}", template="t", role="melody", parameters={}, seed=0
        )
        for i in range(PROGRAM_COUNT)
    )
    program_ids = list(corpus.load_programs()["program"])
    wave = 0.1 * np.sin(np.arange(4410) / 16, dtype=np.float32)[:, None].repeat(2, axis=1)
    for program in program_ids:
        corpus.store_render_result(program, RenderResult(Clip(wave)), 0.1)
    rng = np.random.default_rng(0)
    latent = rng.normal(size=(PROGRAM_COUNT, 6))
    for encoder in (CODE, AUDIO):
        spec = encoders.find_encoder_spec(encoder)
        view = np.tanh(latent @ rng.normal(size=(6, spec.dim)) / 2)
        corpus.store_embeddings(encoder, spec.revision, program_ids, view.astype(np.float32))
    corpus.set_corpus_setting("encoders", {"code": CODE, "audio": AUDIO})
    return corpus


def use_quick_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the paper's grid have two small configurations."""
    monkeypatch.setitem(sweep_grids.GRIDS, "paper", lambda: TRIALS)
    monkeypatch.setattr(sweep_grids, "COMMON_SETTINGS", {})
