"""Model card of an alignment."""

from __future__ import annotations

from typing import Any

from core.corpus.alignment_model_card import format_model_card

CONFIG: dict[str, Any] = {
    "alignment": {"objective": "kernel_ridge"},
    "encoders": {
        "code": {"id": "sonicpi", "revision": "3", "dim": 900},
        "audio": {"id": "aisfx", "revision": "1", "dim": 512},
    },
    "corpus": {"name": "lab", "split_seed": 0, "seconds": 6.0, "templates": ["beeps", "bells"]},
    "split": {"programs": {"train": 70, "test": 30}, "unseen_templates": ["drums"]},
    "threads": 2,
}


def test_the_card_says_what_made_the_alignment_and_how_to_load_it() -> None:
    card = format_model_card(CONFIG, {}, "2026-09-01T10:00:00+00:00")
    for fact in (
        "objective: `kernel_ridge`",
        "corpus: lab, 6 s per clip",
        "templates: beeps, bells",
        "templates held out of training: drums",
        "trained with 2 threads;",
        "trained: 2026-09-01T10:00:00+00:00",
        "code encoder: `sonicpi`, revision `3`",
        "Corpus.open('lab')",
        "open_aligned_corpus(corpus, alignment_id)",
    ):
        assert fact in card, fact


def test_the_card_of_an_older_version_leaves_out_what_it_lacks() -> None:
    config = {"alignment": {}, "corpus": {"name": "lab", "split_seed": 0}}
    card = format_model_card(config, {"readings": []})
    assert "corpus: lab\n" in card
    assert not any(word in card for word in ("objective", "trained:", "templates:", "threads;"))


def test_debiased_cka_leads_and_calibrated_values_stand_beside() -> None:
    row = {"split": "test", "reading": "before", "low": 0.3, "high": 0.5, "programs": 30}
    rows = [
        {**row, "metric": "cka", "value": 0.4, "calibrated": 0.21},
        {**row, "metric": "cka_debiased", "value": 0.35, "calibrated": 0.34, "p": 1 / 201},
        {**row, "metric": "spearman", "value": 0.2, "calibrated": None},
    ]
    card = format_model_card(CONFIG, {"readings": rows})
    lines = [line for line in card.splitlines() if line.startswith(("| cka", "| spearman"))]
    assert lines == [
        "| cka_debiased | 0.35 (0.30 to 0.50) / 0.34 p=0.005 |",
        "| cka | 0.40 (0.30 to 0.50) / 0.21 |",
        "| spearman | 0.20 (0.30 to 0.50) |",
    ]
