"""The makam scales of Sonic Pi 3.3, from the table that the renderer reads too."""

from __future__ import annotations

import json
from functools import cache

from core.sonicpi.sandbox import HOST_FOLDER

COMMA_SEMITONES = 12 / 53


@cache
def load_makam_steps() -> dict[str, list[float]]:
    """Return the steps of every makam in semitones, by name."""
    table = json.loads((HOST_FOLDER / "makam_scales.json").read_text(encoding="utf-8"))
    return {
        name: [commas * COMMA_SEMITONES for part in parts for commas in table["parts"][part]]
        for name, parts in table["makams"].items()
    }
