"""Calls that ask scsynth get the answers of live Sonic Pi, the same on every machine.

The expected values were read from Sonic Pi 3.2.2 with its own scsynth, except for the load of the
machine.
"""

from __future__ import annotations

import pytest

from core.sonicpi import render, try_render

MAIN_UGENS = 85 + 3  # mixer and scope
IDLE_STATUS = {
    "ugens": MAIN_UGENS,
    "synths": 2,
    "groups": 5,
    "sdefs": 96,
    "avg_cpu": 0.0,
    "peak_cpu": 0.0,
    "nom_samp_rate": 44_100.0,
    "act_samp_rate": 44_100.0,
    "audio_busses": 1,
    "control_busses": 0,
}
SERVER_INFO = {
    "sample_rate": 44_100.0,
    "sample_dur": 1 / 44_100,
    "radians_per_sample": 0.000142475852,
    "control_rate": 689.0625,
    "control_dur": 64 / 44_100,
    "subsample_offset": 0.0,
    "num_output_busses": 16.0,
    "num_input_busses": 16.0,
    "num_audio_busses": 1024.0,
    "num_control_busses": 16_384.0,
    "num_buffers": 4096.0,
}


def evaluate(expression: str, setup: str = "") -> str:
    """Return the text of an expression's value in a program, after `setup`."""
    result = try_render(f"{setup}\nraise 'value: ' + ({expression}).to_s", 3)
    error = result.error or result.thread_errors[0]  # A program that sounds has a clip.
    return error.message.partition("value: ")[2]


def evaluate_numbers(names: list[str], owner: str, setup: str = "") -> dict[str, float]:
    """Return the named values of a hash in a program."""
    text = evaluate(f"{names}.map {{ |name| {owner}[name.to_sym] }}.join(' ')", setup)
    return dict(zip(names, map(float, text.split())))


def test_status_of_an_idle_server():
    assert evaluate_numbers(list(IDLE_STATUS), "status") == IDLE_STATUS


@pytest.mark.parametrize(
    ("setup", "status"),
    [
        # The job's mixer has 15 UGens, a beep 40. A job has a group of its own.
        ("play 60\nsleep 0.75", {"ugens": 88 + 15 + 40, "synths": 4, "groups": 6}),
        ("play 60, release: 0.1\nsleep 0.75", {"ugens": 88 + 15, "synths": 3, "groups": 6}),
        ("play_chord [60, 64, 67]\nsleep 0.75", {"ugens": 88 + 15 + 120, "synths": 6, "groups": 7}),
        ("s = play 60, sustain: 5\nsleep 0.6\nkill s\nsleep 0.6", {"synths": 3, "groups": 6}),
        ("with_fx(:level) { play 60; sleep 0.75 }\nplay 60", {"synths": 5, "audio_busses": 3}),
    ],
    ids=["note", "ended note", "chord", "killed note", "FX"],
)
def test_status_counts_what_runs(setup, status):
    assert evaluate_numbers(list(status), "status", setup) == status


def test_status_in_a_program_that_sounds():
    clip = render("puts status\nplay 60\nsleep 0.5\nputs status[:ugens]\nplay 62", 1)
    assert clip.peak > 0.1
    assert (clip.samples == render("puts 1\nplay 60\nsleep 0.5\nputs 2\nplay 62", 1).samples).all()


def test_scsynth_info():
    assert evaluate_numbers(list(SERVER_INFO), "scsynth_info") == pytest.approx(SERVER_INFO)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("sample_duration :loop_amen", "1.753310657596372"),
        ("sample_info(:loop_amen).num_frames", "77321"),
        ("sample_buffer(:loop_amen).num_chans", "2"),
        ("load_sample(:bd_haus).num_frames", "9699"),
        (
            "[sample_loaded?(:bd_haus), (load_sample :bd_haus; sample_loaded? :bd_haus)]",
            "[false, true]",
        ),
        ("(load_sample :bd_haus; sample_free :bd_haus; sample_loaded? :bd_haus)", "false"),
        ("(sample_free_all; load_sample(:bd_haus).sample_rate)", "44100.0"),
        (
            "(b = buffer(:a, 2); [b.num_frames, b.num_chans, b.sample_rate, b.duration])",
            "[88200, 2, 44100.0, 2.0]",
        ),
        ("(buffer(:a, 2); buffer(:a, 3).duration)", "3.0"),
        ("buffer(:a).duration", "8.0"),
        ("[recording_start, recording_stop]", "[true, true]"),
        ("[current_volume, (set_volume! 2; current_volume)]", "[1, 2]"),
        ("current_sched_ahead_time", "0.5"),
        ("(use_real_time; current_sched_ahead_time)", "0"),
        ("(set_sched_ahead_time! 0.2; current_sched_ahead_time)", "0.2"),
        ("play(60).inspect[/@state=(\\w+)/, 1]", "pending"),
        ("(s = play(60); sleep 0.7; s.inspect[/@state=(\\w+)/, 1])", "running"),
        ("(s = play(60); sleep 2; s.inspect[/@state=(\\w+)/, 1])", "destroyed"),
        (
            "(s = play 60, sustain: 5; sleep 1; s.pause; sleep 1; s.inspect[/state=(\\w+)/, 1])",
            "paused",
        ),
    ],
)
def test_answer(expression, text):
    assert evaluate(expression) == text


def test_freed_buffer_plays_nothing_and_ends():
    source = "b = buffer(:a, 1)\nb.free\nsleep 0.1\nsample b\nsleep 1\nplay 60, release: 0.1"
    assert render(source, 2).peak > 0.05
