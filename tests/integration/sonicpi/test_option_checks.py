"""Options are checked as by the app of Sonic Pi; what would end scsynth is an error with a line."""

from __future__ import annotations

import pytest

from core.sonicpi import (
    RenderError,
    RenderResult,
    collect_osc_messages,
    render_programs_in_parallel,
)

# Source, line and text of the error; the check ends the thread at that line.
REJECTED = {
    "play": ("play 60, pan: 3", 1, ":pan must be a value between -1 and 1 inclusively, got 3"),
    "play with a synth": ("use_synth :saw\nplay 60, cutoff: 200", 2, ":cutoff must be a value"),
    "negative time": ("play 60, release: -1", 1, ":release must be zero or greater, got -1"),
    "default of the synth": ("use_synth_defaults amp: -1\nplay 60", 2, ":amp must be zero or"),
    "play_pattern": ("play_pattern [60, 62], pan: -2", 1, ":pan must be"),
    "play_pattern_timed": ("play_pattern_timed [60], [0.1], amp: -1", 1, ":amp must be"),
    "play_chord": ("play_chord [60, 64], pan: 2", 1, ":pan must be"),
    "synth": ("synth :tb303, note: 40, res: 1", 1, ":res must be a value less than 1, got 1"),
    "sample": ("sample :bd_haus, rate: 0", 1, ":rate must not be zero, got 0"),
    "sample filter": ("sample :bd_haus, cutoff: 200", 1, ":lpf must be a value"),
    "default of the sample": ("use_sample_defaults pan: 9\nsample :bd_haus", 2, ":pan must be"),
    "FX": ("with_fx :reverb, mix: 2 do\n  play 60\nend", 1, ":mix must be a value between 0"),
    "FX option": ("with_fx :echo, phase: 0 do\n  play 60\nend", 1, ":phase must be greater than"),
    "note": ("use_synth :piano\nplay :d30", 2, ":note must be a value less than 231, got 374"),
    "not a number": ("sleep 0.1\nplay 60, amp: 0.0 / 0", 2, ":amp must be a number, got NaN"),
    "note that is not a number": ("play Float::NAN", 1, ":note must be"),
    "unchecked and not a number": ("play 60, zork: 0.0 / 0", 1, ":zork must be a number, got NaN"),
}
# The first note sounds; the line of `control` is an error.
CONTROLS = {
    "range": ("n = play 60\ncontrol n, pan: 3", ":pan must be a value between -1 and 1"),
    "not modulatable": ("n = play 60, release: 2\ncontrol n, release: 3", "not modulatable"),
    "FX": ("with_fx(:level) { |f| play 60\ncontrol f, amp: -1 }", ":amp must be zero or greater"),
    "not a number": ("n = play 60\ncontrol n, amp: 0.0 / 0", ":amp must be a number, got NaN"),
    "mixer": ("play 60\nset_mixer_control! lpf: 0.0 / 0", ":lpf must be a number, got NaN"),
    "volume": ("play 60\nset_volume! 0.0 / 0", ":volume must be a number, got NaN"),
}
# Values that ended scsynth, also without Sonic Pi's own checks.
UNPLAYABLE = {
    "piano": ("use_synth :piano\nplay 374", "between 0 and 231"),
    "piano at infinity": ("use_synth :piano\nplay Float::INFINITY", "between 0 and 231"),
    "echo": ("with_fx(:echo, max_phase: 30_000) {\nplay 60 }", "between 0 and 1000"),
    "ping pong": ("with_fx(:ping_pong, max_phase: -1) {\nplay 60 }", "between 0 and 1000"),
    "flanger": ("with_fx(:flanger, max_delay: 1e9) {\nplay 60 }", "between 0 and 1000"),
    "whammy": ("with_fx(:whammy, max_delay_time: 1e6) {\nplay 60 }", "between 0 and 1000"),
    "pitch shift": ("with_fx(:pitch_shift, window_size: 1e4) {\nplay 60 }", "between 0 and 1000"),
    "gverb": ("with_fx(:gverb, room: 0) {\nplay 60 }", "between 1 and 100000"),
    "sample": ("sample :bd_haus, window_size: 1e4, pitch: 1", "between 0 and 1000"),
    "pluck": ("synth :pluck, max_delay_time: -1e9", "between 0 and 1000"),
    "organ": ("sleep 0\nsynth :organ_tonewheel, rs_onset: -1", "between 0 and 1000"),
    "slicer": ("with_fx(:slicer, seed: Float::INFINITY) {\nplay 60 }", "must be a finite number"),
    "controlled seed": (
        "with_fx(:wobble) { |f|\ncontrol f, seed: Float::INFINITY }",
        "must be a finite number",
    ),
}
ACCEPTED = {
    "use": "use_arg_checks false\nplay 60, pan: 3, amp: 0.5",
    "with": "with_arg_checks(false) { play 60, pan: 3 }",
    "all allowed values": "play 60, pan: -1, amp: 0, release: 0\nplay 62, pan: 1",
    "an option that the synth lacks": "play 60, cutoff: 200",
    "infinity": "play 60, sustain: Float::INFINITY",
    "endless curves": (
        "2.times { synth :sc808_snare, decay_curve: 1e30; sleep 0.1 }\n"
        "synth :sc808_snare, decay_curve: Float::INFINITY"
    ),
}


