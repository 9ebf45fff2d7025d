"""The scales and chords of Sonic Pi 5, for the static reader."""

from __future__ import annotations

import pytest

from core.sonicpi.interpreter.newer_scales_and_chords import (
    load_newer_chord_offsets,
    load_newer_scale_steps,
)
from core.sonicpi.interpreter.scale_chord_and_range_rings import (
    build_chord_notes,
    build_scale_notes,
)


def test_scales_without_makams_span_an_octave() -> None:
    steps = load_newer_scale_steps()
    spans = {name: round(sum(steps[name]), 6) for name in steps if not _is_makam(steps[name])}
    assert set(spans.values()) == {12} and len(spans) == 6
    assert "rast" in steps


def _is_makam(steps: list[float]) -> bool:
    return any(step != int(step) for step in steps)


@pytest.mark.parametrize(
    ("name", "notes"), [("7+9", [60, 64, 67, 70, 75]), ("mmaj7", [60, 63, 67, 71])]
)
def test_chords_are_built(name: str, notes: list[int]) -> None:
    assert name in load_newer_chord_offsets()
    assert list(build_chord_notes(60, name)) == notes


def test_scale_is_built() -> None:
    assert list(build_scale_notes(60, "lydian_dominant")) == [60, 62, 64, 66, 67, 69, 70, 72]
