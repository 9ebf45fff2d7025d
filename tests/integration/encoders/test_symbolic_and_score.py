"""The encoders `sonicpi`, which analyses programs without running them, and `score`."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest

from core import encoders
from core.encoders.score_features import compute_score_features
from core.errors import EarshotError
from core.sonicpi import collect_osc_messages, sonic_pi_inventory
from core.sonicpi.interpreter import ruby_parser_process
from core.sonicpi.interpreter.program_interpreter import ProgramInterpreter
from core.sonicpi.interpreter.ruby_parser_process import parse_program
from core.sonicpi.score_events import parse_score_events_from_osc_messages

PROGRAM = """use_bpm 120
with_fx :reverb, room: 0.8 do
  live_loop :tune do
    use_synth :tb303
    play chord(:e3, :minor), release: 0.5, cutoff: 90
    sample :bd_haus, rate: 0.5 if tick.even?
    sleep 0.5
  end
end
"""


def cosine(a, b):
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_the_inventory_is_that_of_the_installed_sonic_pi():
    installed_inventory = sonic_pi_inventory.format_inventory_json(
        sonic_pi_inventory.read_installed_inventory()
    )
    assert installed_inventory == sonic_pi_inventory.INVENTORY_PATH.read_text()


def test_the_interpreter_finds_the_events_that_the_program_plays():
    interpreted = ProgramInterpreter(parse_program(PROGRAM)).events
    messages = collect_osc_messages(PROGRAM)
    played = [event for event in parse_score_events_from_osc_messages(messages) if event.time < 18]
    assert len(interpreted) == len(played) == 72 * 3 + 36
    assert sorted(event.name for event in interpreted) == sorted(event.name for event in played)
    first = next(event for event in interpreted if event.name == "tb303")
    assert first.options["release"] == pytest.approx(0.25)
    assert first.options["note"] == 52 and first.fx[0][0] == "reverb"
    assert cosine(compute_score_features(interpreted), compute_score_features(played)) > 0.95


@pytest.mark.parametrize("option", ["sustain", "amp", "pan", "cutoff"])
def test_infinite_options_give_finite_features(option: str):
    played = parse_score_events_from_osc_messages(
        collect_osc_messages(f"use_arg_checks false; play 60, {option}: 1.0 / 0")
    )
    assert played[0].options[option] == float("inf")
    assert np.isfinite(compute_score_features(played)).all()


@pytest.mark.parametrize(
    "source",
    [
        "use_real_time; play 60; sleep 0.5; play 62",
        "set_sched_ahead_time! 2; play 60; sleep 0.5; play 62",
        "set_audio_latency! -300; play 60; sleep 0.5; play 62",
        "with_real_time { play 60 }; play 62; sleep 1; use_real_time; play 64",
        "in_thread { use_real_time; sleep 0.25; play 70 }; play 60; sleep 1; play 61",
        "use_real_time; sleep 1; play 60; with_sched_ahead_time(1) { play 62 }",
        "time_warp(-0.3) { play 60; sleep 0.1; time_warp(0.1) { play 61 }; play 62 }; play 64",
        "sleep 2; time_warp(-1) { play 60 }",
        "sleep 1; use_real_time; time_warp([-0.5, 0, 0.5]) { |t| play 60 + t }",
        "sleep -0.3; play 60; sleep 1; play 62; sleep -0.9; play 70; sleep 0.6; play 71",
    ],
)
def test_the_interpreter_finds_the_times_of_programs_with_another_lead(source):
    interpreted = ProgramInterpreter(parse_program(source)).events
    played = parse_score_events_from_osc_messages(collect_osc_messages(source))
    for events in (interpreted, played):
        events.sort(key=lambda event: (round(event.time, 1), event.options["note"]))
    assert [event.options["note"] for event in interpreted] == [e.options["note"] for e in played]
    # Sonic Pi waits for a few ms before it plays a late sound.
    times = [event.time for event in interpreted]
    assert times == pytest.approx([event.time for event in played], abs=0.01)


@pytest.mark.parametrize(
    "unfinished",
    [
        "live_loop :a do\n  use_synth :tb303\n  play 60\n  sleep 1\n  play chord(:e3, ",
        "use_synth :tb303\nplay 60\n)))\nplay 64",
        "use_synth :tb303\nplay 60\nend\nend",
    ],
)
def test_the_events_of_unfinished_code_are_found(unfinished):
    events = ProgramInterpreter(parse_program(unfinished)).events
    assert {event.name for event in events} == {"tb303"}


@pytest.mark.parametrize(
    "hostile",
    [
        "(" * 100_000,
        "[" * 5000 + "]" * 5000,
        "a=" * 3000 + "1",
        "\udcff\0play 60",
        "",
        "loop do\nend",
        "def f; f; end; f",
        "while true do x=1 end",
        "x=[1]\nloop do x=x+x end",
        "play 10**10**10",
        "1000000.times do |i| in_thread do play i end end",
        "y = (1..9999999999999).to_a",
        "live_loop :a do live_loop :b do sleep 0 end; sleep 0.0001 end",
    ],
)
def test_hostile_programs_have_a_finite_vector(hostile):
    assert np.isfinite(encoders.get_encoder("sonicpi").embed([hostile])).all()


def test_programs_above_the_maximum_length_are_refused():
    with pytest.raises(encoders.EmbedError, match="200,000"):
        encoders.get_encoder("sonicpi").embed(["x" * 1_000_000])


def test_the_symbolic_encoder_runs_no_code(tmp_path):
    trace = tmp_path / "ran"
    encoders.get_encoder("sonicpi").embed(
        [f"`touch {trace}`; system('touch {trace}'); File.write('{trace}', 1)"]
    )
    assert not trace.exists()


def test_near_values_have_near_vectors():
    base, near, far = encoders.get_encoder("sonicpi").embed(
        [f"play 60, release: 4, cutoff: {cutoff}" for cutoff in (60, 64, 120)]
    )
    assert cosine(base, near) > cosine(base, far)


def test_the_same_program_has_the_same_vector():
    for encoder_id in ("sonicpi", "score"):
        encoder = encoders.get_encoder(encoder_id)
        np.testing.assert_array_equal(encoder.embed([PROGRAM]), encoder.embed([PROGRAM]))


def test_a_thread_that_waits_for_a_cue_has_events():
    source = "live_loop :b do\n  sync :a\n  sample :sn_dub\nend\nlive_loop :a do\n  sleep 1\nend"
    assert len(ProgramInterpreter(parse_program(source)).events) >= 15


def test_a_failing_program_has_the_score_vector_of_silence():
    silent, failing = encoders.get_encoder("score").embed(["sleep 1", "play nil.foo"])
    assert np.array_equal(silent, failing)


def test_a_program_is_parsed_again_after_its_parser_was_killed(monkeypatch: pytest.MonkeyPatch):
    tree = parse_program("play 60")
    os.kill(ruby_parser_process._running_parsers[0]._process.pid, signal.SIGKILL)
    assert tree is not None and parse_program("play 60") == tree
    # A parser that fails repeatedly is a fault of the machine, and the program gets no vector.
    monkeypatch.setattr(ruby_parser_process, "PARSE_TIMEOUT_SECONDS", 0.0)
    with pytest.raises(EarshotError, match="too slow"):
        parse_program("play 60")
    monkeypatch.undo()
    assert parse_program("play 60") == tree
