"""The encoders `sonicpi`, which reads programs and runs none, and `score`, which runs them."""

from __future__ import annotations

import numpy as np
import pytest

from core import encoders
from core.sonicpi import inventory
from core.encoders.score_features import compute_score_features
from core.sonicpi.score_events import extract_score_events
from core.sonicpi.interpreter.scheduler import ProgramInterpreter
from core.sonicpi.interpreter.parser import parse_program
from core.sonicpi import collect_osc_messages

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
    assert inventory.format_inventory_json(inventory.read_installed_inventory()) == inventory.INVENTORY_PATH.read_text()


def test_what_is_read_is_what_is_played():
    read_sounds = ProgramInterpreter(parse_program(PROGRAM)).events
    played = [s for s in extract_score_events(collect_osc_messages(PROGRAM)) if s.time < 18]
    assert len(read_sounds) == len(played) == 72 * 3 + 36
    assert sorted(s.name for s in read_sounds) == sorted(s.name for s in played)
    first = next(s for s in read_sounds if s.name == "tb303")
    assert first.options["release"] == pytest.approx(0.25)
    assert first.options["note"] == 52 and first.fx[0][0] == "reverb"
    assert cosine(compute_score_features(read_sounds), compute_score_features(played)) > 0.95


@pytest.mark.parametrize(
    "unfinished",
    [
        "live_loop :a do\n  use_synth :tb303\n  play 60\n  sleep 1\n  play chord(:e3, ",
        "use_synth :tb303\nplay 60\n)))\nplay 64",
        "use_synth :tb303\nplay 60\nend\nend",
    ],
)
def test_unfinished_code_gives_what_can_be_read(unfinished):
    assert {s.name for s in ProgramInterpreter(parse_program(unfinished)).events} == {"tb303"}


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
def test_hostile_programs_have_a_vector(hostile):
    assert np.isfinite(encoders.get_encoder("sonicpi").embed([hostile])).all()


def test_too_long_a_program_is_refused():
    with pytest.raises(encoders.EmbedError, match="200,000"):
        encoders.get_encoder("sonicpi").embed(["x" * 1_000_000])


def test_nothing_of_a_program_is_run(tmp_path):
    mark = tmp_path / "ran"
    encoders.get_encoder("sonicpi").embed(
        [f"`touch {mark}`; system('touch {mark}'); File.write('{mark}', 1)"]
    )
    assert not mark.exists()


def test_near_values_have_near_vectors():
    made = encoders.get_encoder("sonicpi").embed(
        [f"play 60, release: 4, cutoff: {cutoff}" for cutoff in (60, 64, 120)]
    )
    assert cosine(made[0], made[1]) > cosine(made[0], made[2])


def test_the_same_program_has_the_same_vector():
    for encoder in ("sonicpi", "score"):
        a, b = (encoders.get_encoder(encoder).embed([PROGRAM]) for _ in range(2))
        assert np.array_equal(a, b)


def test_a_program_that_waits_for_a_cue_is_heard():
    source = "live_loop :b do\n  sync :a\n  sample :sn_dub\nend\nlive_loop :a do\n  sleep 1\nend"
    assert len(ProgramInterpreter(parse_program(source)).events) >= 15


def test_score_of_a_failing_program_is_that_of_silence():
    silent, failing = encoders.get_encoder("score").embed(["sleep 1", "play nil.foo"])
    assert np.array_equal(silent, failing)


def test_a_parser_that_is_killed_costs_no_program_its_tree(monkeypatch: pytest.MonkeyPatch):
    import os
    import signal

    from core.sonicpi.interpreter import parser
    from core.errors import EarshotError

    tree = parse_program("play 60")
    os.kill(parser._running_parsers[0]._process.pid, signal.SIGKILL)
    assert tree is not None and parse_program("play 60") == tree
    # Again and again it is the machine's fault, and no vector is made of it.
    monkeypatch.setattr(parser, "PARSE_TIMEOUT_SECONDS", 0.0)
    with pytest.raises(EarshotError, match="too slow"):
        parse_program("play 60")
    monkeypatch.undo()
    assert parse_program("play 60") == tree
