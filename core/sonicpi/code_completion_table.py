"""Table for code completion: the names and options that an editor offers for Sonic Pi code."""

from __future__ import annotations

from typing import Any

from core.sonicpi.newer_sonic_pi_sounds import load_newer_sonic_pi_sounds, load_newer_synth_options
from core.sonicpi.sonic_pi_inventory import load_sonic_pi_inventory


def build_completion_table() -> dict[str, Any]:
    """Return what can be completed in Sonic Pi code, of every version of Sonic Pi.

    Returns
    -------
    dict
        "synths" and "fx": by name, their default "options" and the version that added them
        ("since", only for later ones than 3.2.2). "samples": by name, "since". "sample_options":
        default values by name. "chords" and "scales": by name, empty entries. "functions": list of
        names.

    Examples
    --------
    >>> from core.sonicpi.code_completion_table import build_completion_table
    >>> table = build_completion_table()
    >>> table["synths"]["beep"]["options"]["release"]
    1
    >>> table["synths"]["rodeo"]["since"]
    '3.3'
    """
    # Registers the built-in functions.
    import core.sonicpi.interpreter  # noqa: F401 (imported for its effect)
    from core.sonicpi.interpreter.builtins_registry import BUILTINS

    inventory, newer = load_sonic_pi_inventory(), load_newer_sonic_pi_sounds()
    synths = {name: {"options": options} for name, options in inventory["synths"].items()}
    for name, options in load_newer_synth_options().items():
        synths[name] = {"options": options, "since": newer["synths"][name]["since"]}
    samples: dict[str, dict[str, Any]] = {name: {} for name in inventory["samples"]}
    samples |= {name: {"since": sample["since"]} for name, sample in newer["samples"].items()}
    return {
        "synths": synths,
        "fx": {name: {"options": options} for name, options in inventory["fx"].items()},
        "samples": samples,
        "sample_options": {**inventory["player"], "rate": 1, "beat_stretch": 4, "onset": 0},
        "chords": {name: {} for name in inventory["chords"] if name.isidentifier()},
        "scales": {name: {} for name in inventory["scales"] if name.isidentifier()},
        "functions": sorted(name for name in BUILTINS if name.rstrip("?!").isidentifier()),
    }
