"""Changes of the main mixer: their values and times."""

import pytest

from core.sonicpi.interpreter import interpret_program


def read_changes(source):
    return [(change.seconds, change.values) for change in interpret_program(source).mixer_changes]


def test_a_volume_comes_with_the_sounds_of_its_time_and_stays_in_range():
    source = "use_bpm 120\nplay 60\nsleep 2\nset_volume! 7\nsleep 2\nset_volume! -1, true"
    assert read_changes(source) == [(1.0, {"pre_amp": 5.0}), (1.5, {"pre_amp": 0.0})]


def test_options_of_the_mixer_come_at_once_and_slide_in_seconds():
    source = "use_bpm 120\nplay 60\nsleep 4\nset_mixer_control! lpf: 70, lpf_slide: 2, foo: 1"
    assert read_changes(source) == [(1.5, {"lpf": 70, "lpf_slide": 2})]


def test_a_reset_restores_every_option():
    (_, values), (_, mono) = read_changes("play 60\nsleep 1\nreset_mixer!\nset_mixer_mono_mode!")
    assert values["pre_amp"] == values["amp"] == 1 and values["lpf"] == 135.5
    assert mono == {"force_mono": 1.0}


def test_changes_move_to_the_start_of_the_clip():
    assert read_changes("sleep 3\nset_volume! 2\nplay 60")[0][0] == pytest.approx(3.0)
    early = "use_sched_ahead_time 0\nset_volume! 2\nplay 60"
    assert read_changes(early)[0][0] == pytest.approx(0.0)


def test_the_volume_is_a_value():
    events = interpret_program("set_volume! 2\nplay 60 + current_volume").events
    assert [event.options["note"] for event in events] == [62]
