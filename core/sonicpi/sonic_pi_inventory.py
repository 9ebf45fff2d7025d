"""The inventory of Sonic Pi 3.2.2: synths, FX, samples, chords and scales with their defaults.

The inventory is stored in `sonic_pi_inventory.json`, so that an encoder gives the same embeddings
everywhere and needs no installed Sonic Pi. To create the file again from the installed Sonic Pi:

    .venv/bin/python -m core.sonicpi.sonic_pi_inventory
"""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter, defaultdict
from collections.abc import Mapping
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
# In the words of Sonic Pi's validations.
_BOTH_BOUNDS_PATTERN = re.compile(r"between (-?[\d.]+) and (-?[\d.]+) (inclusively|exclusively)")
_UPPER_BOUND_PATTERN = re.compile(r"less than (or equal to )?(-?[\d.]+)$")
_LOWER_BOUND_PATTERN = re.compile(r"greater than (or equal to )?(-?[\d.]+)$")
OptionBounds = tuple[float | None, float | None]


@cache
def load_sonic_pi_inventory() -> dict[str, Any]:
    """Return the stored inventory.

    Returns
    -------
    dict
        "synths" and "fx": default options by name. "player": default options of samples. "samples":
        lengths in seconds by name. "scaled": names of options that are times in beats. "bounds":
        lowest and highest value by option, or by "sound.option" where a sound differs. "chords"
        and "scales": offsets and steps in semitones by name.
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


def get_option_bounds(sound: str, option: str) -> OptionBounds:
    """Return the lowest and the highest value that Sonic Pi allows; None where it has no bound.

    Parameters
    ----------
    sound : str
        Synth or FX: "saw", "reverb"; "" for any.
    option : str

    Examples
    --------
    >>> get_option_bounds("saw", "cutoff"), get_option_bounds("", "amp")
    ((0, 130), (0, None))
    """
    bounds = load_sonic_pi_inventory()["bounds"]
    low, high = bounds.get(f"{sound}.{option}") or bounds.get(option) or (None, None)
    return low, high


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
        "bounds": _collect_option_bounds(tables["constraints"]),
        "chords": tables["chords"],
        "scales": tables["scales"],
    }


def _drop_synth_slide_options(options: dict[str, float]) -> dict[str, float]:
    """Remove the options that describe how another option slides to a new value."""
    return {name: value for name, value in options.items() if not name.endswith(SLIDE_SUFFIXES)}


def _collect_option_bounds(
    constraints: Mapping[str, Mapping[str, list[str]]],
) -> dict[str, OptionBounds]:
    """Return the bounds that most sounds give an option, and those of the sounds that differ."""
    by_option: dict[str, dict[str, OptionBounds]] = defaultdict(dict)
    for sound, options in sorted(constraints.items()):
        for option, messages in options.items():
            if not option.endswith(SLIDE_SUFFIXES):
                by_option[option][sound.removeprefix("fx_")] = _parse_bounds(messages)
    bounds: dict[str, OptionBounds] = {}
    for option, by_sound in sorted(by_option.items()):
        usual = Counter(by_sound.values()).most_common(1)[0][0]
        if usual != (None, None):
            bounds[option] = usual
        for sound, own in by_sound.items():
            if own != usual:
                bounds[f"{sound}.{option}"] = own
    return bounds


def _parse_bounds(messages: list[str]) -> OptionBounds:
    """Read the bounds from the words of an option's validations.

    Examples
    --------
    >>> _parse_bounds(["must be a value less than 131", "must be zero or greater"])
    (0, 130)
    """
    low: float | None = None
    high: float | None = None
    for message in messages:
        if message == "must be zero or greater":
            low = 0
        elif message == "must be greater than zero":
            low = _get_value_inside_exclusive_bound(0, 1)
        elif match := _BOTH_BOUNDS_PATTERN.search(message):
            low, high = _parse_number(match[1]), _parse_number(match[2])
            if match[3] == "exclusively":
                low, high = (
                    _get_value_inside_exclusive_bound(low, 1),
                    _get_value_inside_exclusive_bound(high, -1),
                )
        elif match := _UPPER_BOUND_PATTERN.search(message):
            high = _parse_number(match[2])
            high = high if match[1] else _get_value_inside_exclusive_bound(high, -1)
        elif match := _LOWER_BOUND_PATTERN.search(message):
            low = _parse_number(match[2])
            low = low if match[1] else _get_value_inside_exclusive_bound(low, 1)
    return low, high


def _parse_number(text: str) -> float:
    number = float(text)
    return int(number) if number == int(number) else number


def _get_value_inside_exclusive_bound(bound: float, direction: int) -> float:
    """Return a value next to a bound that is not allowed itself."""
    return round(bound + direction * (1 if abs(bound) >= 10 else 0.01), 4)


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
