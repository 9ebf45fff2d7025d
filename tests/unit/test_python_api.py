"""The Python API for scripts and notebooks, and its page."""

from __future__ import annotations

import inspect
import shutil
from pathlib import Path

import numpy as np
import pytest

from core.errors import EarshotError
from core.python_api import AlignedCorpus, Corpus, evaluate, render, train
from core.workspace import PROJECT_FOLDER
from tests.measured_workspace import write_repeated_note

LOW, HIGH = write_repeated_note(42), write_repeated_note(84)


@pytest.fixture(autouse=True)
def workspace(measured_workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(measured_workspace))


def test_answers_are_data_frames():
    corpus = AlignedCorpus.open("tones")
    assert corpus.predict(LOW, neighbour_count=3)["rank"].tolist() == [1, 2, 3]
    forecast = corpus.forecast(LOW)
    assert forecast.loc["loudness", "low"] < forecast.loc["loudness", "value"]
    suggested = corpus.suggest(LOW, pick_count=2)
    assert len(suggested) == 2 and (suggested["distance"] >= 0).all()
    ranked = corpus.rank([LOW, "puts 1", HIGH], mode="toward", target="higher")
    assert ranked["index"].tolist() == [2, 0]
    ranked = corpus.rank([LOW, HIGH], program=LOW, pick_count=1)
    assert ranked["index"].tolist() == [1] and ranked["distance"].item() > 0


def test_embeddings_and_their_projection_are_arrays():
    corpus = AlignedCorpus.open("tones")
    projected = corpus.project_code_embeddings(corpus.pairs.code_embeddings)
    sounds = corpus.project_audio_embeddings(corpus.pairs.audio_embeddings)
    assert projected.shape == sounds.shape and len(projected) == len(corpus.pairs.program_ids)
    assert np.allclose((projected**2).sum(axis=1), 1, atol=1e-4)


def test_unknown_names_are_errors():
    for name, alignment in (("absent", None), ("tones", "9999-00000000")):
        with pytest.raises(EarshotError):
            AlignedCorpus.open(name, alignment)
    with pytest.raises(EarshotError, match="mode: Input should be 'diverse'"):
        AlignedCorpus.open("tones").rank([LOW], mode="sideways")


def test_silent_code_is_an_error():
    with pytest.raises(EarshotError, match="Nothing in this code would sound"):
        AlignedCorpus.open().predict("puts 1")


def test_an_alignment_is_trained_evaluated_and_used(
    measured_workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(measured_workspace, tmp_path / "workspace")  # The training adds to it.
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "workspace"))
    trained = train("tones", "infonce", epochs=2, seed=3)
    record = Corpus.open("tones").load_alignment(trained.record.id)
    assert record.config["alignment"]["objective"] == "infonce"
    assert (record.config["alignment"]["epochs"], record.config["alignment"]["seed"]) == (2, 3)
    metrics = evaluate(trained)
    assert {"before", "aligned code ~ aligned audio"} <= set(metrics["reading"])
    assert {"split", "metric", "value", "low", "high", "programs"} <= set(metrics)
    assert len(trained.predict(LOW, neighbour_count=2)) == 2
    with pytest.raises(EarshotError):
        train("tones", "nonsense")
    with pytest.raises(EarshotError):
        train("tones", "infonce", no_such_setting=1)
    with pytest.raises(EarshotError):
        evaluate("tones", "9999-00000000")


def test_a_corpus_and_a_render_are_arrays_and_frames() -> None:
    programs = Corpus.open("tones").load_programs()
    assert {"program", "source", "template"} <= set(programs)
    clip = render("play 60, release: 0.1", seconds=0.5)
    assert clip.samples.shape == (22_050, 2) and 0.01 < abs(clip.samples).max() <= 1


def test_the_page_lists_every_method_with_its_signature():
    page = (PROJECT_FOLDER / "docs/python_api.md").read_text(encoding="utf-8")
    for name, method in vars(AlignedCorpus).items():
        if name.startswith("_") or not inspect.isfunction(method):
            continue
        parameters = list(inspect.signature(method).parameters.values())[1:]
        signature = ", ".join(
            item.name if item.default is item.empty else f"{item.name}={item.default!r}"
            for item in parameters
        ).replace("'", '"')
        assert f"`AlignedCorpus.{name}({signature})`" in page
