"""The inventory of Sonic Pi 3.2.2: synths, FX, samples, chords and scales with their defaults.

The inventory is stored in `sonic_pi_inventory.json`, so that an encoder gives the same embeddings
everywhere and needs no installed Sonic Pi. To create the file again from the installed Sonic Pi:

    .venv/bin/python -m core.sonicpi.sonic_pi_inventory
"""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import soundfile

from core.errors import EarshotError
from core.sonicpi.newer_sonic_pi_sounds import load_newer_sample_seconds, load_newer_synth_options
from core.sonicpi.renderer_versions_and_render_id import get_sonic_pi_version

INVENTORY_PATH = Path(__file__).with_suffix(".json")
SONIC_PI_LIBRARY = Path("/usr/lib/sonic-pi/app/server/ruby/lib")
SAMPLES_FOLDER = Path("/usr/share/sonic-pi/samples")
SLIDE_SUFFIXES = ("_slide", "_slide_shape", "_slide_curve")
INTERNAL_SYNTH_WORDS = ("player", "mixer", "sound_in", "live_audio", "recorder", "scope")
UNKNOWN_SAMPLE_SECONDS = 1.0


@cache
def load_sonic_pi_inventory() -> dict[str, Any]:
    """Return the stored inventory.

    Returns
    -------
    dict
        "synths" and "fx": default options by name. "player": default options of samples. "samples":
        lengths in seconds by name. "scaled": names of options that are times in beats. "chords" and
        "scales": offsets and steps in semitones by name.
    """
    return json.loads(INVENTORY_PATH.read_text(encoding="utf-8"))


def get_builtin_sample_duration(sample_name: str) -> float:
    """Return the length of a sample of any Sonic Pi version in seconds; 1 for other samples."""
    seconds = load_sonic_pi_inventory()["samples"].get(sample_name)
    if seconds is None:
        seconds = load_newer_sample_seconds().get(sample_name, UNKNOWN_SAMPLE_SECONDS)
    return seconds


def get_default_synth_options(synth_name: str) -> dict[str, float]:
    """Return the default options of a synth of any Sonic Pi version; empty for other names."""
    options = load_sonic_pi_inventory()["synths"].get(synth_name)
    return load_newer_synth_options().get(synth_name, {}) if options is None else options


def read_installed_inventory() -> dict[str, Any]:
    """Read the inventory from the installed Sonic Pi.

    Returns
    -------
    dict
        As `load_sonic_pi_inventory`.

    Raises
    ------
    EarshotError
        When Sonic Pi is not installed, or its tables cannot be read.
    """
    version = get_sonic_pi_version()
    script = INVENTORY_PATH.with_suffix(".rb")
    ruby = subprocess.run(
        ["ruby", str(script), str(SONIC_PI_LIBRARY)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if ruby.returncode:
        raise EarshotError(
            f"Sonic Pi's tables cannot be read: {ruby.stderr.strip()[-300:]}",
            where=str(SONIC_PI_LIBRARY),
        )
    tables = json.loads(ruby.stdout)
    synths, fx = tables["synths"], tables["fx"]
    return {
        "sonic_pi": version,
        "synths": {
            name: _drop_synth_slide_options(options)
            for name, options in sorted(synths.items())
            if not any(word in name for word in INTERNAL_SYNTH_WORDS)
        },
        "fx": {
            name.removeprefix("fx_"): _drop_synth_slide_options(options)
            for name, options in sorted(fx.items())
            if "replace" not in name
        },
        "player": _drop_synth_slide_options(synths["stereo_player"]),
        "samples": {
            path.stem: round(soundfile.info(path).duration, 4)
            for path in sorted(SAMPLES_FOLDER.glob("*.flac"))
        },
        "scaled": [option for option in tables["scaled"] if not option.endswith("_slide")],
        "chords": tables["chords"],
        "scales": tables["scales"],
    }


def _drop_synth_slide_options(options: dict[str, float]) -> dict[str, float]:
    """Remove the options that describe how another option slides to a new value."""
    return {name: value for name, value in options.items() if not name.endswith(SLIDE_SUFFIXES)}


def format_inventory_json(inventory: dict[str, Any]) -> str:
    """Format an inventory as JSON with one line per synth, FX, sample, chord and scale."""
    sections = []
    for key, value in inventory.items():
        if isinstance(value, dict):
            lines = ",\n".join(
                f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in value.items()
            )
            sections.append(f"{json.dumps(key)}: {{\n{lines}\n }}")
        else:
            sections.append(f"{json.dumps(key)}: {json.dumps(value)}")
    return "{\n " + ",\n ".join(sections) + "\n}\n"


if __name__ == "__main__":
    INVENTORY_PATH.write_text(format_inventory_json(read_installed_inventory()), encoding="utf-8")
