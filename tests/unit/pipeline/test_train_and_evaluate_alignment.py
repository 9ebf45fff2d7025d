"""A cancelled training saves its best heads, which can be evaluated later."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.alignment import AlignmentConfig
from core.corpus import Corpus
from core.errors import EarshotError
from core.pipeline.evaluate_alignment_on_held_out_programs import evaluate_alignment
from core.pipeline.train_and_evaluate_alignment import _choose_unseen_templates, train
from core.programs import Program
from core.search.aligned_corpus import open_aligned_corpus
from core.sonicpi import Clip, RenderResult
from tests.fake_rendering import put_random_embeddings

CODE, AUDIO = "sonicpi", "log-mel"
CONFIG = AlignmentConfig(epochs=50, width=16, dim=8, layers=2, patience=0)


@pytest.fixture
def corpus(empty_workspace: Path) -> Corpus:
    corpus = Corpus.create("tiny", seconds=0.1)
    programs = [Program(f"play {number}\n", f"one-{number:04d}") for number in range(60)]
    corpus.add_programs(programs)
    rng = np.random.default_rng(0)
    for program in programs:
        noise = rng.uniform(-0.5, 0.5, (4410, 2)).astype(np.float32)
        corpus.store_render_result(program.id, RenderResult(Clip(noise)), 0.1)
    put_random_embeddings(corpus, (CODE, AUDIO), [program.id for program in programs], rng)
    return corpus


def test_a_cancelled_training_saves_the_best_heads_so_far(corpus: Corpus) -> None:
    progress_calls = []

    def progress(step, done, total, note="", data=None):
        progress_calls.append((step, done))
        # The progress of a cancelled job raises this.
        if (step, done) == ("Training", 4):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(Corpus.open("tiny"), CONFIG, progress)
    assert ("Training", 5) not in progress_calls
    record = corpus.load_newest_alignment()
    assert (record.metrics["stopped"], record.metrics["epochs"]) == ("cancelled", 4)
    assert 1 <= record.metrics["best_epoch"] <= 4
    assert record.metrics["readings"] == [] and corpus.load_alignment_map_points(record.id) is None

    # A later evaluation saves its metrics.
    metrics = evaluate_alignment(open_aligned_corpus(Corpus.open("tiny"), record.id))
    evaluated = corpus.load_alignment(record.id)
    assert len(evaluated.metrics["readings"]) == len(metrics) > 0
    assert evaluated.metrics["stopped"] == "cancelled"
    assert evaluate_alignment(open_aligned_corpus(Corpus.open("tiny"), record.id)).equals(metrics)


def test_a_grammar_template_is_held_out_by_the_id_that_users_see(corpus: Corpus) -> None:
    composed = [Program(f"play {n}, amp: 0.5\n", f"c-{n}", "composed-acid") for n in range(3)]
    corpus.add_programs(composed)
    assert _choose_unseen_templates(corpus, ["grammar-acid"]) == ["composed-acid"]
    assert _choose_unseen_templates(corpus, ["composed-acid"]) == ["composed-acid"]
    with pytest.raises(EarshotError, match="no program of template 'dub'") as raised:
        _choose_unseen_templates(corpus, ["dub"])
    assert raised.value.remedy == "It has: grammar-acid."
