"""Selection of the alignment that a study measures."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from core.errors import EarshotError
from core.studies.study_inputs import (
    choose_held_out_audio_encoder,
    find_best_alignment_on_validation_programs,
)


def make_record(number: int, audio_encoder: str, overlap: float | None, unseen_templates=()):
    reading = {"split": "validation", "reading": "aligned code ~ raw audio", "metric": "overlap@3"}
    return SimpleNamespace(
        id=f"{number:04d}-x",
        metrics={"readings": [{**reading, "value": overlap}]},
        config={
            "encoders": {"audio": {"id": audio_encoder}},
            "split": {"unseen_templates": unseen_templates},
        },
    )


def test_the_best_alignment_has_the_corpus_encoder_and_all_templates():
    records = [
        make_record(1, "aisfx", 0.3),
        make_record(2, "aisfx", 0.4),
        make_record(3, "log-mel", 0.9),
        make_record(4, "aisfx", None),
        make_record(5, "aisfx", 0.8, ["02_1_beeps"]),
    ]
    corpus = SimpleNamespace(
        load_alignments=lambda: records, settings={"encoders": {"audio": "aisfx"}}
    )
    assert find_best_alignment_on_validation_programs(corpus).id == "0002-x"
    records[:] = records[3:]
    assert find_best_alignment_on_validation_programs(corpus).id == "0004-x"
    records[:] = records[1:]
    assert find_best_alignment_on_validation_programs(corpus).id == "0005-x"


@pytest.mark.parametrize(
    ("training_encoder", "expected"),
    [
        ("log-mel", "aisfx"),
        ("aisfx", "log-mel"),
        ("aisfx+log-mel", "musicnn"),
        ("aisfx+log-mel+musicnn-short", "aspects"),  # The default of a new corpus.
        ("aisfx+log-mel+musicnn+aspects", "descriptors"),
    ],
)
def test_held_out_audio_encoder_shares_nothing_with_the_training_encoder(
    training_encoder: str, expected: str
) -> None:
    assert choose_held_out_audio_encoder(training_encoder) == expected
    assert choose_held_out_audio_encoder(training_encoder, "log-mel") == "log-mel"


def test_no_encoder_left_to_hold_out_is_an_error() -> None:
    with pytest.raises(EarshotError, match="every audio encoder"):
        choose_held_out_audio_encoder("aisfx+log-mel+musicnn+aspects+descriptors")
