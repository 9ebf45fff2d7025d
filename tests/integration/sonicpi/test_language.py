"""Each feature of Sonic Pi's language gives the right messages, onsets, warnings and errors."""

from __future__ import annotations

import numpy as np
import pytest

from core.sonicpi import (
    Clip,
    RenderError,
    RenderProblem,
    RenderResult,
    collect_osc_messages,
    render,
    try_render,
)
from core.sonicpi.render_worker import build_render_result


def list_notes(source: str, seconds: float = 4.0) -> list[tuple[float, float]]:
    """Return (time, note) of every synth that a program starts."""
    return [
        (round(message.time, 3), message.control_value_by_name["note"])
        for message in collect_osc_messages(source, seconds)
        if message.synthdef_name and "note" in message.control_value_by_name
    ]


def list_free_times(source: str, synthdef: str, seconds: float) -> list[float]:
    """Return the times at which the groups of the named FX are freed."""
    messages = collect_osc_messages(source, seconds)
    groups = {m.arguments[3] for m in messages if m.synthdef_name == synthdef}
    return [
        round(m.time, 2) for m in messages if m.address == "/n_free" and m.arguments[0] in groups
    ]


def find_onsets(source: str, seconds: float) -> list[float]:
    """Return the times of frames above a tenth of the peak that follow 50 ms below it."""
    clip = render(source, seconds)
    loud = np.flatnonzero(np.abs(clip.samples).max(axis=1) > 0.1 * clip.peak)
    starts = loud[np.insert(np.diff(loud) > 0.05 * clip.sample_rate, 0, True)]
    return [round(float(start) / clip.sample_rate, 2) for start in starts]


PROGRAMS = {
    "sleep counts beats": ("use_bpm 120; play 60; sleep 1; play 62", [(0.0, 60), (0.5, 62)]),
    "live_loop": ("live_loop(:a) { play 50; sleep 1.5 }", [(0.0, 50), (1.5, 50), (3.0, 50)]),
    "in_thread": ("in_thread { sleep 1; play 61 }; play 60", [(0.0, 60), (1.0, 61)]),
    "at": ("at([0.5, 1], [70, 71]) { |n| play n }; play 60", [(0.0, 60), (0.5, 70), (1.0, 71)]),
    "time_warp": ("sleep 1; time_warp(-0.25) { play 60 }; play 61", [(0.75, 60), (1.0, 61)]),
    "density": ("density(2) { play 60; sleep 1 }", [(0.0, 60), (0.5, 60)]),
    "cue and sync": (
        "in_thread { sync :go; play 70 }; sleep 1; cue :go; play 60",
        [(1.0, 60), (1.0, 70)],
    ),
    "set and get": ("set :n, 66; sleep 0.5; play get[:n]", [(0.5, 66)]),
    "live_loop sync": (
        "live_loop(:b, sync: :a) { play 70; sleep 2 }; sleep 1; live_loop(:a) { play 60; sleep 4 }",
        [(1.0, 60), (1.0, 70), (3.0, 70)],
    ),
    "define": ("define(:f) { |n| play n; sleep 1 }; f 60; f 62", [(0.0, 60), (1.0, 62)]),
    "with_bpm": ("with_bpm(30) { play 60; sleep 1 }; play 61", [(0.0, 60), (2.0, 61)]),
    "tick and ring": ("3.times { play (ring 60, 64).tick; sleep 1 }", [(0, 60), (1, 64), (2, 60)]),
    "stop ends its thread": (
        "in_thread { play 60; sleep 1; stop; play 61 }; sleep 2; play 62",
        [(0.0, 60), (2.0, 62)],
    ),
    "stop ends a live_loop": (
        "live_loop(:a) { play 60; sleep 1; stop if tick == 1 }",
        [(0.0, 60), (1.0, 60)],
    ),
    "stop ends no other loop": (
        "live_loop(:a) { play 60; sleep 2 }; sleep 0.5; stop; play 70",
        [(0.0, 60), (2.0, 60)],
    ),
    "stop in a function ends its caller": (
        "define(:f) { stop }; in_thread { play 60; f; play 61 }; sleep 1; play 62",
        [(0.0, 60), (1.0, 62)],
    ),
    "stop in an FX ends its thread alone": (
        "with_fx(:level) { in_thread { play 60; stop; play 61 }; sleep 0.5; play 64 }; play 66",
        [(0.0, 60), (0.5, 64), (0.5, 66)],
    ),
    "with_transpose": ("with_transpose(7) { play 60 }; play 61", [(0.0, 67), (0.0, 61)]),
    "use_octave": ("use_octave -1; play 60; with_octave(1) { play 60 }", [(0.0, 48), (0.0, 72)]),
    "with_bpm_mul": ("with_bpm_mul(2) { play 60; sleep 1 }; play 61", [(0.0, 60), (0.5, 61)]),
    "with_random_seed": (
        "with_random_seed(3) { play rrand_i(50, 60) }; use_random_seed 3; play rrand_i(50, 60)",
        [(0.0, 52), (0.0, 52)],
    ),
    "use_tuning": ("use_cent_tuning 50; play 60", [(0.0, 60.5)]),
    "live_loop with delay and state": (
        "live_loop(:a, delay: 0.5, init: 60) { |n| play n; sleep 1.5; n + 1 }",
        [(0.5, 60), (2.0, 61), (3.5, 62)],
    ),
    "a named thread runs once": (
        "in_thread(name: :x) { play 60; sleep 1 }; in_thread(name: :x) { play 61 }",
        [(0.0, 60)],
    ),
    "use_transpose": ("use_transpose 12; play 60", [(0.0, 72)]),
    "octave notes": ("play :c4; sleep 1; play 'e3'", [(0.0, 60), (1.0, 52)]),
    "rest": ("play :r; sleep 1; play 60", [(1.0, 60)]),
    "play_pattern_timed": ("play_pattern_timed [60, 62, 64], [0.5]", [(0, 60), (0.5, 62), (1, 64)]),
    "with_synth": ("with_synth(:saw) { play 60 }", [(0.0, 60)]),
    "spread": ("4.times { play 60 if (spread 2, 4).tick; sleep 1 }", [(0.0, 60), (2.0, 60)]),
    "conditionals": ("if one_in(1) then play 60 else play 61 end", [(0.0, 60)]),
}


