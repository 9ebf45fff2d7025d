"""The static reader follows the language that came after Sonic Pi 3.2.2."""

from __future__ import annotations

import pytest

from core.sonicpi.interpreter import ProgramInterpreter, parse_program


def read_notes(source: str) -> list[tuple[float, float]]:
    """Return (time, note) of every event."""
    events = ProgramInterpreter(parse_program(source)).events
    return sorted((round(event.time, 3), event.options["note"]) for event in events)


def test_tuplets_with_swing():
    source = "tuplets([60, [61, 62], [63, 64, 65]], swing: 0.2) { |n| play n }; play 70"
    assert read_notes(source) == [
        (0.0, 60),
        (1.0, 61),
        (1.7, 62),
        (2.0, 63),
        (2.333, 64),
        (2.667, 65),
        (3.0, 70),
    ]


def test_change_of_link_tempo_reaches_a_sleeping_thread():
    source = "in_thread { play 50; sleep 4; play 51 }; sleep 1; set_link_bpm! 120; sleep 2; play 70"
    assert read_notes(source) == [(0.0, 50), (2.0, 70), (2.5, 51)]


def test_link_waits_for_a_phase():
    assert read_notes("sleep 0.3; link; play 60; link 3, 1; play 61") == [(4.0, 60), (7.0, 61)]


@pytest.mark.parametrize("source", ["pink", "perlin"])
def test_random_source_changes_the_spread_of_numbers(source):
    notes = [
        note for _, note in read_notes(f"use_random_source :{source}; 50.times {{ play rand }}")
    ]
    assert 0.1 < min(notes) and max(notes) < 0.95
    white = [note for _, note in read_notes("50.times { play rand }")]
    assert max(white) - min(white) > 0.9


def test_with_random_source_restores_the_source_and_counts_its_draws():
    plain = read_notes("play rand; rand; sleep 1; 2.times { play rand; sleep 1 }")
    source = (
        "play rand; with_random_source(:pink) { rand }; sleep 1; 2.times { play rand; sleep 1 }"
    )
    assert read_notes(source) == plain


def test_live_loop_defined_again_has_the_new_body_and_fx():
    source = (
        "with_fx(:reverb) { live_loop(:a) { play 60; sleep 1 } }; sleep 1.5\n"
        "with_fx(:echo) { live_loop(:a) { play 61; sleep 1 } }"
    )
    events = ProgramInterpreter(parse_program(source)).events[:4]
    places = [(event.time, event.options["note"], event.fx[0][0]) for event in events]
    assert places == [
        (0.0, 60, "reverb"),
        (1.0, 60, "reverb"),
        (2.0, 61, "echo"),
        (3.0, 61, "echo"),
    ]


def test_duration_of_a_sample_sets_its_sustain():
    program = "use_bpm 120; sample :loop_amen, duration: 2, release: 0.4"
    (event,) = ProgramInterpreter(parse_program(program)).events
    assert event.options["sustain"] == pytest.approx(0.8)


def test_own_function_of_a_later_name_wins():
    assert read_notes("define(:tuplets) { |n| play n }; tuplets 61") == [(0.0, 61)]
