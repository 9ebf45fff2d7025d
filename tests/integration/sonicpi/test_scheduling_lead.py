"""A clip begins with its first sound or the program's time 0, whatever the program's lead is.

Sonic Pi sends each sound ahead of its time; `use_real_time` and others change by how much.
"""

from __future__ import annotations

import functools

import numpy as np
import pytest

from core.sonicpi import Clip, collect_osc_messages, render
from core.sonicpi.render_worker import RenderWorker

MUSIC = """
with_fx :reverb do
  with_fx :echo, phase: 0.25 do
    s = synth :saw, note: 50, release: 0.4, note_slide: 0.1
    control s, note: 62
    sample :bd_haus
    sleep 0.5
    synth :noise, release: 0.2
  end
end
"""
LOOPS = """
live_loop :kick do
  sample :bd_haus
  sleep 0.5
end
in_thread do
  sleep 0.25
  with_fx(:slicer, phase: 0.1) { synth :dsaw, note: 60, release: 0.3 }
end
"""
SECONDS = 1.5
MIXER_DELAY_SECONDS = 0.019  # The limiter of Sonic Pi's mixer looks ahead by this time.
# Settings that apply to every sound after them, in all threads.
LEAD_SETTINGS = {
    "use_real_time": "use_real_time",
    "no lead": "use_sched_ahead_time 0",
    "short lead": "use_sched_ahead_time 0.1",
    "long lead": "use_sched_ahead_time 2",
    "longest lead": "use_sched_ahead_time 100",
    "lead of the program": "set_sched_ahead_time! 0.1",
    "long lead of the program": "set_sched_ahead_time! 1.7",
    "latency": "set_audio_latency! 300",
    "negative latency": "set_audio_latency! -300",
    "lead and latency": "use_sched_ahead_time 1\nset_audio_latency! -600",
    "last setting": "set_sched_ahead_time! 3\nuse_sched_ahead_time 2\nuse_real_time",
    "number in a string of settings": "use_real_time\nuse_sched_ahead_time 0.25",
}


@functools.lru_cache(maxsize=8)
def render_with_default_lead(source: str) -> Clip:
    return render(source, SECONDS)


def list_starts(source: str, seconds: float = 4.0) -> list[tuple[float, float]]:
    """Return (time, note) of every synth that a program starts."""
    return [
        (round(message.time, 2), message.control_value_by_name["note"])
        for message in collect_osc_messages(source, seconds)
        if message.synthdef_name and "note" in message.control_value_by_name
    ]


def find_onset(clip: Clip) -> float:
    """Return the time of the first frame above a hundredth of the peak, before the mixer."""
    frame = np.argmax(np.abs(clip.samples).max(axis=1) > 0.01 * clip.peak)
    return float(frame) / clip.sample_rate - MIXER_DELAY_SECONDS


@pytest.mark.parametrize("setting", LEAD_SETTINGS)
@pytest.mark.parametrize("music", [MUSIC, LOOPS], ids=["fx and control", "threads"])
def test_clip_is_the_same_with_every_lead(setting, music):
    clip = render(f"{LEAD_SETTINGS[setting]}\n{music}", SECONDS)
    assert np.array_equal(clip.samples, render_with_default_lead(music).samples)


@pytest.mark.parametrize(
    "block", ["with_real_time", "with_sched_ahead_time 0.05", "with_sched_ahead_time 1.3"]
)
def test_clip_is_the_same_within_a_block_of_another_lead(block):
    clip = render(f"{block} do\n{MUSIC}\nend", SECONDS)
    assert np.array_equal(clip.samples, render_with_default_lead(MUSIC).samples)


@pytest.mark.parametrize(
    "setting", ["use_real_time", "use_sched_ahead_time 0.1", "#", "use_sched_ahead_time 3"]
)
def test_sleep_before_the_first_sound_is_silence(setting):
    source = f"{setting}\nsleep 2\nplay 60, release: 0.1"
    assert list_starts(source) == [(2.0, 60.0)]
    assert find_onset(render(source, 3)) == pytest.approx(2.0, abs=0.002)


def test_case_of_a_first_note_in_real_time():
    source = "use_real_time\nplay 60, release: 0.1"
    assert list_starts(source) == [(0.0, 60.0)]
    assert find_onset(render(source, 1)) == pytest.approx(0.0, abs=0.002)


def test_clip_with_a_long_lead_is_complete():
    starts = list_starts("use_sched_ahead_time 5\nlive_loop(:a) { play 60; sleep 1 }", 4)
    assert starts == [(0.0, 60.0), (1.0, 60.0), (2.0, 60.0), (3.0, 60.0)]


