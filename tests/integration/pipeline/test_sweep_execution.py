"""A sweep runs in parallel and resumes; a stopped training saves its best heads."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest

from core import encoders
from core.alignment import AlignmentConfig, sweep_grids
from core.corpus import Corpus
from core.errors import EarshotError
from core.pipeline import sweep_execution, sweep_results
from core.pipeline.evaluate_alignment_on_held_out_programs import evaluate_alignment
from core.pipeline.train_and_evaluate_alignment import train
from core.search.aligned_corpus import open_aligned_corpus
from tests.integration.pipeline.sweep_corpus import (
    AUDIO,
    CODE,
    PROGRAM_COUNT,
    create_corpus_of_two_views,
    use_quick_grid,
)

QUICK = AlignmentConfig(width=16, dim=8, layers=2, epochs=200, patience=0, precision="fp32")


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "here"))
    return create_corpus_of_two_views()


def test_a_sweep_resumes_where_it_was_stopped(corpus: Corpus, monkeypatch: pytest.MonkeyPatch):
    use_quick_grid(monkeypatch)
    progress_calls = []

    def stop_after_one_run(*call):
        progress_calls.append(call)
        if call[1] == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep_execution.run_sweep(
            Corpus.open("views"), "paper", stop_after_one_run, seed_count=2, workers=2
        )
    finished_runs = {
        path: path.stat().st_mtime_ns for path in corpus.path.glob("sweeps/*/run-*.json")
    }
    assert finished_runs
    removed_run = next(iter(finished_runs))  # how many others were finished depends on the machine
    removed_run.unlink()
    del finished_runs[removed_run]
    sweep_id = sweep_execution.run_sweep(Corpus.open("views"), "paper", seed_count=2, workers=2)
    assert all(path.stat().st_mtime_ns == time for path, time in finished_runs.items())
    resumed_calls = []
    assert (
        sweep_execution.run_sweep(
            Corpus.open("views"), "paper", lambda *w: resumed_calls.append(w), seed_count=2
        )
        == sweep_id
    )
    assert [call[1:3] for call in resumed_calls] == [(4, 4)]  # nothing was run twice
    data = progress_calls[-1][4]
    assert data["name"] in ("narrow", "wide") and 0 <= data["metrics"]["cka"] <= 1

    words = sweep_results.describe_sweep(Corpus.open("views"), sweep_id)
    assert words.startswith("paper grid, 20") and words.endswith("4 runs of 2 configurations")
    assert f", {PROGRAM_COUNT} programs, " in words
    results = sweep_results.load_sweep_results(Corpus.open("views"))
    names = results.drop_duplicates("number").set_index("number")["name"]
    assert {names[number] for number in (-1, 0, 1)} == {"unaligned", "narrow", "wide"}
    assert names[-101].startswith("linear CCA, ") and names[-102].startswith("linear ridge, ")
    linear = results[(results["number"] <= -101) & (results["split"] == "test")]
    assert {"aligned code ~ aligned audio", "aligned code ~ raw audio"} == set(linear["reading"])
    is_first_seed = (results["split"] == "test") & (results["metric"] == "cka")
    is_first_seed &= (results["number"] >= 0) & (results["seed"] == 0)
    assert results[is_first_seed]["low"].notna().all(), "the interval over programs"
    table = sweep_results.summarize_sweep_results(results, "test")
    runs = results[
        (results["number"] == 1)
        & (results["split"] == "test")
        & (results["reading"] == "aligned code ~ aligned audio")
        & (results["metric"] == "cka")
    ]["value"]
    assert len(runs) == 2
    assert table.loc[(1, "wide"), ("cka", "mean")] == pytest.approx(runs.mean())
    assert table.loc[(1, "wide"), ("cka", "sd")] == pytest.approx(runs.std())
    assert (-1, "unaligned") in table.index
    assert sweep_results.find_best_configuration_number(results, "cka") in (0, 1)
    # Some metrics have no value on few programs.
    without_cka = results.assign(value=results["value"].mask(results["metric"] == "cka"))
    assert sweep_results.find_best_configuration_number(without_cka, "cka") is None


def test_the_configurations_of_a_grid_differ():
    assert len(sweep_grids.list_grid_trials("paper")) == 24
    assert (
        len({trial.build_alignment_config(0).id for trial in sweep_grids.list_grid_trials("paper")})
        == 24
    )
    for name in ("ablation", "tradeoff"):
        trials = sweep_grids.list_grid_trials(name)
        configurations = {
            (trial.build_alignment_config(0).id, trial.code_encoder) for trial in trials
        }
        assert len(configurations) == len(trials)
    with pytest.raises(EarshotError):
        sweep_grids.list_grid_trials("nothing")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_training_stopped_by_a_signal_saves_the_best_heads(corpus: Corpus, number):
    previous_handler = signal.getsignal(number)

    def progress(step, done, total, note="", data=None):
        if step == "Training" and done == 3 and "saved" not in note:
            os.kill(os.getpid(), number)

    with pytest.raises(KeyboardInterrupt):
        train(Corpus.open("views"), QUICK, progress)
    assert signal.getsignal(number) is previous_handler
    record = corpus.load_newest_alignment()
    assert record.metrics["stopped"] == "cancelled" and record.metrics["epochs"] < 200
    assert len(record.load_training_history()) == record.metrics["epochs"]
    assert "stopped early" in (record.path / "README.md").read_text("utf-8")
    metrics = evaluate_alignment(open_aligned_corpus(Corpus.open("views"), record.id))
    assert {"validation", "test"} <= set(metrics["split"]) and metrics["value"].notna().any()


@pytest.mark.parametrize("step", ["Evaluating", "Computing the map"])
def test_a_training_stopped_during_evaluation_saves_its_heads(corpus: Corpus, step):
    def progress(current_step, done, total, note="", data=None):
        if current_step == step and done == 1:
            os.kill(os.getpid(), signal.SIGTERM)

    previous_handler = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        train(Corpus.open("views"), QUICK.from_dict({**QUICK.to_dict(), "epochs": 3}), progress)
    assert signal.getsignal(signal.SIGTERM) is previous_handler
    record = corpus.load_newest_alignment()
    assert record.metrics["stopped"] == "epochs" and record.metrics["epochs"] == 3
    assert record.metrics["readings"] == [] and corpus.load_alignment_map_points(record.id) is None
    assert "Not evaluated yet" in (record.path / "README.md").read_text("utf-8")
    assert open_aligned_corpus(Corpus.open("views")).project_code_embeddings(
        corpus.load_embedding_pairs(CODE, AUDIO).code_embeddings
    ).shape == (PROGRAM_COUNT, 8)


def test_an_alignment_works_in_another_workspace(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    record = train(Corpus.open("views"), QUICK.from_dict({**QUICK.to_dict(), "epochs": 3})).record
    expected = open_aligned_corpus(Corpus.open("views")).project_code_embeddings(
        corpus.load_embedding_pairs(CODE, AUDIO).code_embeddings
    )
    readme = (record.path / "README.md").read_text("utf-8")
    assert CODE in readme and "95 % intervals" in readme and "## Licence" in readme

    copied_folder = tmp_path / "there" / "corpora" / "other"
    shutil.copytree(corpus.path, copied_folder, ignore=shutil.ignore_patterns("alignments"))
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "there"))
    other = Corpus.open("other")
    assert other.load_newest_alignment() is None
    shutil.copytree(record.path, copied_folder / "alignments" / record.id)
    aligned = open_aligned_corpus(Corpus.open("other"))
    np.testing.assert_array_equal(
        aligned.project_code_embeddings(aligned.pairs.code_embeddings), expected
    )

    spec = encoders.find_encoder_spec(AUDIO)
    program_ids = list(other.load_programs()["program"])
    other.store_embeddings(
        AUDIO, spec.revision + "9", program_ids, np.ones((PROGRAM_COUNT, 192), np.float32)
    )
    with pytest.raises(EarshotError, match="another revision of log-mel"):
        len(open_aligned_corpus(other).pairs)
    assert Path(record.path).is_dir()
