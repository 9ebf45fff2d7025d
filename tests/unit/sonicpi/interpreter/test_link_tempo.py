"""The link metronome counts beats across changes of its tempo."""

from __future__ import annotations

import pytest

from core.sonicpi.interpreter.link_tempo import LinkMetronome


def create_metronome() -> LinkMetronome:
    """Return a metronome with 60 bpm, from 1 s on 120, from 2 s on 30."""
    metronome = LinkMetronome()
    metronome.change_bpm_from_time_on(1.0, 120)
    metronome.change_bpm_from_time_on(2.0, 30)
    return metronome


@pytest.mark.parametrize(("seconds", "bpm"), [(0.0, 60), (0.99, 60), (1.0, 120), (2.5, 30)])
def test_get_bpm(seconds, bpm):
    assert create_metronome().get_bpm_at_time(seconds) == bpm


@pytest.mark.parametrize(("seconds", "beats"), [(0.0, 0), (1.0, 1), (1.5, 2), (2.0, 3), (4.0, 4)])
def test_count_beats(seconds, beats):
    assert create_metronome().count_beats_until_time(seconds) == pytest.approx(beats)


@pytest.mark.parametrize(
    ("start", "beats", "end"),
    [(0.0, 1, 1.0), (0.0, 2, 1.5), (0.5, 0.5, 1.0), (0.5, 3, 3.0), (3.0, 1, 5.0)],
)
def test_add_beats(start, beats, end):
    assert create_metronome().add_beats_to_time(start, beats) == pytest.approx(end)


def test_earlier_change_drops_later_ones():
    metronome = create_metronome()
    metronome.change_bpm_from_time_on(0.5, 90)
    assert (metronome.change_seconds, metronome.bpms) == ([0.5], [90])
