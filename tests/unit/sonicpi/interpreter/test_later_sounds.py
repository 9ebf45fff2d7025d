"""The static reader knows the defaults and lengths of sounds that came after Sonic Pi 3.2.2."""

from __future__ import annotations

import pytest

from core.sonicpi.interpreter.program_interpreter import ProgramInterpreter
from core.sonicpi.interpreter.ruby_parser_process import parse_program
from core.sonicpi.score_events import ScoreEvent


def read_events(source: str) -> list[ScoreEvent]:
    return ProgramInterpreter(parse_program(source)).events


@pytest.mark.parametrize(
    ("source", "note"),
    [
        ("synth :sc808_claves", 99),
        ("use_synth :organ_tonewheel\nsynth nil", 60),
        ("use_synth :rodeo\nplay 64", 64),
        ("synth :sc808_clap", 52),
        ("synth :beep", 52),
    ],
)
def test_a_synth_plays_its_default_note(source: str, note: float) -> None:
    assert [event.options["note"] for event in read_events(source)] == [note]


def test_the_lengths_of_later_samples_are_known() -> None:
    (event,) = read_events("sample :ride_tri, beat_stretch: 2.3565")
    assert event.options["rate"] == pytest.approx(2.0)
    first, second = read_events("sample :bd_jazz\nsleep sample_duration(:bd_jazz)\nsample :bd_jazz")
    assert second.time - first.time == pytest.approx(0.7291)


def test_later_groups_of_samples_have_names_and_older_groups_stay() -> None:
    names = [event.name for event in read_events("sample_names(:ride).each { |s| sample s }")]
    assert names == ["ride_tri", "ride_via"]
    kicks = {event.name for event in read_events("sample_names(:bd).each { |s| sample s }")}
    assert "bd_haus" in kicks and "bd_jazz" not in kicks
