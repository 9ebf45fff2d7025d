"""Small changes of one parameter of a program, made in its text."""

from __future__ import annotations

import re
from collections.abc import Callable

NUMBER_PATTERN = r"(\d+(?:\.\d+)?)(?![\w.])"
SYNTH_NAMES = ("beep", "saw", "prophet", "tb303", "pluck", "hollow")
SAMPLE_NAMES = ("bd_haus", "elec_plip", "drum_cymbal_closed", "ambi_choir", "bass_hit_c", "perc_bell")


def _make_scaler(pattern: str) -> Callable[[str, float], str]:
    found = re.compile(pattern + NUMBER_PATTERN)

    def scale_numbers(source: str, factor: float) -> str:
        return found.sub(lambda m: f"{m[1]}{_format_number(float(m[2]) * factor)}", source)

    return scale_numbers


def _make_shifter(pattern: str, min_value: float, max_value: float) -> Callable[[str, float], str]:
    found = re.compile(pattern + NUMBER_PATTERN)

    def shift_numbers(source: str, shift: float) -> str:
        return found.sub(lambda m: f"{m[1]}{_format_number(min(max_value, max(min_value, float(m[2]) + shift)))}", source)

    return shift_numbers


def _scale_bpm(source: str, factor: float) -> str:
    changed = _make_scaler(r"(\buse_bpm[ (]+)")(source, factor)
    # Sonic Pi's own tempo, where a program sets none.
    return changed if changed != source else f"use_bpm {_format_number(60 * factor)}\n{source}"


def _make_name_replacer(pattern: str, names: tuple[str, ...]) -> Callable[[str, float], str]:
    found = re.compile(pattern)

    def replace_name(source: str, choice_number: float) -> str:
        first = found.search(source)
        if first is None:
            return source
        others = [name for name in names if name != first[2]]
        return found.sub(lambda m: f"{m[1]}:{others[int(choice_number) - 1]}", source, count=1)

    return replace_name


def _format_number(number: float) -> str:
    return f"{number:.4g}"


# kind: (how, strengths from small to large, what a strength is)
PERTURBATIONS: dict[str, tuple[Callable[[str, float], str], tuple[float, ...], str]] = {
    "sleep": (_make_scaler(r"(\bsleep[ (]+)"), (1.05, 1.25, 2.0), "factor"),
    "amp": (_make_scaler(r"(\bamp: *)"), (0.9, 0.5, 0.2), "factor"),
    "bpm": (_scale_bpm, (1.05, 1.25, 2.0), "factor"),
    "cutoff": (_make_shifter(r"(\bcutoff: *)", 20, 130), (-5, -20, -45), "MIDI notes"),
    "note": (_make_shifter(r"(\bplay[ (]+)", 0, 127), (1, 5, 12), "semitones"),
    "synth": (_make_name_replacer(r"(\buse_synth[ (]+):(\w+)", SYNTH_NAMES), (1, 2, 3), "how-manieth other synth"),
    "sample": (_make_name_replacer(r"(\bsample[ (]+):(\w+)", SAMPLE_NAMES), (1, 2, 3), "how-manieth other sample"),
    "release": (_make_scaler(r"(\brelease: *)"), (1.25, 2.0, 4.0), "factor"),
    "mix": (_make_shifter(r"(\bmix: *)", 0, 1), (-0.1, -0.3, -0.6), "shift"),
}


def perturb_parameter(source: str, parameter_type: str, strength: float) -> str | None:
    """The program with every number (or the first name) of a kind changed.

    Returns
    -------
    str or None
        None where the program has nothing of that kind written out.
    """
    changed = PERTURBATIONS[parameter_type][0](source, strength)
    return None if changed == source else changed
