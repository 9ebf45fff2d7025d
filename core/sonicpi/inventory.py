"""Make `inventory.json` anew: what the installed Sonic Pi knows.

    .venv/bin/python -m core.sonicpi.inventory

Kept in the repository, so that an encoder means the same everywhere and needs no Sonic Pi to read
a program.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import soundfile

from core.errors import EarshotError
from core.sonicpi import get_sonic_pi_version

INVENTORY_PATH = Path(__file__).with_suffix(".json")
SONIC_PI_LIBRARY = Path("/usr/lib/sonic-pi/app/server/ruby/lib")
SAMPLES_FOLDER = Path("/usr/share/sonic-pi/samples")
SLIDE_SUFFIXES = ("_slide", "_slide_shape", "_slide_curve")
INTERNAL_SYNTH_WORDS = ("player", "mixer", "sound_in", "live_audio", "recorder", "scope")


def read_installed_inventory() -> dict[str, Any]:
    """What the installed Sonic Pi knows.

    Raises
    ------
    EarshotError
        When it is not installed, or its tables can't be read.
    """
    version = get_sonic_pi_version()
    script = INVENTORY_PATH.with_suffix(".rb")
    told = subprocess.run(
        ["ruby", str(script), str(SONIC_PI_LIBRARY)], capture_output=True, text=True, timeout=60, check=False
    )
    if told.returncode:
        raise EarshotError(
            f"Sonic Pi's tables cannot be read: {told.stderr.strip()[-300:]}", where=str(SONIC_PI_LIBRARY)
        )
    known = json.loads(told.stdout)
    synths, effects = known["synths"], known["fx"]
    return {
        "sonic_pi": version,
        "synths": {
            name: _drop_slide_options(options)
            for name, options in sorted(synths.items())
            if not any(word in name for word in INTERNAL_SYNTH_WORDS)
        },
        "fx": {
            name.removeprefix("fx_"): _drop_slide_options(options)
            for name, options in sorted(effects.items())
            if "replace" not in name
        },
        "player": _drop_slide_options(synths["stereo_player"]),
        "samples": {
            path.stem: round(soundfile.info(path).duration, 4)
            for path in sorted(SAMPLES_FOLDER.glob("*.flac"))
        },
        "scaled": [option for option in known["scaled"] if not option.endswith("_slide")],
        "chords": known["chords"],
        "scales": known["scales"],
    }


def _drop_slide_options(options: dict[str, float]) -> dict[str, float]:
    """Without what says how an option moves when it is changed later."""
    return {name: value for name, value in options.items() if not name.endswith(SLIDE_SUFFIXES)}


def format_inventory_json(inventory: dict[str, Any]) -> str:
    """As the file holds it: a line a synth, FX, sample, chord and scale."""
    parts = []
    for key, value in inventory.items():
        if isinstance(value, dict):
            inner = ",\n".join(f"  {json.dumps(a)}: {json.dumps(b)}" for a, b in value.items())
            parts.append(f"{json.dumps(key)}: {{\n{inner}\n }}")
        else:
            parts.append(f"{json.dumps(key)}: {json.dumps(value)}")
    return "{\n " + ",\n ".join(parts) + "\n}\n"


if __name__ == "__main__":
    INVENTORY_PATH.write_text(format_inventory_json(read_installed_inventory()), encoding="utf-8")
