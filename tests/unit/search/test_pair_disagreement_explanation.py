"""Tests of the explanation of a pair on which code and sound disagree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.corpus import AlignmentRecord
from core.encoders.aspect_vectors import ASPECTS
from core.encoders.clip_descriptor_definitions import CLIP_DESCRIPTORS
from core.encoders.sound_simulation_encoder import simulate_aspects
from core.search.aspect_similarity import AspectIndex
from core.search.pair_disagreement_explanation import (
    AspectSimilarity,
    PairComparison,
    compare_pair_by_aspect,
    describe_training_difference_of_pair,
    explain_disagreement,
    format_percentage,
)
from core.search.unseen_program_splits import TRAINED_PROGRAMS_KEY, hash_trained_programs

PAIR = PairComparison(
    {"timbre": AspectSimilarity(0.2, 0.7), "rhythm": AspectSimilarity(0.9, 0.1)}, "busier"
)


def make_record(trained_ids: list[str]) -> AlignmentRecord:
    hashes = hash_trained_programs(trained_ids, np.array(["train"] * len(trained_ids)))
    config = {"split": {TRAINED_PROGRAMS_KEY: hashes}} if trained_ids else {}
    return AlignmentRecord("1", Path("none"), "", config, {})


@pytest.mark.parametrize(
    ("fraction", "text"), [(0.12, "12%"), (0.0002, "0.02%"), (0.9997, "99.97%"), (1.0, "100%")]
)
def test_a_share_keeps_its_distance_from_none_and_all(fraction: float, text: str) -> None:
    assert format_percentage(fraction) == text


def test_the_aspect_that_misleads_most_is_named() -> None:
    alike = explain_disagreement(True, (0.01, 0.98), PAIR)
    assert "most in rhythm: predicted similarity 0.90, true similarity 0.10" in alike
    assert alike.endswith("The second clip against the first: busier.")
    different = explain_disagreement(False, (0.98, 0.01), PAIR)
    assert different.startswith("The sound is more similar than in 99% of all pairs, but the code")
    assert "most in timbre: predicted similarity 0.20, true similarity 0.70" in different


def test_no_aspect_is_blamed_without_a_reason() -> None:
    agreed = PairComparison({"level": AspectSimilarity(0.3, 0.8)}, "")
    assert "No single aspect explains it" in explain_disagreement(True, (0.01, 0.98), agreed)
    assert "clip" not in explain_disagreement(True, (0.01, 0.98), None)


def test_equal_programs_are_predicted_to_be_equal() -> None:
    source = "play 60\nsleep 0.5\nplay 67"
    rng = np.random.default_rng(0)
    dim = len(simulate_aspects(source, 2.0))
    index = AspectIndex({"a": 0, "b": 1}, np.zeros(dim), np.ones(dim), {}, np.zeros((3, 1)))
    parts = index.standardize_aspects(rng.normal(size=(3, dim)))
    index = AspectIndex(
        index.row_by_program, index.mean, index.scale, parts, np.zeros((3, len(CLIP_DESCRIPTORS)))
    )
    comparison = compare_pair_by_aspect(index, {"a": source, "b": source}, 2.0)
    assert comparison is not None and set(comparison.aspects) == set(ASPECTS)
    for name, aspect in comparison.aspects.items():
        assert aspect.predicted == pytest.approx(1, abs=1e-5)
        assert aspect.measured == pytest.approx(float(parts[name][0] @ parts[name][1]))
    assert compare_pair_by_aspect(index, {"a": source, "c": source}, 2.0) is None


def test_a_pair_of_which_one_was_trained_on_is_named() -> None:
    splits = {"a": "train", "b": "train"}
    # A template that training held out keeps its stored split.
    clause = describe_training_difference_of_pair(make_record(["b"]), splits)
    assert clause == "the second program took part in training, the first did not"
    assert describe_training_difference_of_pair(make_record(["a", "b"]), splits) == ""
    # An alignment that records no programs is judged by the stored splits.
    without_record = describe_training_difference_of_pair(
        make_record([]), {"a": "train", "b": "test"}
    )
    assert without_record.startswith("the first program took part")
