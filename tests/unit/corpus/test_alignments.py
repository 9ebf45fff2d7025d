"""Alignments on disk: whole or not there, and read back as they were."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from core.corpus import Corpus, alignments
from core.errors import EarshotError

CONFIG = {"temperature": 0.07, "code_encoder": "a", "layers": [512, 128]}
HISTORY = pd.DataFrame({"epoch": [1, 2], "loss": [2.0, 1.5]})


@pytest.fixture
def corpus(tmp_path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    return Corpus.create("tiny")


def heads(seed: int = 0) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    weights = torch.randn(4, 3, generator=generator, requires_grad=True)
    return {"code.0.weight": weights, "code.0.steps": torch.tensor(3)}


def test_it_comes_back_as_it_was(corpus: Corpus):
    metrics = {"test": {"cka": np.float32(0.5), "spearman": float("nan")}, "n": np.int64(4)}
    alignment_id = corpus.save_alignment(CONFIG, heads(), metrics, HISTORY)
    record = corpus.load_alignment(alignment_id)
    assert record.config == CONFIG
    assert record.metrics == {"test": {"cka": 0.5, "spearman": None}, "n": 4}
    for name, tensor in heads().items():
        assert torch.equal(record.load_heads()[name], tensor)
        assert record.load_heads()[name].dtype == tensor.dtype
    pd.testing.assert_frame_equal(record.load_history(), HISTORY)
    assert {path.name for path in record.path.iterdir()} == {
        "README.md",
        "config.json",
        "heads.safetensors",
        "metrics.json",
        "history.parquet",
        "record.json",
    }
    assert record.created.endswith("+00:00")


def test_the_newest_is_the_last_saved(corpus: Corpus):
    assert corpus.load_newest_alignment() is None and corpus.load_alignments() == []
    ids = [corpus.save_alignment(CONFIG, heads(seed), {}, HISTORY) for seed in (3, 1, 2, 1)]
    assert [record.id for record in corpus.load_alignments()] == ids
    assert corpus.load_newest_alignment().id == ids[-1]
    assert [each[:4] for each in ids] == ["0001", "0002", "0003", "0004"]
    assert ids[1][5:] == ids[3][5:] != ids[0][5:]  # the hash tells equal ones


def test_an_unknown_one_is_refused_by_name(corpus: Corpus):
    alignment_id = corpus.save_alignment(CONFIG, heads(), {}, HISTORY)
    for unknown in ("0009-00000000", "../../tiny", "", None):
        with pytest.raises(EarshotError, match=f"There are: {alignment_id}"):
            corpus.load_alignment(unknown)


def test_saving_that_fails_leaves_nothing_to_be_seen(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
):
    kept = corpus.save_alignment(CONFIG, heads(), {}, HISTORY)

    def full(path, frame):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(alignments, "_write_parquet", full)
        with pytest.raises(EarshotError, match="No space left"):
            corpus.save_alignment(CONFIG, heads(1), {}, HISTORY)
    assert [record.id for record in corpus.load_alignments()] == [kept]
    again = corpus.save_alignment(CONFIG, heads(1), {}, HISTORY)
    assert [record.id for record in corpus.load_alignments()] == [kept, again]
    assert not list((corpus.path / "alignments").glob(".partial-*"))


def test_what_json_cannot_hold_is_refused_before_anything_is_written(corpus: Corpus):
    with pytest.raises(EarshotError, match="config cannot be written as JSON"):
        corpus.save_alignment({"device": object()}, heads(), {}, HISTORY)
    with pytest.raises(EarshotError, match="metrics cannot be written as JSON"):
        corpus.save_alignment({}, heads(), {"all": HISTORY}, HISTORY)
    assert corpus.load_alignments() == []


def test_a_build_that_goes_on_does_not_keep_an_alignment_from_being_saved(corpus: Corpus):
    other = Corpus.open("tiny")
    with corpus.lock_for_writing("build tiny"):
        assert other.save_alignment(CONFIG, heads(), {}, HISTORY)


def test_a_map_is_kept_and_replaced(corpus: Corpus):
    alignment_id = corpus.save_alignment(CONFIG, heads(), {}, HISTORY)
    assert corpus.load_map(alignment_id) is None
    for x in (1.0, 2.0):
        points = pd.DataFrame({"program": ["a"], "modality": ["code"], "before_x": [x]})
        corpus.save_map(alignment_id, points)
        pd.testing.assert_frame_equal(corpus.load_map(alignment_id), points)
    with pytest.raises(EarshotError, match="no alignment"):
        corpus.save_map("0009-00000000", points)


@pytest.mark.parametrize("name", ["config.json", "metrics.json", "record.json"])
def test_damaged_json_is_reported(corpus: Corpus, name):
    alignment_id = corpus.save_alignment(CONFIG, heads(), {}, HISTORY)
    path = corpus.path / "alignments" / alignment_id / name
    path.write_text("{")
    with pytest.raises(EarshotError, match="missing or damaged") as caught:
        corpus.load_alignment(alignment_id)
    assert caught.value.where == str(path)


def test_damaged_tensors_and_tables_are_reported(corpus: Corpus):
    record = corpus.load_alignment(corpus.save_alignment(CONFIG, heads(), {}, HISTORY))
    for name, read in (("heads.safetensors", record.load_heads), ("history.parquet", record.load_history)):
        content = (record.path / name).read_bytes()
        (record.path / name).write_bytes(content[: len(content) // 2])
        with pytest.raises(EarshotError, match="missing or damaged"):
            read()
        (record.path / name).unlink()
        with pytest.raises(EarshotError, match="missing or damaged"):
            read()