PROGRAMS |= {
    "Ruby's threads, queues and conditions": (
        """
        lock, ready, going, queue = Mutex.new, ConditionVariable.new, false, Queue.new
        thread = Thread.new do
          lock.synchronize { ready.wait(lock) until going }
          2.times { |n| Kernel.sleep 0.5; queue << 60 + n }
          :over
        end
        lock.synchronize { going = true; ready.broadcast }
        2.times { n = queue.pop; sleep 0.5; play n }
        play 70 if thread.value == :over
        """,
        [(0.5, 60), (1.0, 61), (1.0, 70)],
    ),
    "a killed thread's ensure": (
        """
        ran = []
        one = Thread.new { begin; Kernel.sleep 9; ensure; ran << 1; end }
        Kernel.sleep 0.1
        one.kill
        Thread.new { ran << 2 }.kill # before it has begun
        sleep 1
        play 60 + ran.sum
        play 70 unless one.alive?
        """,
        [(1.0, 61), (1.0, 70)],
    ),
    "errors between threads": (
        """
        failing = Thread.new { raise ArgumentError, 'mine' }
        begin
          failing.join
        rescue ArgumentError
          play 61
        end
        waiting = Thread.new { begin; Kernel.sleep 5; rescue IOError; 62; end }
        Kernel.sleep 0.5
        waiting.raise IOError
        play waiting.value
        """,
        # Kernel.sleep does not advance the thread's own time, so the second note is late.
        [(0.0, 61), (0.004, 62)],
    ),
    "an enumerator that sleeps": (
        "e = Enumerator.new { |y| 2.times { |n| sleep 0.5; y << 60 + n } }\n"
        "2.times { play e.next }",
        [(0.5, 60), (1.0, 61)],
    ),
    "many threads at once": (
        "300.times { in_thread { sleep 1; play 60 } }; play 61",
        [(0.0, 61)] + [(1.0, 60)] * 300,
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_notes_start_at_the_right_times(name):
    source, expected = PROGRAMS[name]
    assert sorted(list_notes(source)) == sorted(expected)


def test_random_streams_are_those_of_sonic_pi():
    # The first values of Sonic Pi's default stream: rand is 0.75006103515625 in every installation.
    assert list_notes("play 100 * rand")[0][1] == pytest.approx(75.006103515625)
    seeded = "use_random_seed 7; 4.times { play rrand_i(50, 70); sleep 0.5 }"
    assert list_notes(seeded) == list_notes("play 10\n" + seeded)[1:]
    assert list_notes(seeded) != list_notes(seeded.replace("7", "8"))


def test_chord_starts_all_its_notes_at_once():
    assert list_notes("play chord(:c4, :major)") == [(0.0, 60), (0.0, 64), (0.0, 67)]


def test_control_reaches_the_node_with_its_slide():
    source = "s = play 60, release: 3, note_slide: 1; sleep 1; control s, note: 72"
    messages = collect_osc_messages(source, 3)
    node = next(m for m in messages if m.synthdef_name == "beep").arguments[1]
    change = next(m for m in messages if m.address == "/n_set" and m.arguments[0] == node)
    assert change.time == pytest.approx(1.005, abs=1e-6)  # Sonic Pi's control delta
    assert change.control_value_by_name["note"] == 72


def test_slide_changes_the_pitch():
    clip = render("s = play 40, sustain: 4, note_slide: 2; control s, note: 76", 4)
    low, high = clip.samples[2_205:11_025], clip.samples[132_300:165_375]
    assert _find_strongest_frequency(high, clip.sample_rate) == pytest.approx(659.3, abs=5)
    assert _find_strongest_frequency(low, clip.sample_rate) < 165


def test_kill_ends_the_sound():
    clip = render("s = play 60, sustain: 4; sleep 1; kill s", 3)
    assert np.abs(clip.samples[: 44100 // 2]).max() > 0.05
    assert np.abs(clip.samples[int(1.2 * 44100) :]).max() < 1e-3


def test_onsets_follow_the_sleeps():
    source = "[0.5, 0.25, 0.75].each { |s| synth :square, release: 0.03; sleep s }"
    onsets = find_onsets(source, 2)
    # The mixer's limiter looks ahead, which delays all sound by up to 50 ms.
    assert np.diff(onsets).tolist() == pytest.approx([0.5, 0.25], abs=0.011)
    assert 0 <= onsets[0] < 0.05


BD_HAUS_S = 9699 / 44100  # the length of the sample's file


@pytest.mark.parametrize(
    ("option", "share"),
    [
        ("", 1),
        ("rate: 0.5", 2),
        ("rate: -1", 1),
        ("finish: 0.5", 0.5),
        ("rpitch: 12", 0.5),
        ("start: 0.25, finish: 0.75", 0.5),
        ("attack: 0.02, sustain: 0.02, release: 0.02", 0.06 / 0.21993),
    ],
)
def test_lifetime_of_a_sample_follows_its_options(option, share):
    play = f"sample :bd_haus{', ' if option else ''}{option}"
    (free_time,) = list_free_times(f"with_fx(:level, kill_delay: 0) {{ {play} }}", "fx_level", 4)
    # Sonic Pi's sample players end 0.03 s after their sound.
    assert free_time == pytest.approx(share * BD_HAUS_S + 0.03, abs=0.011)
    assert np.abs(render(play, 2).samples[: int(0.1 * share * 44100)]).max() > 0.01


def test_sample_options_reach_the_player():
    messages = collect_osc_messages(
        "use_bpm 120; sample :loop_amen, beat_stretch: 4; sample :loop_amen, slice: 3;"
        "sample :loop_amen, onset: 1; sample :loop_amen, lpf: 80, attack: 0.1, pitch: 3",
        2,
    )
    players = [m.control_value_by_name for m in messages if "player" in (m.synthdef_name or "")]
    stretched, sliced, onset, filtered = (
        next(controls for controls in players if option in controls)
        for option in ("beat_stretch", "slice", "onset", "lpf")
    )
    assert stretched["rate"] == pytest.approx(1.753310657596372 / 2, rel=1e-6)
    assert (sliced["start"], sliced["finish"]) == pytest.approx((3 / 16, 4 / 16))
    assert 0 < onset["start"] < onset["finish"] < 1
    assert filtered["lpf"] == 80 and filtered["pitch"] == 3


def test_buffer_can_be_recorded_and_played():
    source = """
    with_fx :record, buffer: buffer(:mine, 1) do
      synth :saw, sustain: 1
    end
    sleep 2
    sample buffer(:mine, 1)
    """
    clip = render(source, 4)
    assert np.abs(clip.samples[int(2.2 * 44100) : int(2.8 * 44100)]).max() > 0.02


def test_fx_is_freed_after_its_sounds_and_kill_delay():
    source = "with_fx(:echo, kill_delay: 1) { play 60, release: 2 }"
    # The synth ends at 2 s; its FX is freed 1 s later.
    assert list_free_times(source, "fx_echo", 6) == [pytest.approx(3.0, abs=0.02)]


def test_fx_waits_for_a_sample_and_for_a_controlled_envelope():
    sample = "with_fx(:level, kill_delay: 0) { sample :bd_haus, rate: 0.1 }"
    (free_time,) = list_free_times(sample, "fx_level", 6)
    assert free_time == pytest.approx(BD_HAUS_S / 0.1 + 0.03, abs=0.02)
    controlled = """
    use_arg_checks false # Live Sonic Pi rejects the control of a release otherwise.
    with_fx :level, kill_delay: 0 do
      s = play 60, sustain: 1, release: 0.5
      sleep 0.5
      control s, release: 2
    end
    """
    assert list_free_times(controlled, "fx_level", 6) == [pytest.approx(3.0, abs=0.02)]


@pytest.mark.parametrize(
    "inner",
    ["play 60, release: 0.1", "with_fx(:reverb, kill_delay: 0.1) { play 60, release: 0.1 }"],
)
def test_fx_in_a_loop_do_not_accumulate(inner):
    source = f"live_loop(:a) {{ with_fx(:level, kill_delay: 0.1) {{ {inner} }}; sleep 0.25 }}"
    fx_count = max_fx_count = 0
    messages = collect_osc_messages(source, 18)
    containers = {m.arguments[3] for m in messages if m.synthdef_name == "fx_level"}
    for message in messages:
        fx_count += message.synthdef_name == "fx_level"
        fx_count -= message.address == "/n_free" and message.arguments[0] in containers
        max_fx_count = max(max_fx_count, fx_count)
    assert len(containers) == 72 and max_fx_count <= 6


CALLS_OF_EXTERNAL_DEVICES = (
    "osc '/x', 1",
    "osc_send 'localhost', 80, '/x'",
    "midi_note_on 60",
    "midi_cc 1, 2",
    "mc_message 'x'",
    "live_audio :a",
    "synth :sound_in",
)


def test_calls_of_external_devices_are_ignored_with_a_warning():
    result = try_render("play 60\n" + "\n".join(CALLS_OF_EXTERNAL_DEVICES), 1)
    assert result.has_clip
    expected = [("ignored", line) for line in range(2, 2 + len(CALLS_OF_EXTERNAL_DEVICES))]
    assert [(w.kind, w.line) for w in result.warnings] == expected


def test_sound_beyond_full_scale_is_clipped_with_a_warning():
    loud = Clip(np.array([[0.5, -1.5], [1.25, 0.25]], np.float32))
    result = build_render_result(loud, (), 0.0)
    assert result.has_clip and [w.kind for w in result.warnings] == ["clipped"]
    assert "1.500" in result.warnings[0].message
    assert result.clip.samples.tolist() == [[0.5, -1.0], [1.0, 0.25]]


def test_problems_that_live_sonic_pi_ignores_are_warnings_with_their_line():
    source = (
        "play 60\nsample :no_such_sample\nmidi 60\nplay 200\nuse_external_synths true\nsynth :zork"
    )
    result = try_render(source, 2)
    assert result.has_clip
    assert [(w.kind, w.line) for w in result.warnings] == [
        ("missing_sample", 2),
        ("ignored", 3),
        ("out_of_range", 4),
        ("unknown_synth", 6),
    ]


ERRORS = {
    "syntax": ("play 60\nplay (", "syntax", 2),
    "unclosed block": ("live_loop :a do\n  play 60\n", "syntax", None),
    "unknown name": ("play 60\nsleep 1\nplya 61", "runtime", 3),
    "in a thread": ("in_thread do\n  sleep 1\n  nope\nend\nplay 60", "runtime", 3),
    "in a function": ("define :f do\n  nope\nend\nplay 60\nf", "runtime", 2),
    "live_loop without sleep": ("play 60\nlive_loop :a do\n  play 60\nend", "no_sleep", 2),
    "loop without sleep": ("play 60\nloop do\n  play 60\nend", "no_sleep", 2),
    "unknown synth": ("play 60\nsynth :zork", "runtime", 2),
    "synth selected before": ("use_synth :zork\nsleep 1\nplay 60", "runtime", 1),
    "synth selected for a block": ("play 60\nwith_synth(:zork) do\n  play 60\nend", "runtime", 2),
    "unknown FX": ("play 60\nwith_fx :zork do\n  play 60\nend", "runtime", 2),
    "exception of the program": ("play 60\nraise ArgumentError, 'message'", "runtime", 2),
    "no sound": ("sleep 1", "silent", None),
    "silent amp": ("play 60, amp: 0", "silent", None),
    "empty": ("  \n", "silent", None),
    "only a comment": ("# play 60", "silent", None),
    "too many threads": ("play 60\n2000.times { in_thread { sleep 9 } }", "memory", None),
    "NUL": ("play 60\n\0", "syntax", 2),
    "lone surrogate": ("play 60\n'\udc80'", "syntax", 2),
}


PADDING = "".join(f"# {n}\n" for n in range(400))
ERRORS |= {
    "in an FX": ("with_fx :reverb do\n  play 60\n  sleep 0.5\n  nope\nend", "runtime", 4),
    "in a function in an FX in a loop": (
        "define :f do |x|\n  nope x\nend\nwith_fx(:echo) { live_loop(:z) { f 60; sleep 1 } }",
        "runtime",
        2,
    ),
    "CRLF": ("play 60\r\nsleep 1\r\nnope\r\n", "runtime", 3),
    "tabs": ("\tplay 60\n\tnope", "runtime", 2),
    "byte order mark": ("\ufeffplay 60\nnope", "runtime", 2),
    "header": ("#!/usr/bin/ruby\n# -*- coding: utf-8 -*-\nplay 60\nnope", "runtime", 4),
    "long program": (
        PADDING + "with_fx(:echo) do\n  in_thread do\n    nope\n  end\nend",
        "runtime",
        403,
    ),
}
MESSAGES = {
    "synth that is not available": ("synth :winwood_lead", "its sound is not available here", 1),
    "synth that no version has": ("synth :zork", "Sonic Pi has no such synth or FX", 1),
    "another file": ("play 60\nload '/x.rb'", "Other files are not available", 2),
    "another program": ("play 60\nrun_file '~/x.rb'", "Other files are not available", 2),
    "missing library": ("play 60\nrequire 'foo'", "Other files are not available", 2),
    "sample that no version has": ("sleep 1\nsample :hat_zork", "There is no sample :hat_zork", 2),
    "synth played later": ("use_synth :zork\nplay 60", "(played in line 2)", 1),
    "sample to load": ("play 60\nload_sample :zork", "There is no such sample", 2),
    "folder of samples": ("load_samples '/nowhere'", 'There is no sample "/nowhere"', 1),
    "missing file": ("sample '/x.wav'", 'There is no sample "/x.wav"', 1),
    "cue that is never sent": ("sleep 1\nsync :go\nplay 60", "nothing sends this cue", 2),
    "loop that waits": (
        "live_loop :a, sync: :b do\n  play 60\n  sleep 1\nend",
        "nothing sends this cue",
        1,
    ),
    "microphone": ("live_audio :mic", "live audio needs a microphone", 1),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_error_explains_what_is_missing(name):
    source, message_part, line = MESSAGES[name]
    error = _find_first_error(try_render(source, 2))
    assert message_part in error.message and error.line == line


def test_waiting_for_a_cue_is_a_warning_only_when_the_cue_is_never_sent():
    source = (
        "live_loop(:a) { sync :go; play 60 }\n"
        "live_loop(:b) { sleep 0.5; cue :go }\n"
        "in_thread { sync :never }"
    )
    warnings = try_render(source, 2).warnings
    assert [(w.kind, w.line) for w in warnings] == [("waiting", 3)]


@pytest.mark.parametrize("name", ERRORS)
def test_error_has_kind_and_line(name):
    source, kind, line = ERRORS[name]
    error = _find_first_error(try_render(source, 2))
    assert error is not None and error.kind == kind and error.message
    if line:
        assert error.line == line


def test_render_raises_the_error_of_the_program():
    with pytest.raises(RenderError) as caught:
        render("sleep 0.5\nnope", 1)
    assert caught.value.problem.line == 2


def _find_first_error(result: RenderResult) -> RenderProblem | None:
    """Return the error of a program, or else the first error that ended one of its threads."""
    return result.error or next(iter(result.thread_errors), None)


def test_clip_has_the_requested_length_and_is_stereo():
    clip = render("play 60, pan: -1", 1.25)
    assert clip.samples.shape == (55125, 2) and clip.samples.dtype == np.float32
    assert clip.seconds == 1.25
    assert np.abs(clip.samples[:, 0]).max() > 100 * np.abs(clip.samples[:, 1]).max()


def _find_strongest_frequency(samples: np.ndarray, sample_rate: int) -> float:
    """Return the strongest frequency in Hz."""
    spectrum = np.abs(np.fft.rfft(samples[:, 0] * np.hanning(len(samples))))
    return float(spectrum.argmax() * sample_rate / len(samples))
