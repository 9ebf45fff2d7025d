"""A small dataset is rebuilt bit for bit, and a change of one program or clip is found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import soundfile

from core import cli
from core.corpus import Corpus
from core.pipeline.dataset_recipe import DatasetRecipe, load_recipe, save_recipe

RECIPE = DatasetRecipe("tiny", 1, 1, ["acid"], ["02_1_beeps", "03_1_samples"], seconds=0.5)


@pytest.fixture(scope="module")
def recipe_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recipe of three programs with the checksums of a first build."""
    folder = tmp_path_factory.mktemp("first")
    save_recipe(RECIPE, folder / "tiny.json")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARSHOT_WORKSPACE", str(folder / "workspace"))
        assert cli.main(["dataset", str(folder / "tiny.json"), "--record"]) == 0
    return folder / "tiny.json"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    return tmp_path


def test_another_workspace_gets_the_same_programs_and_samples(
    recipe_path: Path, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    digests = load_recipe(recipe_path).digests
    assert set(digests) == {"02_1_beeps", "03_1_samples", "composed-acid"}
    out = workspace / "published"
    assert cli.main(["dataset", str(recipe_path), "--out", str(out)]) == 0
    assert "bit for bit" in capsys.readouterr().out
    card = (out / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\n") and "license:" in card and "## Columns" in card
    assert len(list(out.glob("*/*.flac"))) == 3 and (out / "SHA256SUMS").is_file()

    assert cli.main(["dataset", str(recipe_path), "--check", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["differences"] == []
    clip = Path(Corpus.open("tiny").load_programs()["audio"].iloc[0])
    samples, rate = soundfile.read(clip, dtype="int16")
    samples[100] ^= 1  # The least significant bit of one sample.
    soundfile.write(clip, samples, rate, subtype="PCM_16")
    assert cli.main(["dataset", str(recipe_path), "--check"]) == 1
    assert "other samples in their clips" in capsys.readouterr().err


def test_a_corpus_with_missing_programs_differs(
    recipe_path: Path, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Corpus.create("tiny", seconds=0.5)
    assert cli.main(["dataset", str(recipe_path), "--check", "--json"]) == 1
    output, errors = capsys.readouterr()
    assert "composed-acid: 0 of 1 programs." in errors
    assert json.loads(output)["differences"]  # One row, which describes the failure.
    assert workspace.is_dir()
