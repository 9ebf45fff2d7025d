"""A training that is asked to stop keeps its best heads, and is judged later."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

import core.sonicpi
from core import encoders
from core.alignment import AlignmentConfig
from core.corpus import Corpus
from core.programs import Program
from core.sonicpi import Clip, RenderResult
from core.pipeline.evaluate import evaluate_alignment
from core.search.aligned_corpus import open_aligned_corpus
from core.pipeline.train import train

CODE, AUDIO = "sonicpi", "log-mel"
CONFIG = AlignmentConfig(epochs=50, width=16, dim=8, layers=2, patience=0)


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    monkeypatch.setattr(
        core.sonicpi,
        "compute_render_id",
        lambda source, seconds=18.0: hashlib.sha256(source.encode()).hexdigest(),
    )
    made = Corpus.create("tiny", seconds=0.1)
    programs = [Program(f"play {number}\n", f"one-{number:04d}") for number in range(60)]
    made.add_programs(programs)
    rng = np.random.default_rng(0)
    for program in programs:
        noise = rng.uniform(-0.5, 0.5, (4410, 2)).astype(np.float32)
        made.put_rendering(program.id, RenderResult(Clip(noise)), 0.1)
    ids = [program.id for program in programs]
    for encoder in (CODE, AUDIO):
        entry = encoders.find_encoder_spec(encoder)
        vectors = rng.normal(size=(len(ids), entry.dim)).astype(np.float32)
        made.put_embeddings(encoder, entry.revision, ids, vectors)
    made.set_setting("encoders", {"code": CODE, "audio": AUDIO})
    return made


def test_a_job_that_is_cancelled_keeps_the_best_heads_so_far(corpus: Corpus) -> None:
    told = []

    def progress(step, done, total, note="", data=None):
        told.append((step, done))
        # What a job's progress does once it was asked to end.
        if (step, done) == ("Training", 4):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(Corpus.open("tiny"), CONFIG, progress)
    assert ("Training", 5) not in told
    kept = corpus.load_newest_alignment()
    assert (kept.metrics["stopped"], kept.metrics["epochs"]) == ("cancelled", 4)
    assert 1 <= kept.metrics["best_epoch"] <= 4
    assert kept.metrics["readings"] == [] and corpus.load_map(kept.id) is None

    # Judged later, it keeps what it was judged to reach.
    found = evaluate_alignment(open_aligned_corpus(Corpus.open("tiny"), kept.id))
    again = corpus.load_alignment(kept.id)
    assert len(again.metrics["readings"]) == len(found) > 0
    assert again.metrics["stopped"] == "cancelled"
    assert evaluate_alignment(open_aligned_corpus(Corpus.open("tiny"), kept.id)).equals(found)
