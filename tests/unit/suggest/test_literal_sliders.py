"""The values of sliders: Sonic Pi's own ranges, in the notation of the program."""

from __future__ import annotations

import pytest

from core.suggest.literal_sliders import LiteralSlider, list_literal_sliders
from core.suggest.program_literals_calls_and_blocks import build_program_outline
from tests.unit.suggest.programs import BASS_AND_DRUMS


def list_sliders(source: str) -> dict[str, LiteralSlider]:
    outline = build_program_outline(source)
    assert outline is not None
    return {slider.name: slider for slider in list_literal_sliders(outline)}


@pytest.mark.parametrize(
    ("source", "name", "lowest", "highest"),
    [
        ("use_synth :saw; play 60, cutoff: 90", "cutoff", "0", "130"),
        ("play 60, pan: 0.25", "pan", "-1.0", "1.0"),
        ("with_fx :reverb, mix: 0.4 do; play 60; end", "mix", "0.0", "1.0"),
        ("sample :bd_haus, lpf: 80", "lpf", "0", "130"),
        ("play 60, amp: 0", "amp", "0", "2"),
        ("play 60, release: 2", "release", "0", "8"),
        ("play 60", "note", "36", "84"),
        ("play 30", "note", "24", "54"),
        ("play :e3", "note", ":e1", ":e5"),
        ("use_bpm 500; play 60", "tempo", "30", "500"),
        ("play 60; sleep 20; play 62", "sleep", "0.125", "20"),
        ("use_transpose -5; play 60", "interval", "-24", "0"),
    ],
)
def test_a_slider_goes_as_far_as_sonic_pi_allows(
    source: str, name: str, lowest: str, highest: str
) -> None:
    values = list_sliders(source)[name].values
    assert (values[0], values[-1]) == (lowest, highest)


def test_a_slider_stands_at_the_literals_own_code() -> None:
    outline = build_program_outline(BASS_AND_DRUMS + "play :Eb4, release: 1_0, res: 1e-3\n")
    assert outline is not None
    sliders = list_literal_sliders(outline)
    assert {"note", "cutoff", "sleep", "tempo", "synth", "sample", "fx", "odds"} <= {
        slider.name for slider in sliders
    }
    for slider in sliders:
        assert slider.values[slider.position] == slider.literal.text
        assert len(set(slider.values)) == len(slider.values) > 1


def test_numbers_ascend_and_names_start_with_the_own_one() -> None:
    sliders = list_sliders("use_synth :tb303; play 60, cutoff: 95.5, release: 0.3")
    for name in ("note", "cutoff", "release"):
        numbers = [float(text) for text in sliders[name].values]
        assert numbers == sorted(numbers)
    assert sliders["synth"].values[0] == ":tb303" and ":beep" in sliders["synth"].values


def test_a_literal_without_a_known_meaning_has_no_slider() -> None:
    assert list_sliders("cue :ready, 5; play 60").keys() == {"note"}
