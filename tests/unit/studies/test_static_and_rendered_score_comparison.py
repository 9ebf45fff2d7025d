"""Pairing of the reader's sounds with those of the rendered score."""

from __future__ import annotations

import pytest

from core.sonicpi.score_events import ScoreEvent
from core.studies.static_and_rendered_score_comparison import (
    MatchCounts,
    compare_reader_with_rendered_score,
)


def make_note(time: float, note: float | None, synth: str = "beep") -> ScoreEvent:
    """Return a note; of None, one of unknown pitch."""
    return ScoreEvent(time, "synth", synth, {} if note is None else {"note": note})


def test_each_criterion_includes_the_one_before():
    rendered = [make_note(0, 60), make_note(1, 62), make_note(2, 64), make_note(3, 65)]
    read = [make_note(0.009, 60), make_note(1, 63), make_note(2, 64, "saw"), make_note(3.02, 65)]
    counts = compare_reader_with_rendered_score(read, rendered)
    assert counts["onset"] == MatchCounts(3, 4, 4)
    assert counts["synth or sample"] == MatchCounts(2, 4, 4)
    assert counts["pitch"] == MatchCounts(1, 4, 4)


def test_a_sound_is_paired_once():
    counts = compare_reader_with_rendered_score([make_note(0, 60)] * 3, [make_note(0, 60)] * 2)[
        "pitch"
    ]
    assert (counts.matched, counts.precision, counts.recall) == (2, pytest.approx(2 / 3), 1.0)


def test_an_unknown_pitch_matches_no_pitch():
    counts = compare_reader_with_rendered_score([make_note(0, None)], [make_note(0, 60)])
    assert (counts["synth or sample"].matched, counts["pitch"].matched) == (1, 0)


def test_samples_have_no_pitch():
    sample = ScoreEvent(0, "sample", "bd_haus", {"rate": 2.0})
    assert (
        compare_reader_with_rendered_score([sample], [ScoreEvent(0, "sample", "bd_haus")])[
            "pitch"
        ].matched
        == 1
    )


def test_sounds_after_the_clip_are_ignored():
    assert compare_reader_with_rendered_score([make_note(18, 60)], [])["onset"] == MatchCounts(
        0, 0, 0
    )


def test_without_sounds_nothing_is_wrong():
    counts = compare_reader_with_rendered_score([], [])["onset"]
    assert (counts.precision, counts.recall) == (1.0, 1.0)
