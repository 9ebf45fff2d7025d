"""Evaluation of several alignments on the same programs, and the warning where it is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.corpus import AlignmentRecord, Corpus
from core.errors import EarshotError
from core.pipeline.evaluation_on_common_programs import (
    evaluate_on_common_programs,
    label_splits_agreed_by_all_alignments,
    pivot_common_evaluation,
)
from core.pipeline.trained_alignment_comparison import list_reasons_why_scores_do_not_compare
from core.search.aligned_corpus import open_aligned_corpus
from core.search.unseen_program_splits import TRAINED_PROGRAMS_KEY, hash_trained_programs
from tests.unit.search.alignments import save_untrained_alignment
from tests.unit.search.tone_corpora import make_tone_corpus

PROGRAM_COUNT = 60


@pytest.fixture
def corpus(empty_workspace: Path) -> Corpus:
    return make_tone_corpus("tones", PROGRAM_COUNT)


def save_alignment_of_split(corpus: Corpus, splits: list[str]) -> str:
    """Save an alignment whose training had these splits of the programs."""
    program_ids = list(corpus.load_programs()["program"])
    trained_programs = hash_trained_programs(program_ids, np.array(splits))
    split: dict[str, Any] = {
        "programs": {name: splits.count(name) for name in set(splits)},
        "unseen_templates": [],
        TRAINED_PROGRAMS_KEY: trained_programs,
    }
    return save_untrained_alignment(corpus, split=split)


def make_splits(test_rows: range) -> list[str]:
    """Split the programs: the rows are test programs, every ninth of the others validation."""
    return [
        "test" if row in test_rows else ("validation" if row % 9 == 0 else "train")
        for row in range(PROGRAM_COUNT)
    ]


def test_only_programs_that_no_alignment_was_trained_on_are_evaluated(corpus: Corpus) -> None:
    first = save_alignment_of_split(corpus, make_splits(range(20)))
    second = save_alignment_of_split(corpus, make_splits(range(10, 30)))
    both = [open_aligned_corpus(corpus, alignment_id) for alignment_id in (first, second)]
    labels = label_splits_agreed_by_all_alignments(both, both[0])
    assert set(np.flatnonzero(labels == "test").tolist()) == set(range(10, 20))
    assert (labels[:10] == "left out").all() and (labels[20:30] == "left out").all()
    metrics = evaluate_on_common_programs(both)
    assert set(metrics["alignment"]) == {first, second}
    assert metrics["programs"].unique().tolist() == [10]
    table = pivot_common_evaluation(metrics)
    assert list(table.columns) == ["metric", "reading", first, second]
    assert {"cka", "recall@1 code->audio"} <= set(table["metric"])


def test_alignments_without_common_test_programs_are_refused(corpus: Corpus) -> None:
    ids = [save_alignment_of_split(corpus, make_splits(rows)) for rows in (range(9), range(9, 18))]
    both = [open_aligned_corpus(corpus, alignment_id) for alignment_id in ids]
    with pytest.raises(EarshotError, match="Only 0 programs"):
        evaluate_on_common_programs(both)


def make_record(**changes: Any) -> AlignmentRecord:
    corpus = {"name": "one", "split_seed": 0, "seconds": 18.0}
    split = {
        "programs": {"train": 80},
        "unseen_templates": [],
        TRAINED_PROGRAMS_KEY: {"train": "a"},
    }
    corpus |= {name: value for name, value in changes.items() if name in corpus}
    split |= {name: value for name, value in changes.items() if name in split}
    return AlignmentRecord("0001-0", Path("x"), "", {"corpus": corpus, "split": split}, {})


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"name": "two"}, "different corpora"),
        ({"split_seed": 3}, "different seeds"),
        ({"seconds": 6.0}, "different lengths"),
        ({"unseen_templates": ["a"], "programs": {"train": 70}}, "different templates"),
        ({"programs": {"train": 70}}, "other programs"),
        ({TRAINED_PROGRAMS_KEY: {"train": "b"}}, "other programs"),
    ],
)
def test_a_difference_in_the_programs_is_named(changes: dict[str, Any], difference: str) -> None:
    (found,) = list_reasons_why_scores_do_not_compare(
        [make_record(), make_record(), make_record(**changes)]
    )
    assert difference in found


def test_alignments_of_the_same_programs_have_no_difference() -> None:
    assert list_reasons_why_scores_do_not_compare([make_record(), make_record()]) == []
    assert list_reasons_why_scores_do_not_compare([make_record()]) == []
