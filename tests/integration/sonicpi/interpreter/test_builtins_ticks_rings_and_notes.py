"""The reader's ticks, rings and numbers are those of Sonic Pi."""

from __future__ import annotations

import pytest

from tests.integration.sonicpi.interpreter.score_agreement import assert_read_as_rendered

PROGRAMS = {
    "step and offset of tick": (
        "3.times { play 60 + tick(step: 2) }\n3.times { play 60 + tick(:a, offset: 5) }\n"
        "tick(:a, step: 3)\nplay 60 + look(:a)\nplay 60 + look(:a, offset: 2)\nplay 60 + look(:b)"
    ),
    "tick_set": (
        "tick_set 5\nplay 60 + look\nplay 60 + tick\nplay 60 + tick\ntick_set :a, 3\n"
        "play 60 + tick(:a)\ntick_reset\nplay 60 + tick(:a)\nplay 60 + tick\ntick_reset_all\n"
        "play 60 + tick(:a)"
    ),
    "ramp": (
        "r = (ramp 60, 62, 64)\n5.times { play r.tick; sleep 0.5 }\nplay r[-3]\nplay r[9]\n"
        "play [70, 72].ramp[5]\nplay (ring 60, 62, 64)[4]"
    ),
    "ring of a list": (
        "(ring [60, 64], 67).each { |n| play n; sleep 0.5 }\nplay (ring [50, 55]).tick"
    ),
    "doubles and halves": (
        "doubles(30, 3).each { |n| play n; sleep 0.5 }\n"
        "halves(100, 3).each { |n| play n; sleep 0.5 }\n"
        "doubles(60, -2).each { |n| play n; sleep 0.5 }"
    ),
    "stretch": (
        "(stretch [60, 62], 2, 70, 3).each { |n| play n; sleep 0.25 }\nplay (ring 50).stretch(2)[1]"
    ),
    "numbers": (
        "x = 60\nplay inc(x)\nplay dec x\nplay 60 + quantise(2.5, 1)\nplay quantise(61.3, 0.5)\n"
        "play 60 + ratio_to_pitch(2)\nplay 65 unless rest?(60)"
    ),
    "on": (
        "on(true) { play 60 }\non(0) { play 61 }\non(nil) { play 62 }\non(1) { play 63 }\n"
        "on(lambda { false }) { play 64 }\non(false) { play 65 }"
    ),
    "tuning in cents": (
        "use_cent_tuning 50\nplay 60\nwith_cent_tuning(-40) { play 61; play 62 }\n"
        "play chord(:e3, :minor)\nplay 60, pitch: 3\nuse_synth_defaults pitch: -2\nplay 70"
    ),
    "settings as values": (
        "use_octave 1\nuse_transpose 2\nplay 60 + current_octave + current_transpose\n"
        "use_bpm 120\nplay 60 + current_beat_duration * 10\n"
        "play 50 if current_synth.to_sym == :beep\n"
        "use_synth_defaults amp: 0.5\nplay 60 + current_synth_defaults[:amp] * 10"
    ),
}


@pytest.mark.parametrize("source", PROGRAMS.values(), ids=list(PROGRAMS))
def test_sounds_are_those_of_the_rendered_score(source: str):
    assert_read_as_rendered(source)
