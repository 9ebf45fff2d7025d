"""Small changes of one parameter of a program, made in its text."""

from __future__ import annotations

import re
from collections.abc import Callable

NUMBER = r"(\d+(?:\.\d+)?)(?![\w.])"
SYNTHS = ("beep", "saw", "prophet", "tb303", "pluck", "hollow")
SAMPLES = ("bd_haus", "elec_plip", "drum_cymbal_closed", "ambi_choir", "bass_hit_c", "perc_bell")


def _scaled(pattern: str) -> Callable[[str, float], str]:
    found = re.compile(pattern + NUMBER)

    def change(source: str, factor: float) -> str:
        return found.sub(lambda m: f"{m[1]}{_text(float(m[2]) * factor)}", source)

    return change


def _shifted(pattern: str, low: float, high: float) -> Callable[[str, float], str]:
    found = re.compile(pattern + NUMBER)

    def change(source: str, by: float) -> str:
        return found.sub(lambda m: f"{m[1]}{_text(min(high, max(low, float(m[2]) + by)))}", source)

    return change


def _bpm(source: str, factor: float) -> str:
    changed = _scaled(r"(\buse_bpm[ (]+)")(source, factor)
    # Sonic Pi's own tempo, where a program sets none.
    return changed if changed != source else f"use_bpm {_text(60 * factor)}\n{source}"


def _named(pattern: str, names: tuple[str, ...]) -> Callable[[str, float], str]:
    found = re.compile(pattern)

    def change(source: str, step: float) -> str:
        first = found.search(source)
        if first is None:
            return source
        others = [name for name in names if name != first[2]]
        return found.sub(lambda m: f"{m[1]}:{others[int(step) - 1]}", source, count=1)

    return change


def _text(number: float) -> str:
    return f"{number:.4g}"


# kind: (how, strengths from small to large, what a strength is)
KINDS: dict[str, tuple[Callable[[str, float], str], tuple[float, ...], str]] = {
    "sleep": (_scaled(r"(\bsleep[ (]+)"), (1.05, 1.25, 2.0), "factor"),
    "amp": (_scaled(r"(\bamp: *)"), (0.9, 0.5, 0.2), "factor"),
    "bpm": (_bpm, (1.05, 1.25, 2.0), "factor"),
    "cutoff": (_shifted(r"(\bcutoff: *)", 20, 130), (-5, -20, -45), "MIDI notes"),
    "note": (_shifted(r"(\bplay[ (]+)", 0, 127), (1, 5, 12), "semitones"),
    "synth": (_named(r"(\buse_synth[ (]+):(\w+)", SYNTHS), (1, 2, 3), "how-manieth other synth"),
    "sample": (_named(r"(\bsample[ (]+):(\w+)", SAMPLES), (1, 2, 3), "how-manieth other sample"),
    "release": (_scaled(r"(\brelease: *)"), (1.25, 2.0, 4.0), "factor"),
    "mix": (_shifted(r"(\bmix: *)", 0, 1), (-0.1, -0.3, -0.6), "shift"),
}


def perturbed(source: str, kind: str, strength: float) -> str | None:
    """The program with every number (or the first name) of a kind changed.

    Returns
    -------
    str or None
        None where the program has nothing of that kind written out.
    """
    changed = KINDS[kind][0](source, strength)
    return None if changed == source else changed
