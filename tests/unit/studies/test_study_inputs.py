"""Selection of the alignment that a study measures."""

from __future__ import annotations

from types import SimpleNamespace

from core.studies.study_inputs import find_best_alignment


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
    assert find_best_alignment(corpus).id == "0002-x"
    records[:] = records[3:]
    assert find_best_alignment(corpus).id == "0004-x"
    records[:] = records[1:]
    assert find_best_alignment(corpus).id == "0005-x"
