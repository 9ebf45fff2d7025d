"""A message that is sent after its time is played when it is sent, as scsynth does live.

Expected times hold within 10 ms: Sonic Pi waits for 1 ms when it reads a setting of all threads.
"""

from __future__ import annotations

import numpy as np
import pytest

from core.sonicpi import RenderError, collect_osc_messages, render, try_render

TOLERANCE_SECONDS = 0.01
MIXER_DELAY_SECONDS = 0.019  # The limiter of Sonic Pi's mixer looks ahead by this time.


def find_onsets(source: str, seconds: float) -> list[float]:
    """Return the times of frames above a tenth of the peak that follow 50 ms below it."""
    clip = render(source, seconds)
    loud = np.flatnonzero(np.abs(clip.samples).max(axis=1) > 0.1 * clip.peak)
    starts = loud[np.insert(np.diff(loud) > 0.05 * clip.sample_rate, 0, True)]
    return [float(start) / clip.sample_rate - MIXER_DELAY_SECONDS for start in starts]


def find_pitch(source: str, start: float, seconds: float = 0.25) -> float:
    """Return the strongest frequency in Hz of the clip from `start` on."""
    clip = render(source, start + seconds)
    samples = clip.samples[int(start * clip.sample_rate) :, 0]
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 8 * len(samples)))
    return float(np.argmax(spectrum)) * clip.sample_rate / (8 * len(samples))


def list_starts(source: str, seconds: float = 4.0) -> list[tuple[float, str]]:
    """Return (time, SynthDef) of every synth and sample that a program starts."""
    return [
        (message.time, message.synthdef_name)
        for message in collect_osc_messages(source, seconds)
        if message.synthdef_name and "mixer" not in message.synthdef_name
    ]


# Programs with the times at which their sounds are heard. The clip begins 0.5 s after the program,
# so a message that is played at 2 s is heard at 1.5 s.
LATE_SOUNDS = {
    "time_warp beyond the lead": ("sleep 2\ntime_warp(-1) { play 60, release: 0.1 }", [1.5]),
    "time_warp within the lead": ("sleep 2\ntime_warp(-0.4) { play 60, release: 0.1 }", [1.6]),
    "sample": ("sleep 2\ntime_warp(-1) { sample :bd_tek, finish: 0.1 }", [1.5]),
    "time_warp in real time": (
        "use_real_time\nsleep 1\ntime_warp([-0.5, 0, 0.5]) { play 60, release: 0.1 }",
        [1.0, 1.5],
    ),
    "time_warp in a live_loop": (
        "live_loop :a do\n  sleep 1\n  time_warp(-0.9) { play 60, release: 0.1 }\nend",
        [0.5, 1.5, 2.5],
    ),
    "time_warp with FX": (
        "sleep 2\ntime_warp(-1) { with_fx(:level) { play 60, release: 0.1 } }",
        [1.5],
    ),
    "sleep in a time_warp": (
        "sleep 2\ntime_warp(-1) { play 60, release: 0.1; sleep 1; play 60, release: 0.1 }",
        [1.5, 2.0],
    ),
    "sleep of Ruby": (
        "play 60, release: 0.1\nKernel.sleep 0.8\nplay 65, release: 0.1",
        [0.0, 0.3],
    ),
    "negative sleep": (
        "play 60, release: 0.1\nsleep 2\nsleep -0.9\nplay 60, release: 0.1",
        [0.0, 1.5],
    ),
    # Sonic Pi plays two notes at once and then waits for both, since each is sent late.
    "negative lead": (
        "use_sched_ahead_time -0.7\n4.times { play 60, release: 0.05; sleep 0.5 }",
        [0.0, 1.0],
    ),
    "lead that becomes negative": (
        "play 60, release: 0.1\nsleep 1\nuse_sched_ahead_time -0.5\nplay 60, release: 0.1",
        [0.0, 0.5],
    ),
    "negative latency beyond the lead": (
        "set_audio_latency! -900\nplay 60, release: 0.1\nsleep 0.5\nplay 60, release: 0.1",
        [0.0, 0.5],
    ),
}


@pytest.mark.parametrize("name", LATE_SOUNDS)
def test_late_sound_starts_when_it_is_sent(name):
    source, onsets = LATE_SOUNDS[name]
    assert find_onsets(source, 3) == pytest.approx(onsets, abs=TOLERANCE_SECONDS)
    times = [time for time, synthdef in list_starts(source, 3) if "fx_" not in synthdef]
    assert sorted({round(time, 1) for time in times}) == pytest.approx(onsets)


def test_late_controls_are_applied_in_the_order_of_their_times():
    # The second control is sent at the same moment, but was due before the first. scsynth applies
    # messages that arrive together in the order of their times.
    source = (
        "use_sched_ahead_time 0.5\ns = play 60, sustain: 2\nsleep 1\n"
        "time_warp(-0.6) { control s, note: 70 }\n"
        "time_warp(-0.9) { control s, note: 80 }"
    )
    notes = [
        (round(message.time, 1), message.control_value_by_name["note"])
        for message in collect_osc_messages(source, 3)
        if message.address == "/n_set" and "note" in message.control_value_by_name
    ]
    assert notes == [(0.5, 80.0), (0.5, 70.0)]
    assert find_pitch(source, 0.2) == pytest.approx(261.6, rel=0.01)
    assert find_pitch(source, 0.8) == pytest.approx(466.2, rel=0.01)


def test_late_control_before_its_sound_has_no_effect():
    source = "s = play 60, sustain: 1\ntime_warp(-1) { control s, note: 72 }"
    assert find_pitch(source, 0.4) == pytest.approx(261.6, rel=0.01)


def test_late_kill_ends_the_sound_at_once():
    source = "s = play 60, sustain: 5\nsleep 1.5\ntime_warp(-0.9) { kill s }"
    samples = np.abs(render(source, 2).samples).max(axis=1)
    assert samples[int(0.5 * 44_100)] > 0 or samples[: int(0.9 * 44_100)].max() > 0.05
    assert samples[int(1.1 * 44_100) :].max() < 1e-3


def test_late_sound_lives_as_long_as_any_other():
    # The FX is freed once its sound has ended and its kill_delay has passed.
    source = "sleep 2\ntime_warp(-1) { with_fx(:level, kill_delay: 0.2) { play 60, release: 1 } }"
    messages = collect_osc_messages(source, 5)
    fx_group = next(m.arguments[3] for m in messages if m.synthdef_name == "fx_level")
    freed = [m.time for m in messages if m.address == "/n_free" and m.arguments[0] == fx_group]
    assert freed == pytest.approx([1.5 + 1.0 + 0.2], abs=0.1)


def test_thread_that_is_too_late_fails_with_its_line():
    # As live: a sound may be late by 1.1 s, and a sleep may end late by 0.5 s.
    with pytest.raises(RenderError, match="thread got too far behind time") as failure:
        render("sleep 2\ntime_warp -2 do\n  play 60\nend", 3)
    assert failure.value.problem.line == 3
    with pytest.raises(RenderError, match="thread got too far behind time") as failure:
        render("Kernel.sleep 2\nsleep 0.1\nplay 60", 3)
    assert failure.value.problem.line == 2


def test_late_sound_is_skipped_with_timing_guarantees():
    result = try_render(
        "use_timing_guarantees true\nplay 60\nsleep 1\ntime_warp(-0.8) { play 72 }", 2
    )
    assert result.clip is not None
    assert [(warning.kind, warning.line) for warning in result.warnings] == [("skipped", 4)]
    assert "Out of time, skipping: synth :beep, {note: 72.0}" in result.warnings[0].message
