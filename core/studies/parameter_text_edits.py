"""Text edits that change one parameter of a program by a given strength."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

NUMBER_PATTERN = r"(\d+(?:\.\d+)?)(?![\w.])"
DEFAULT_BPM = 60
SYNTH_NAMES = ("beep", "saw", "prophet", "tb303", "pluck", "hollow")
SAMPLE_NAMES = (
    "bd_haus",
    "elec_plip",
    "drum_cymbal_closed",
    "ambi_choir",
    "bass_hit_c",
    "perc_bell",
)

# Takes a program and a strength, returns the changed program.
SourceEdit = Callable[[str, float], str]


@dataclass(frozen=True)
class ParameterEdit:
    """An edit of one type of parameter.

    Attributes
    ----------
    edit_source : callable
        Takes a program and a strength, returns the changed program.
    strengths : tuple of float
        From small to large.
    unit : str
        What a strength is: "factor", "semitones".
    """

    edit_source: SourceEdit
    strengths: tuple[float, ...]
    unit: str


def edit_parameter_values_in_source(
    source: str, parameter_type: str, strength: float
) -> str | None:
    """Return the program with every number, or the first name, of a parameter type changed.

    Returns
    -------
    str or None
        None where the program has no literal value of that type.
    """
    changed = PARAMETER_EDITS[parameter_type].edit_source(source, strength)
    return None if changed == source else changed


def _make_number_scaler(pattern: str) -> SourceEdit:
    number_regex = re.compile(pattern + NUMBER_PATTERN)

    def scale_numbers(source: str, factor: float) -> str:
        return number_regex.sub(
            lambda match: f"{match[1]}{_format_number(float(match[2]) * factor)}", source
        )

    return scale_numbers


def _make_number_shifter(pattern: str, min_value: float, max_value: float) -> SourceEdit:
    number_regex = re.compile(pattern + NUMBER_PATTERN)

    def shift_numbers(source: str, shift: float) -> str:
        def shift_number(match: re.Match[str]) -> str:
            shifted = min(max_value, max(min_value, float(match[2]) + shift))
            return f"{match[1]}{_format_number(shifted)}"

        return number_regex.sub(shift_number, source)

    return shift_numbers


_scale_bpm_statements = _make_number_scaler(r"(\buse_bpm[ (]+)")


def _scale_bpm(source: str, factor: float) -> str:
    changed = _scale_bpm_statements(source, factor)
    if changed != source:
        return changed
    return f"use_bpm {_format_number(DEFAULT_BPM * factor)}\n{source}"


def _make_first_name_replacer(pattern: str, names: tuple[str, ...]) -> SourceEdit:
    name_regex = re.compile(pattern)

    def replace_first_name_by_nth_other(source: str, choice_number: float) -> str:
        first_match = name_regex.search(source)
        if first_match is None:
            return source
        others = [name for name in names if name != first_match[2]]
        replacement = others[int(choice_number) - 1]
        return name_regex.sub(lambda match: f"{match[1]}:{replacement}", source, count=1)

    return replace_first_name_by_nth_other


def _format_number(number: float) -> str:
    return f"{number:.4g}"


PARAMETER_EDITS: dict[str, ParameterEdit] = {
    "sleep": ParameterEdit(_make_number_scaler(r"(\bsleep[ (]+)"), (1.05, 1.25, 2.0), "factor"),
    "amp": ParameterEdit(_make_number_scaler(r"(\bamp: *)"), (0.9, 0.5, 0.2), "factor"),
    "bpm": ParameterEdit(_scale_bpm, (1.05, 1.25, 2.0), "factor"),
    "cutoff": ParameterEdit(
        _make_number_shifter(r"(\bcutoff: *)", 20, 130), (-5, -20, -45), "MIDI notes"
    ),
    "note": ParameterEdit(_make_number_shifter(r"(\bplay[ (]+)", 0, 127), (1, 5, 12), "semitones"),
    "synth": ParameterEdit(
        _make_first_name_replacer(r"(\buse_synth[ (]+):(\w+)", SYNTH_NAMES),
        (1, 2, 3),
        "number of the replacement synth",
    ),
    "sample": ParameterEdit(
        _make_first_name_replacer(r"(\bsample[ (]+):(\w+)", SAMPLE_NAMES),
        (1, 2, 3),
        "number of the replacement sample",
    ),
    "release": ParameterEdit(_make_number_scaler(r"(\brelease: *)"), (1.25, 2.0, 4.0), "factor"),
    "mix": ParameterEdit(_make_number_shifter(r"(\bmix: *)", 0, 1), (-0.1, -0.3, -0.6), "shift"),
}
