"""Differences between two programs."""

from __future__ import annotations

import pytest

from core.programs.program_differences import (
    diff_parameter_values,
    diff_program_sources,
    extract_code_traits,
)

SOURCE = """use_bpm 120
use_synth :prophet
# synth :saw, amp: 9
live_loop :a do
  with_fx :reverb, room: 0.9 do
    play :e2, release: 0.2, amp: rrand(0.3, 1)
    puts "sample :bd_haus, rate: 2"
  end
  sample :loop_amen, rate: 1, beat_stretch: 4
  synth :tb303, note: :e1, release: 2
  sleep 1
end
"""


def test_code_traits_ignore_comments_and_strings() -> None:
    traits = extract_code_traits(SOURCE)
    assert traits["bpm"] == "120"
    assert traits["synth"] == "prophet, tb303"
    assert traits["sample"] == "loop_amen"
    assert traits["fx"] == "reverb"
    assert traits["release"] == "0.2, 2"
    assert traits["amp"] == "rrand(0.3, 1)"
    assert traits["rate"] == "1"
    assert traits["note"] == "e1"
    assert "9" not in str(traits) or traits["amp"] != "9"


@pytest.mark.parametrize(
    ("source", "kind", "value"),
    [
        ("synth(:fm)", "synth", "fm"),
        ("with_synth :dsaw do\nend", "synth", "dsaw"),
        ("use_synth   :hollow", "synth", "hollow"),
        ("sample :bd_haus; sample :bd_haus", "sample", "bd_haus"),
        ("with_fx(:echo, mix: -0.5) { play 60 }", "mix", "-0.5"),
        ("play 60, pan: dice", "pan", "dice"),
    ],
)
def test_code_traits_are_found_in_every_notation(source: str, kind: str, value: str) -> None:
    assert extract_code_traits(source)[kind] == value


@pytest.mark.parametrize("source", ["", "(((", "play '", 'puts "', "use_synth", "é: ♪"])
def test_code_traits_of_incomplete_code(source: str) -> None:
    assert isinstance(extract_code_traits(source), dict)


def test_diff_values_lists_only_differences_in_order() -> None:
    values, other_values = {"a": 1, "b": [1, 2], "c": 0}, {"b": [1, 3], "c": 0, "d": True}
    assert diff_parameter_values(values, other_values) == [
        ("a", "1", ""),
        ("b", "[1, 2]", "[1, 3]"),
        ("d", "", "True"),
    ]
    assert diff_parameter_values(values, values) == []


def test_diff_sources_gives_a_unified_diff_without_header() -> None:
    source, other_source = "play 60\nsleep 1\nplay 62\n", "play 60\nsleep 2\nplay 62\n"
    lines = diff_program_sources(source, other_source).splitlines()
    assert "-sleep 1" in lines and "+sleep 2" in lines
    assert " play 60" in lines
    assert not any(line.startswith(("---", "+++")) for line in lines)
    assert diff_program_sources(source, source) == ""


def test_diff_sources_shows_the_requested_number_of_context_lines() -> None:
    source = "\n".join(f"play {n}" for n in range(20))
    other_source = source.replace("play 10", "play 99")
    lines = diff_program_sources(source, other_source, 1).splitlines()
    context_lines = [line for line in lines if line[0] == " "]
    assert context_lines == [" play 9", " play 11"]
