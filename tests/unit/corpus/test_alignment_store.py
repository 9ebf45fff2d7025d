"""Alignments are saved whole or not at all, and are read back unchanged."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from core.corpus import Corpus, alignment_store
from core.corpus.disagreement_pair_storage import load_disagreement_pairs, save_disagreement_pairs
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


def test_an_alignment_is_read_back_unchanged(corpus: Corpus):
    metrics = {"test": {"cka": np.float32(0.5), "spearman": float("nan")}, "n": np.int64(4)}
    alignment_id = corpus.save_alignment(CONFIG, heads(), metrics, HISTORY)
    record = corpus.load_alignment(alignment_id)
    assert record.config == CONFIG
    assert record.metrics == {"test": {"cka": 0.5, "spearman": None}, "n": 4}
    for name, tensor in heads().items():
        assert torch.equal(record.load_projection_head_weights()[name], tensor)
        assert record.load_projection_head_weights()[name].dtype == tensor.dtype
    pd.testing.assert_frame_equal(record.load_training_history(), HISTORY)
    assert {path.name for path in record.path.iterdir()} == {
        "README.md",
        "config.json",
        "heads.safetensors",
        "metrics.json",
        "history.parquet",
        "record.json",
    }
    assert record.created.endswith("+00:00")


def test_the_newest_alignment_is_the_last_saved(corpus: Corpus):
    assert corpus.load_newest_alignment() is None and corpus.load_alignments() == []
    ids = [corpus.save_alignment(CONFIG, heads(seed), {}, HISTORY) for seed in (3, 1, 2, 1)]
    assert [record.id for record in corpus.load_alignments()] == ids
    assert corpus.load_newest_alignment().id == ids[-1]
    assert [alignment_id[:4] for alignment_id in ids] == ["0001", "0002", "0003", "0004"]
    assert ids[1][5:] == ids[3][5:] != ids[0][5:]  # Equal alignments have equal hashes.


def test_an_unknown_id_is_refused_and_the_known_ids_are_named(corpus: Corpus):
    alignment_id = corpus.save_alignment(CONFIG, heads(), {}, HISTORY)
    for unknown in ("0009-00000000", "../../tiny", "", None):
        with pytest.raises(EarshotError, match=f"There are: {alignment_id}"):
            corpus.load_alignment(unknown)


def test_saving_that_fails_leaves_nothing_behind(corpus: Corpus, monkeypatch: pytest.MonkeyPatch):
    first = corpus.save_alignment(CONFIG, heads(), {}, HISTORY)

    def raise_disk_full(path, frame):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(alignment_store, "_write_parquet", raise_disk_full)
        with pytest.raises(EarshotError, match="No space left"):
            corpus.save_alignment(CONFIG, heads(1), {}, HISTORY)
    assert [record.id for record in corpus.load_alignments()] == [first]
    second = corpus.save_alignment(CONFIG, heads(1), {}, HISTORY)
    assert [record.id for record in corpus.load_alignments()] == [first, second]
    assert not list((corpus.path / "alignments").glob(".partial-*"))


def test_values_that_json_cannot_hold_are_refused_before_anything_is_written(corpus: Corpus):
    with pytest.raises(EarshotError, match="config cannot be written as JSON"):
        corpus.save_alignment({"device": object()}, heads(), {}, HISTORY)
    with pytest.raises(EarshotError, match="metrics cannot be written as JSON"):
        corpus.save_alignment({}, heads(), {"all": HISTORY}, HISTORY)
    assert corpus.load_alignments() == []


def test_an_alignment_is_saved_while_a_build_is_running(corpus: Corpus):
    other = Corpus.open("tiny")
    with corpus.lock_for_writing("build tiny"):
        assert other.save_alignment(CONFIG, heads(), {}, HISTORY)


def test_a_map_is_saved_and_replaced(corpus: Corpus):
    alignment_id = corpus.save_alignment(CONFIG, heads(), {}, HISTORY)
    assert corpus.load_alignment_map_points(alignment_id) is None
    for x in (1.0, 2.0):
        points = pd.DataFrame({"program": ["a"], "modality": ["code"], "before_x": [x]})
        corpus.save_map_points(alignment_id, points)
        pd.testing.assert_frame_equal(corpus.load_alignment_map_points(alignment_id), points)
    with pytest.raises(EarshotError, match="no alignment"):
        corpus.save_map_points("0009-00000000", points)


@pytest.mark.parametrize("name", ["config.json", "metrics.json", "record.json"])
def test_damaged_json_is_reported(corpus: Corpus, name):
    alignment_id = corpus.save_alignment(CONFIG, heads(), {}, HISTORY)
    path = corpus.path / "alignments" / alignment_id / name
    path.write_text("{")
    with pytest.raises(EarshotError, match="missing or damaged") as error:
        corpus.load_alignment(alignment_id)
    assert error.value.where == str(path)


def test_damaged_tensors_and_tables_are_reported(corpus: Corpus):
    record = corpus.load_alignment(corpus.save_alignment(CONFIG, heads(), {}, HISTORY))
    for name, load in (
        ("heads.safetensors", record.load_projection_head_weights),
        ("history.parquet", record.load_training_history),
    ):
        content = (record.path / name).read_bytes()
        (record.path / name).write_bytes(content[: len(content) // 2])
        with pytest.raises(EarshotError, match="missing or damaged"):
            load()
        (record.path / name).unlink()
        with pytest.raises(EarshotError, match="missing or damaged"):
            load()


PAIRS = pd.DataFrame({"first": ["a"], "second": ["b"]})
POINTS = pd.DataFrame({"program": ["a"], "before_x": [1.0]})


def test_every_write_to_an_alignment_changes_the_stamp_and_reading_does_not(corpus: Corpus):
    stamps = [corpus.change_stamp]
    alignment_id = corpus.save_alignment(CONFIG, heads(), {}, HISTORY)
    record = corpus.load_alignment(alignment_id)
    stamps.append(corpus.change_stamp)
    for write in (
        lambda: corpus.save_map_points(alignment_id, POINTS),
        lambda: corpus.save_map_points(alignment_id, POINTS),
        lambda: corpus.save_alignment_metrics(alignment_id, {"epochs": 3}),
        lambda: save_disagreement_pairs(record, PAIRS),
        lambda: corpus.save_alignment(CONFIG, heads(), {}, HISTORY),
    ):
        write()
        stamps.append(corpus.change_stamp)
        (
            corpus.load_alignments(),
            corpus.load_alignment_map_points(alignment_id),
            load_disagreement_pairs(record),
        )
        assert corpus.find_corpus_faults() == [] and corpus.list_alignment_ids()[0] == alignment_id
        assert Corpus.open("tiny").change_stamp == stamps[-1]
    assert len(set(stamps)) == len(stamps)
    assert not list((corpus.path / "alignments").glob(".partial-*"))


def test_the_stamp_changes_only_after_the_file_is_in_place(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
):
    alignment_id = corpus.save_alignment(CONFIG, heads(), {}, HISTORY)
    maps_at_stamp = []
    update = alignment_store.update_alignments_change_stamp

    def record_map(folder):
        maps_at_stamp.append(corpus.load_alignment_map_points(alignment_id))
        update(folder)

    monkeypatch.setattr(alignment_store, "update_alignments_change_stamp", record_map)
    corpus.save_map_points(alignment_id, POINTS)
    pd.testing.assert_frame_equal(maps_at_stamp[0], POINTS)


def test_a_read_only_workspace_refuses_every_write(corpus: Corpus, monkeypatch: pytest.MonkeyPatch):
    alignment_id = corpus.save_alignment(CONFIG, heads(), {}, HISTORY)
    record = corpus.load_alignment(alignment_id)
    folder = corpus.path / "alignments"
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    monkeypatch.setenv("EARSHOT_READ_ONLY", "1")
    for write in (
        lambda: corpus.save_alignment(CONFIG, heads(1), {}, HISTORY),
        lambda: corpus.save_map_points(alignment_id, POINTS),
        lambda: corpus.save_alignment_metrics(alignment_id, {}),
        lambda: save_disagreement_pairs(record, PAIRS),
    ):
        with pytest.raises(EarshotError, match="this workspace is read-only"):
            write()
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert corpus.change_stamp == Corpus.open("tiny").change_stamp


def test_a_config_with_old_names_is_read_with_todays(corpus: Corpus):
    config = {"alignment": {"objective": "kernel", "penalty": 0.3}}
    metrics = {"stopped": "asked", "sureness": {"programs": 33, "right": 0.5}}
    record = corpus.load_alignment(corpus.save_alignment(config, heads(), metrics, HISTORY))
    assert record.config == {"alignment": {"objective": "kernel_ridge", "l2": 0.3}}
    assert record.metrics == {
        "stopped": "cancelled",
        "confidence": {"program_count": 33, "correct_fraction": 0.5},
    }
