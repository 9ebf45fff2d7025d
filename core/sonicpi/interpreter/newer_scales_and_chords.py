"""The scales and chords that Sonic Pi gained from 3.3 to 5.0, from the tables of the renderer."""

from __future__ import annotations

import json
from functools import cache

from core.sonicpi.interpreter.makam_scales import load_makam_steps
from core.sonicpi.sandbox import HOST_FOLDER


@cache
def load_newer_scale_steps() -> dict[str, list[float]]:
    """Return the steps of every newer scale, makams included, in semitones, by name."""
    return {**_load_newer_scale_and_chord_table()["scales"], **load_makam_steps()}


@cache
def load_newer_chord_offsets() -> dict[str, list[float]]:
    """Return the offsets of every newer chord from its tonic in semitones, by name."""
    return _load_newer_scale_and_chord_table()["chords"]


def _load_newer_scale_and_chord_table() -> dict[str, dict[str, list[float]]]:
    path = HOST_FOLDER / "later_scales_and_chords.json"
    table: dict[str, dict[str, list[float]]] = json.loads(path.read_text(encoding="utf-8"))
    return table
