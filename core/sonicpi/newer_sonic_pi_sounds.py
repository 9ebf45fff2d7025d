"""The synths and samples that came after Sonic Pi 3.2.2, and where they are installed.

`host/later_sounds.json` holds their names, options and versions, so that programs can be read and
written without the sounds themselves. `./run` installs the sounds into `.sounds/`.
"""

from __future__ import annotations

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

from core.workspace import PROJECT_FOLDER

LATER_SOUNDS_PATH = Path(__file__).parent / "host" / "later_sounds.json"
LATER_SOUNDS_FOLDER = PROJECT_FOLDER / ".sounds"
# The installer renames a complete folder into place, so a folder with this file is complete.
COMPLETE_MARK = "complete"
INSTALL_HINT = (
    "./run installs the sounds of later versions; ./run doctor lists whether they are installed."
)


@cache
def load_newer_sonic_pi_sounds() -> dict[str, Any]:
    """Return the stored table of the sounds that came after Sonic Pi 3.2.2.

    Returns
    -------
    dict
        "synths": by name, the version that added the synth ("since"), its default "options", the
        options that can slide ("slides"), and how options are checked. "samples": by name,
        "since", "group" and length in "seconds". "sample_groups": descriptions of new groups.
        "missing_synths": versions of synths whose sound is not available. "changed_synthdefs":
        SynthDefs of 3.2.2 that sound differently in Sonic Pi 5.
    """
    return json.loads(LATER_SOUNDS_PATH.read_text(encoding="utf-8"))


@cache
def load_newer_synth_options() -> dict[str, dict[str, float]]:
    """Return the default options of every later synth, by name of synth and option.

    The shape is that of `load_sonic_pi_inventory()["synths"]`. Where the compiled SynthDef differs
    from Sonic Pi's own table, the value of the SynthDef is returned, because it is what sounds.

    Examples
    --------
    >>> from core.sonicpi.newer_sonic_pi_sounds import load_newer_synth_options
    >>> load_newer_synth_options()["bass_foundation"]["cutoff"]
    83
    """
    synths = load_newer_sonic_pi_sounds()["synths"]
    return {name: _resolve_references_in_synth_defaults(synth) for name, synth in synths.items()}


def _resolve_references_in_synth_defaults(synth: dict[str, Any]) -> dict[str, float]:
    options = {**synth["options"], **synth.get("compiled_defaults", {})}
    return {name: options.get(value, value) for name, value in options.items()}


@cache
def load_newer_sample_seconds() -> dict[str, float]:
    """Return the length of every later sample in seconds, by name.

    The shape is that of `load_sonic_pi_inventory()["samples"]`.
    """
    return {
        name: sample["seconds"] for name, sample in load_newer_sonic_pi_sounds()["samples"].items()
    }


def find_sonic_pi_version_that_added_sound(name: str) -> str | None:
    """Return the version of Sonic Pi that added a synth or sample; None for other names.

    Parameters
    ----------
    name : str
        Name of a synth or sample, without a colon. Synths whose sound is not available count.

    Examples
    --------
    >>> from core.sonicpi.newer_sonic_pi_sounds import find_sonic_pi_version_that_added_sound
    >>> [find_sonic_pi_version_that_added_sound(name) for name in ("rodeo", "beep")]
    ['3.3', None]
    """
    sounds = load_newer_sonic_pi_sounds()
    entry = sounds["synths"].get(name) or sounds["samples"].get(name)
    return entry["since"] if entry else sounds["missing_synths"].get(name)


def contains_name_of_newer_sound(source: str) -> bool:
    """Return True when a program contains the name of a later synth or sample."""
    return _compile_newer_sound_name_pattern().search(source) is not None


@cache
def _compile_newer_sound_name_pattern() -> re.Pattern[str]:
    sounds = load_newer_sonic_pi_sounds()
    names = [*sounds["synths"], *sounds["samples"]]
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, names))})\b")


def are_newer_sonic_pi_sounds_installed() -> bool:
    """Return True when the sounds of later versions are completely installed."""
    # A string, because a render id is computed for every program and `Path` takes most of its time.
    return os.path.isfile(f"{LATER_SOUNDS_FOLDER}/{COMPLETE_MARK}")
