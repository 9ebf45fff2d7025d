"""The notebooks in examples/ run from the first cell to the last."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from core.workspace import PROJECT_FOLDER

EXAMPLES = PROJECT_FOLDER / "examples"
REPLACEMENTS = {'CORPUS = "starter"': 'CORPUS = "tones"', "EPOCHS = 60": "EPOCHS = 2"}


def run_notebook(name: str) -> dict[str, Any]:
    """Run the code cells of a notebook one after the other; return their variables."""
    notebook = json.loads((EXAMPLES / f"{name}.ipynb").read_text(encoding="utf-8"))
    code_cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] for cell in code_cells)  # Outputs would grow old.
    variables: dict[str, Any] = {}
    for number, cell in enumerate(code_cells):
        source = "".join(cell["source"])
        for old, new in REPLACEMENTS.items():
            source = source.replace(old, new)
        exec(compile(source, f"{name}, code cell {number}", "exec"), variables)
    assert variables["CORPUS"] == "tones"
    return variables


@pytest.fixture
def corpus_workspace(measured_workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(measured_workspace))


def test_every_notebook_has_a_test() -> None:
    names = {path.stem for path in EXAMPLES.glob("*.ipynb")}
    assert names == {"first_prediction", "train_and_evaluate", "rank_candidates"}


@pytest.mark.usefixtures("corpus_workspace")
def test_the_first_prediction() -> None:
    variables = run_notebook("first_prediction")
    neighbours = variables["neighbours"]
    assert neighbours["rank"].tolist() == [1, 2, 3, 4, 5]
    assert all(Path(path).is_file() for path in neighbours["clip_path"])
    assert variables["forecast"].loc["loudness", "value"] < 0
    assert len(variables["variants"]) == 3
    assert variables["clip"].samples.shape == (4 * 44_100, 2)


def test_training_and_evaluation(
    measured_workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(measured_workspace, tmp_path / "workspace")  # The training adds to it.
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "workspace"))
    variables = run_notebook("train_and_evaluate")
    assert variables["aligned_corpus"].record.config["alignment"]["objective"] == "infonce"
    assert {"before", "aligned code ~ aligned audio"} <= set(variables["table"].columns)
    assert "cka_debiased" in variables["table"].index


@pytest.mark.usefixtures("corpus_workspace")
def test_ranking_of_candidates() -> None:
    variables = run_notebook("rank_candidates")
    for result in (variables["diverse"], variables["darker"]):
        assert result["rank"].tolist() == [1, 2, 3, 4, 5]
    # An octave and a half lower is darker than what changes length or tempo.
    order = variables["darker"]["code"].tolist()
    lower, higher = variables["candidates"][3], variables["candidates"][0]
    assert order.index(lower) < order.index(higher)
