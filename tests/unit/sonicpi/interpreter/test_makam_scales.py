"""Makam scales are rows of tetrachords whose steps are commas of an octave."""

from __future__ import annotations

import pytest

from core.sonicpi.interpreter.makam_scales import COMMA_SEMITONES, load_makam_steps

# Steps in commas, as taught for the Arel-Ezgi-Uzdilek system.
COMMAS = {
    "cargah": [9, 9, 4, 9, 9, 9, 4],
    "rast": [9, 8, 5, 9, 9, 8, 5],
    "hicaz": [5, 12, 5, 9, 8, 5, 9],
    "ussak": [8, 5, 9, 9, 4, 9, 9],
    "kurdi": [4, 9, 9, 9, 4, 9, 9],
    "segah": [5, 9, 8, 9, 5, 12, 5],
    "evic": [5, 9, 8],
}


@pytest.mark.parametrize("name", COMMAS)
def test_steps(name):
    expected = [commas * COMMA_SEMITONES for commas in COMMAS[name]]
    assert load_makam_steps()[name] == pytest.approx(expected)


def test_scales_that_span_an_octave_have_53_commas():
    spans = {name: sum(steps) / COMMA_SEMITONES for name, steps in load_makam_steps().items()}
    assert len(spans) == 78
    octaves = [name for name, commas in spans.items() if round(commas) == 53]
    assert {"rast", "hicaz", "huzzam", "neva"} <= set(octaves)
    # Two-octave forms and single tetrachords have other spans.
    assert not {"evic", "suzidil_2", "saba"} & set(octaves)
