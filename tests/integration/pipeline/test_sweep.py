"""A sweep is run side by side, stopped, gone on with, and told; a training keeps its best."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest

from core import encoders
from core.alignment import AlignmentConfig, grid
from core.alignment.grid import Trial
from core.corpus import Corpus
from core.errors import EarshotError
from core.programs import Program
from core.sonicpi import Clip, RenderResult
from core.pipeline import sweep as stage
from core.search.aligned_corpus import open_aligned_corpus
from core.pipeline.evaluate import evaluate_alignment
from core.pipeline.train import train

CODE, AUDIO = "sentence-transformers/all-MiniLM-L6-v2", "log-mel"
N = 120
TRIALS = [
    Trial("narrow", "infonce", {"width": 16, "dim": 8, "layers": 2, "epochs": 3}),
    Trial("wide", "soft_infonce", {"width": 32, "dim": 8, "layers": 2, "epochs": 3}),
]
QUICK = AlignmentConfig(width=16, dim=8, layers=2, epochs=200, patience=0, precision="fp32")


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    """Programs whose stored vectors are two views of one latent space; clips are one tone."""
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "here"))
    made = Corpus.create("views", seconds=0.1)
    made.add_programs(
        Program(
            source=f"play {i}\n", name=f"p-{i}", template="t", role="melody", parameters={}, seed=0
        )
        for i in range(N)
    )
    ids = list(made.load_programs()["program"])
    wave = 0.1 * np.sin(np.arange(4410) / 16, dtype=np.float32)[:, None].repeat(2, axis=1)
    for program in ids:
        made.put_rendering(program, RenderResult(Clip(wave)), 0.1)
    rng = np.random.default_rng(0)
    latent = rng.normal(size=(N, 6))
    for encoder in (CODE, AUDIO):
        about = encoders.find_encoder_spec(encoder)
        view = np.tanh(latent @ rng.normal(size=(6, about.dim)) / 2)
        made.put_embeddings(encoder, about.revision, ids, view.astype(np.float32))
    made.set_setting("encoders", {"code": CODE, "audio": AUDIO})
    return made


def quick(monkeypatch):
    monkeypatch.setitem(grid.GRIDS, "paper", lambda: TRIALS)
    monkeypatch.setattr(grid, "COMMON_SETTINGS", {})


def test_a_sweep_goes_on_where_it_was_stopped(corpus: Corpus, monkeypatch: pytest.MonkeyPatch):
    quick(monkeypatch)
    told = []

    def stop_after_one(*what):
        told.append(what)
        if what[1] == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stage.run_sweep(Corpus.open("views"), "paper", stop_after_one, seed_count=2, workers=2)
    kept = {path: path.stat().st_mtime_ns for path in corpus.path.glob("sweeps/*/run-*.json")}
    assert kept
    lost = next(iter(kept))  # which of the others were done by then is up to the machine
    lost.unlink()
    del kept[lost]
    sweep_id = stage.run_sweep(Corpus.open("views"), "paper", seed_count=2, workers=2)
    assert all(path.stat().st_mtime_ns == time for path, time in kept.items())
    again = []
    assert (
        stage.run_sweep(Corpus.open("views"), "paper", lambda *w: again.append(w), seed_count=2)
        == sweep_id
    )
    assert [what[1:3] for what in again] == [(4, 4)]  # nothing was done twice
    data = told[-1][4]
    assert data["name"] in ("narrow", "wide") and 0 <= data["metrics"]["cka"] <= 1

    found = stage.load_sweep(Corpus.open("views"))
    assert set(found["name"]) == {"unaligned", "narrow", "wide"}
    table = stage.summarize_sweep(found, "test")
    runs = found[
        (found["number"] == 1)
        & (found["split"] == "test")
        & (found["reading"] == "aligned code ~ aligned audio")
        & (found["metric"] == "cka")
    ]["value"]
    assert len(runs) == 2
    assert table.loc[(1, "wide"), ("cka", "mean")] == pytest.approx(runs.mean())
    assert table.loc[(1, "wide"), ("cka", "sd")] == pytest.approx(runs.std())
    assert (-1, "unaligned") in table.index and stage.find_best_configuration(found, "cka") in (
        0,
        1,
    )


def test_the_grids_are_what_they_say():
    assert len(grid.list_trials("paper")) == 24
    assert len({trial.build_config(0).id for trial in grid.list_trials("paper")}) == 24
    for name in ("ablation", "tradeoff"):
        found = grid.list_trials(name)
        assert len({(trial.build_config(0).id, trial.code_encoder) for trial in found}) == len(
            found
        )
    with pytest.raises(EarshotError):
        grid.list_trials("nothing")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_training_that_is_asked_to_stop_keeps_the_best_heads(corpus: Corpus, number):
    before = signal.getsignal(number)

    def ask(step, done, total, note="", data=None):
        if step == "Training" and done == 3 and "kept" not in note:
            os.kill(os.getpid(), number)

    with pytest.raises(KeyboardInterrupt):
        train(Corpus.open("views"), QUICK, ask)
    assert signal.getsignal(number) is before
    record = corpus.load_newest_alignment()
    assert record.metrics["stopped"] == "cancelled" and record.metrics["epochs"] < 200
    assert len(record.load_history()) == record.metrics["epochs"]
    assert "stopped early" in (record.path / "README.md").read_text("utf-8")
    judged = evaluate_alignment(open_aligned_corpus(Corpus.open("views"), record.id))
    assert {"validation", "test"} <= set(judged["split"]) and judged["value"].notna().any()


@pytest.mark.parametrize("step", ["Evaluating", "Computing the map"])
def test_a_training_that_is_stopped_while_it_is_judged_keeps_its_heads(corpus: Corpus, step):
    def ask(at, done, total, note="", data=None):
        if at == step and done == 1:
            os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        train(Corpus.open("views"), QUICK.from_dict({**QUICK.to_dict(), "epochs": 3}), ask)
    assert signal.getsignal(signal.SIGTERM) is before
    record = corpus.load_newest_alignment()
    assert record.metrics["stopped"] == "epochs" and record.metrics["epochs"] == 3
    assert record.metrics["readings"] == [] and corpus.load_map(record.id) is None
    assert "Not evaluated yet" in (record.path / "README.md").read_text("utf-8")
    assert open_aligned_corpus(Corpus.open("views")).project_code(
        corpus.load_embedding_pairs(CODE, AUDIO).code_embeddings
    ).shape == (N, 8)


def test_an_alignment_works_where_it_is_copied_to(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    record = train(Corpus.open("views"), QUICK.from_dict({**QUICK.to_dict(), "epochs": 3})).record
    expected = open_aligned_corpus(Corpus.open("views")).project_code(
        corpus.load_embedding_pairs(CODE, AUDIO).code_embeddings
    )
    text = (record.path / "README.md").read_text("utf-8")
    assert CODE in text and "95 % intervals" in text and "## Licence" in text

    there = tmp_path / "there" / "corpora" / "other"
    shutil.copytree(corpus.path, there, ignore=shutil.ignore_patterns("alignments"))
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "there"))
    other = Corpus.open("other")
    assert other.load_newest_alignment() is None
    shutil.copytree(record.path, there / "alignments" / record.id)
    aligned = open_aligned_corpus(Corpus.open("other"))
    np.testing.assert_array_equal(aligned.project_code(aligned.pairs.code_embeddings), expected)

    about = encoders.find_encoder_spec(AUDIO)
    ids = list(other.load_programs()["program"])
    other.put_embeddings(AUDIO, about.revision + "9", ids, np.ones((N, 192), np.float32))
    with pytest.raises(EarshotError, match="another revision of log-mel"):
        open_aligned_corpus(other).pairs
    assert Path(record.path).is_dir()
