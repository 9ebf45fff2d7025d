"""What two programs have in common and what only one of them has."""

from __future__ import annotations

import pytest

from core.programs.diff import diff_sources, extract_code_traits, diff_values

MINE = """use_bpm 120
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


def test_traits_are_what_the_text_names_and_nothing_of_comments_and_strings() -> None:
    found = extract_code_traits(MINE)
    assert found["bpm"] == "120"
    assert found["synth"] == "prophet, tb303"
    assert found["sample"] == "loop_amen"
    assert found["fx"] == "reverb"
    assert found["release"] == "0.2, 2"
    assert found["amp"] == "rrand(0.3, 1)"
    assert found["rate"] == "1"
    assert found["note"] == "e1"
    assert "9" not in str(found) or found["amp"] != "9"


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
def test_traits_of_other_spellings(source: str, kind: str, value: str) -> None:
    assert extract_code_traits(source)[kind] == value


@pytest.mark.parametrize("source", ["", "(((", "play '", 'puts "', "use_synth", "é: ♪"])
def test_unfinished_code_has_traits_too(source: str) -> None:
    assert isinstance(extract_code_traits(source), dict)


def test_only_values_that_differ_are_listed_in_order() -> None:
    mine, other = {"a": 1, "b": [1, 2], "c": 0}, {"b": [1, 3], "c": 0, "d": True}
    assert diff_values(mine, other) == [
        ("a", "1", ""),
        ("b", "[1, 2]", "[1, 3]"),
        ("d", "", "True"),
    ]
    assert diff_values(mine, mine) == []


def test_a_difference_of_code_leads_from_one_to_the_other() -> None:
    one, other = "play 60\nsleep 1\nplay 62\n", "play 60\nsleep 2\nplay 62\n"
    lines = diff_sources(one, other).splitlines()
    assert "-sleep 1" in lines and "+sleep 2" in lines
    assert " play 60" in lines
    assert not any(line.startswith(("---", "+++")) for line in lines)
    assert diff_sources(one, one) == ""


def test_context_is_as_wide_as_asked() -> None:
    one = "\n".join(f"play {n}" for n in range(20))
    other = one.replace("play 10", "play 99")
    near = [line for line in diff_sources(one, other, 1).splitlines() if line[0] == " "]
    assert near == [" play 9", " play 11"]