def test_clip_is_complete_in_threads_with_a_shorter_lead_than_the_first_sound():
    source = (
        "in_thread(delay: 1.5) { use_real_time; loop { play 70; sleep 1 } }\n"
        "use_sched_ahead_time 1\nplay 60"
    )
    # The thread's first sound is 1.5 s after the start of the program, 0.5 s after the other's.
    assert list_starts(source) == [(0.0, 60.0), (0.5, 70.0), (1.5, 70.0), (2.5, 70.0), (3.5, 70.0)]


MIXED_LEADS = {
    "real time first": (
        "with_real_time { play 60 }\nplay 62\nsleep 1\nuse_real_time\nplay 64",
        [(0.0, 60), (0.5, 62), (1.0, 64)],
    ),
    "real time from the second note": (
        "play 60\nsleep 1\nuse_real_time\nplay 62\nsleep 1\nplay 64",
        [(0.0, 60), (0.5, 62), (1.5, 64)],
    ),
    "longer lead in the middle": (
        "play 60\nsleep 1\nset_sched_ahead_time! 1\nplay 62\nsleep 1\nplay 64",
        [(0.0, 60), (1.5, 62), (2.5, 64)],
    ),
    "thread in real time": (
        "in_thread { use_real_time; sleep 0.25; play 70 }\nplay 60\nsleep 1\nplay 61",
        [(0.25, 70), (0.5, 60), (1.5, 61)],
    ),
    "setting inside a live_loop": (
        "live_loop :a do\n  use_sched_ahead_time 0.2\n  play 60\n  sleep 1.5\nend\n"
        "live_loop(:b) { play 70; sleep 1.5 }",
        [(0.0, 60), (0.3, 70), (1.5, 60), (1.8, 70), (3.0, 60), (3.3, 70)],
    ),
    "block in a live_loop": (
        "live_loop :a do\n  with_real_time { play 60 }\n  play 61\n  sleep 2\nend",
        [(0.0, 60), (0.5, 61), (2.0, 60), (2.5, 61)],
    ),
}


@pytest.mark.parametrize("name", MIXED_LEADS)
def test_sounds_with_different_leads_keep_their_distance(name):
    source, starts = MIXED_LEADS[name]
    assert list_starts(source) == starts


EARLY_SOUNDS = {
    "time_warp": (
        "time_warp(-0.3) { play 60 }\nplay 61\nsleep 1\nplay 62",
        [(0.0, 60), (0.3, 61), (1.3, 62)],
    ),
    "time_warp by the whole lead": ("time_warp(-0.5) { play 60 }\nplay 61", [(0.0, 60), (0.5, 61)]),
    "times of a time_warp": (
        "time_warp([-0.2, 0, 0.2]) { |t| play 60 + 10 * t }",
        [(0.0, 58), (0.2, 60), (0.4, 62)],
    ),
    "time_warp in beats": (
        "use_bpm 120\ntime_warp(-0.5) { play 60 }\nplay 61",
        [(0.0, 60), (0.25, 61)],
    ),
    "time_warp after a short sleep": (
        "sleep 0.2\ntime_warp(-0.3) { play 60 }\nplay 61",
        [(0.0, 60), (0.3, 61)],
    ),
    "time_warp after a longer sleep": ("sleep 0.5\ntime_warp(-0.3) { play 60 }", [(0.2, 60)]),
    "negative sleep": (
        "sleep -0.1\nplay 60\nsleep 0.1\nplay 61\nsleep 1\nplay 62",
        [(0.0, 60), (0.1, 61), (1.1, 62)],
    ),
}


@pytest.mark.parametrize("name", EARLY_SOUNDS)
def test_sounds_before_time_0_are_in_the_clip(name):
    source, starts = EARLY_SOUNDS[name]
    assert list_starts(source) == starts


def test_sound_before_time_0_is_heard():
    early = render("time_warp(-0.3) { play 60, release: 0.1 }", 1)
    assert np.abs(early.samples).max() == pytest.approx(
        np.abs(render("play 60, release: 0.1", 1).samples).max(), rel=0.01
    )
    assert find_onset(early) == pytest.approx(0.0, abs=0.002)


def test_score_holds_the_first_note_in_real_time():
    worker = RenderWorker()
    try:
        scores = [
            worker.generate_scsynth_score(f"{setting}\nplay 60, release: 0.1", 1)
            for setting in ("#", "use_real_time")
        ]
    finally:
        worker.close()
    assert scores[0].count(b"sonic-pi-beep") == scores[1].count(b"sonic-pi-beep") > 1
