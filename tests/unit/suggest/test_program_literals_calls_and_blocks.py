"""Roles of literals."""

from __future__ import annotations

import pytest

from core.suggest.program_literals_calls_and_blocks import ProgramOutline, build_program_outline
from tests.unit.suggest.programs import BASS_AND_DRUMS


def outline(source: str) -> ProgramOutline:
    outline = build_program_outline(source)
    assert outline is not None
    return outline


@pytest.mark.parametrize(
    "source, text, role, option, sound",
    [
        ("play :c4", ":c4", "note", "", "beep"),
        ("use_synth :fm\nplay 60, amp: 0.5", "0.5", "option", "amp", "fm"),
        ("synth :tb303, note: :e2", ":e2", "note", "note", "tb303"),
        ("play 60, cutoff: rrand(70, 90)", "70", "option", "cutoff", "beep"),
        ("play [60, 62].choose", "62", "note", "", "beep"),
        ("play (ring :e3, :g3).tick + 12", "12", "interval", "", "beep"),
        ("n = [:e3, 40]\nplay n.tick", "40", "note", "", "beep"),
        ("c = 90\nplay 60, cutoff: c", "90", "option", "cutoff", "beep"),
        ("4.times do\n  play 60\nend", "4", "count", "", ""),
        ("play 60 if one_in(3)", "3", "odds", "", ""),
        ("play 60 if spread(5, 8).tick", "5", "pulses", "", ""),
        ("use_bpm 100", "100", "tempo", "", ""),
        ("use_random_seed 7", "7", "seed", "", ""),
        ("sample [:bd_haus, :sn_dub].tick", ":sn_dub", "sample", "", ""),
        ("with_fx :echo, phase: 0.25 do\nplay 60\nend", "0.25", "option", "phase", "echo"),
        ("use_synth_defaults release: 2", "2", "option", "release", "beep"),
        ("play chord(:a3, :m7)", ":m7", "chord name", "", ""),
        ("play 60 if x == 3", "3", "other", "", ""),
        ("play notes[2]", "2", "other", "", ""),
    ],
)
def test_a_literal_has_its_role(source: str, text: str, role: str, option: str, sound: str) -> None:
    literal = next(item for item in outline(source).literals if item.text == text)
    assert (literal.role, literal.option) == (role, option)
    if sound:
        assert literal.sound == sound


def test_a_variable_with_two_roles_has_none() -> None:
    literals = outline("v = 60\nplay v\nsleep v").literals
    assert literals[0].role == "other"


def test_literals_know_their_line_and_layer() -> None:
    literal = next(item for item in outline(BASS_AND_DRUMS).literals if item.text == ":eb2")
    assert (literal.line, literal.layer, literal.sound) == (10, "live_loop :bass", "tb303")


@pytest.mark.parametrize("source", ["play 60, amp: 1", "play(60, amp: 1)", "play 60,\n  amp: 1"])
def test_an_option_can_be_inserted_after_the_arguments(source: str) -> None:
    (call,) = outline(source).list_calls_of_functions("play")
    assert source[: call.arguments_end].endswith("amp: 1")
