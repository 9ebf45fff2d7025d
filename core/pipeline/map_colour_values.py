"""Values by which the points of a map can be coloured: properties and measures of programs."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd

PARAMETER_PREFIX = "parameter:"
GROUP_LABELS = {
    "modality": "Code and audio",
    "role": "Role",
    "template": "Template",
    "split": "Split",
    "main_synth": "Synth",
    "synth_family": "Synth family",
}
MEASURE_LABELS = {
    "error": "Error: distance of code and sound",
    "confidence": "Confidence of the prediction",
    "overlap_before": "Neighbours shared before",
    "overlap_after": "Neighbours shared after",
    "overlap_change": "Neighbours shared: change by alignment",
    "level": "Level (dB)",
    "peak": "Peak",
    "code_bpm": "Tempo in the code (BPM)",
    "loudness": "Loudness (LUFS)",
    "onset_rate": "Onsets per second",
    "register": "Register (MIDI note)",
    "brightness": "Brightness (Hz)",
}
PROGRAM_MEASURES = ("level", "peak")
"""Measures of the program's clip that every corpus has."""
SOUND_PROPERTIES = (
    "main_synth",
    "synth_family",
    "code_bpm",
    "loudness",
    "onset_rate",
    "register",
    "brightness",
)
"""Columns that `build_sound_property_table` returns."""
MEASURE_DESCRIPTIONS = {
    "error": "Cosine distance of a program's code and its sound in the shared space: 0 is the"
    " same direction.",
    "confidence": "Probability that the clips predicted from a program's code are right, its own"
    " clip left out; higher for programs that the alignment was trained on.",
    "overlap_before": "Share of a program's 3 nearest programs by code that are among its 3"
    " nearest by sound, in the raw spaces.",
    "overlap_after": "Share of a program's 3 nearest programs by code that are among its 3"
    " nearest by sound, in the shared space.",
    "overlap_change": "Share of neighbours that code and sound have in common, after minus before:"
    " above 0, alignment brought them together.",
    "level": "RMS of the clip under a full-scale sine.",
    "peak": "Largest sample of the clip; 1 is full scale.",
    "loudness": "Integrated loudness of the clip after BS.1770.",
    "register": "Note below which half of the clip's energy lies.",
    "brightness": "Spectral centroid of the clip.",
}


def list_colour_by_options(
    points: pd.DataFrame, programs: pd.DataFrame, has_confidence: bool = False
) -> dict[str, str]:
    """Return the values of `colour_by` that `compute_colour_values` takes, with their labels.

    Parameters
    ----------
    points : DataFrame
        A map, as `compute_alignment_map` returns it. Maps of older versions have
        fewer columns, and so fewer colourings.
    programs : DataFrame
        As `core.corpus.Corpus.load_programs` returns it, with the columns of
        `build_sound_property_table` if they are known.
    has_confidence : bool
        Whether `programs` will have the column confidence for `compute_colour_values`, as
        `core.search.corpus_program_confidence.estimate_confidence_of_programs` returns it.

    Returns
    -------
    dict of str to str
        Groups, measures, then the parameters of the programs on the map, the most frequent first.
    """
    column_by_measure = {"error": "similarity", "overlap_change": "overlap_after"}
    known_properties = [name for name in SOUND_PROPERTIES if name in programs]
    measures = {
        measure: label
        for measure, label in MEASURE_LABELS.items()
        if measure in (*PROGRAM_MEASURES, *known_properties)
        or (measure == "confidence" and has_confidence)
        or column_by_measure.get(measure, measure) in points
    }
    groups = {
        group: label
        for group, label in GROUP_LABELS.items()
        if group not in SOUND_PROPERTIES or group in programs
    }
    on_map = programs[programs["program"].isin(points["program"])]
    counts = Counter(name for parameters in on_map["parameters"] for name in parameters)
    names = sorted(counts, key=lambda name: (-counts[name], name))
    parameter_labels = {PARAMETER_PREFIX + name: f"Parameter {name}" for name in names}
    return {**groups, **measures, **parameter_labels}


def compute_colour_values(
    points: pd.DataFrame, programs: pd.DataFrame, colour_by: str
) -> pd.Series:
    """Return the value by which each point of a map is coloured.

    Parameters
    ----------
    points, programs : DataFrame
        As `list_colour_by_options` takes them.
    colour_by : str
        One of its keys.

    Returns
    -------
    Series [points]
        Numbers (float64, NaN where a program has none) or texts ("" where a program has none).

    Raises
    ------
    ValueError
        When there is no such colouring.
    """
    if colour_by == "error":
        return 1 - points["similarity"].astype(float)
    if colour_by == "overlap_change":
        return (points["overlap_after"] - points["overlap_before"]).astype(float)
    if colour_by in points and colour_by in MEASURE_LABELS:
        return points[colour_by].astype(float)
    if colour_by in points and colour_by in GROUP_LABELS:
        return points[colour_by].fillna("")
    value_by_program = _compute_colour_value_per_program(programs.set_index("program"), colour_by)
    values = points["program"].map(value_by_program)
    return values if values.dtype.kind == "f" else values.fillna("")


def _compute_colour_value_per_program(programs: pd.DataFrame, colour_by: str) -> pd.Series:
    if colour_by == "level":
        rms = programs["rms"].where(programs["rms"] > 0).astype(float)
        return pd.Series(20 * np.log10(rms), index=programs.index)
    if colour_by == "peak":
        return programs["peak"].astype(float)
    if colour_by in MEASURE_LABELS and colour_by in programs:
        return programs[colour_by].astype(float)
    if colour_by.startswith(PARAMETER_PREFIX):
        name = colour_by.removeprefix(PARAMETER_PREFIX)
        return _extract_parameter_values(programs["parameters"], name)
    if colour_by in GROUP_LABELS and colour_by in programs:
        return programs[colour_by].fillna("")
    raise ValueError(f"there is no colouring {colour_by!r}")


def _extract_parameter_values(parameters: pd.Series, name: str) -> pd.Series:
    """Return a parameter as numbers if all its values are numbers, else as texts."""
    values = [program_parameters.get(name) for program_parameters in parameters]
    if all(value is None or _is_number(value) for value in values):
        numbers = [np.nan if value is None else float(value) for value in values]
        return pd.Series(numbers, index=parameters.index, dtype="float64")
    texts = ["" if value is None else str(value) for value in values]
    return pd.Series(texts, index=parameters.index, dtype="object")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