@pytest.fixture(scope="module")
def results() -> dict[str, RenderResult]:
    """The results of all programs, rendered once."""
    sources = [source for source, *_ in (*REJECTED.values(), *CONTROLS.values())]
    sources += ["use_arg_checks false\n" + source for source, _ in UNPLAYABLE.values()]
    sources += ACCEPTED.values()
    return {
        sources[index]: result
        for index, result in render_programs_in_parallel(sources, seconds=0.5)
    }


@pytest.mark.parametrize("name", REJECTED)
def test_an_invalid_option_is_an_error_with_its_line(name: str, results):
    source, line, text = REJECTED[name]
    error = results[source].error
    assert (error.kind, error.line) == ("runtime", line) and text in error.message, error


@pytest.mark.parametrize("name", CONTROLS)
def test_an_invalid_control_ends_the_thread_and_the_note_sounds(name: str, results):
    source, text = CONTROLS[name]
    result = results[source]
    assert result.has_clip, result.error
    (error,) = result.thread_errors
    assert error.line == 2 and text in error.message, error


@pytest.mark.parametrize("name", UNPLAYABLE)
def test_what_ends_scsynth_is_an_error_even_without_checks(name: str, results):
    source, text = UNPLAYABLE[name]
    result = results["use_arg_checks false\n" + source]
    error = result.error or result.thread_errors[0]
    assert error.kind == "runtime" and error.line in (2, 3) and text in error.message, error


@pytest.mark.parametrize("name", ACCEPTED)
def test_checks_reject_nothing_else(name: str, results):
    result = results[ACCEPTED[name]]
    assert result.has_clip and not result.thread_errors, (result.error, result.warnings)


def test_checks_return_after_a_block_without_them():
    source = "with_arg_checks(false) { play 60, pan: 3 }\nsleep 0.25\nplay 60, pan: 3"
    (message,) = (m for m in collect_osc_messages(source, 0.5) if m.is_start_of_synth_or_sample)
    assert (message.time, message.control_value_by_name["pan"]) == (0.0, 3.0)


@pytest.mark.parametrize("value", ["1.0 / 0", "10**400"])
def test_messages_hold_infinite_options(value: str):
    (message,) = (
        m
        for m in collect_osc_messages(f"play 60, sustain: {value}", 0.5)
        if m.is_start_of_synth_or_sample
    )
    assert message.control_value_by_name["sustain"] == float("inf")


def test_messages_and_clip_fail_at_the_same_line():
    with pytest.raises(RenderError) as caught:
        collect_osc_messages("sleep 0.1\nplay 60, amp: 0.0 / 0", 0.5)
    problem = caught.value.problem
    assert (problem.kind, problem.line) == ("runtime", 2) and "got NaN" in problem.message


# Options of a SynthDef that is named directly reach scsynth unchecked.
GVERB = (
    "play 60\nuse_external_synths true\nsleep 0.25\n"
    "with_fx('sonic-pi-fx_gverb', room: 0) { play 60 }"
)


def test_what_ends_scsynth_in_another_way_is_found_with_its_line():
    results = dict(render_programs_in_parallel([GVERB, "play 60"], seconds=0.5, workers=1))
    error = results[0].error
    assert (error.kind, error.line) == ("runtime", 4), error
    assert "the FX gverb with room: 0" in error.message
    assert results[1].has_clip


def test_the_name_of_an_option_is_a_symbol():
    sources = ['play 60, "attack", 0.25', "play 60, amp: Complex(1, 2)"]
    results = dict(render_programs_in_parallel(sources, seconds=0.5, workers=1))
    assert "must be a symbol: write attack: 0.25" in results[0].error.message
    assert "must be a symbol" not in results[1].error.message
