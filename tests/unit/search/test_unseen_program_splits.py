"""Splits of the programs that an alignment is evaluated on."""

from __future__ import annotations

import numpy as np

from core.search.unseen_program_splits import (
    hash_trained_programs,
    relabel_splits_of_trained_programs,
    relabel_splits_of_unseen_templates,
)

IDS = ["a", "b", "c", "d"]
SPLITS = np.array(["train", "validation", "test", "train"])


def test_trained_programs_keep_their_part_in_another_corpus() -> None:
    record = hash_trained_programs(IDS, SPLITS)
    other_ids = ["d", "x", "b", "c", "a"]
    other_splits = np.array(["test", "test", "test", "test", "validation"])
    relabelled = relabel_splits_of_trained_programs(other_ids, other_splits, record)
    assert relabelled.tolist() == ["train", "test", "validation", "test", "train"]


def test_the_corpus_of_the_training_stays_as_it_is() -> None:
    record = hash_trained_programs(IDS, SPLITS)
    assert relabel_splits_of_trained_programs(IDS, SPLITS, record).tolist() == SPLITS.tolist()
    assert relabel_splits_of_trained_programs(IDS, SPLITS, {}).tolist() == SPLITS.tolist()


def test_the_record_does_not_show_ids() -> None:
    record = hash_trained_programs(["a" * 32], np.array(["train"]))
    assert record["validation"] == "" and len(record["train"]) == 12
    assert "a" * 6 not in record["train"]


def test_templates_and_styles_that_are_held_out_are_splits_of_their_own() -> None:
    templates = np.array(["beeps", "composed-acid", "bells", "composed-dub"])
    labels = relabel_splits_of_unseen_templates(SPLITS, templates, ["bells", "composed-acid"])
    assert labels.tolist() == ["train", "unseen grammar styles", "unseen templates", "train"]
