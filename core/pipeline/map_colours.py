"""By what the points of a map can be coloured: what is known of each program, and measured."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

PARAMETER_PREFIX = "parameter:"
GROUP_LABELS = {"modality": "Code and audio", "role": "Role", "template": "Template", "split": "Split"}
# Numbers of a map's own columns, and of the programs'.
MEASURE_LABELS = {
    "error": "Error: distance of code and sound",
    "overlap_before": "Neighbours shared before",
    "overlap_after": "Neighbours shared after",
    "overlap_change": "Neighbours shared: what alignment changed",
    "level": "Level (dB)",
    "peak": "Peak",
}
MEASURE_DESCRIPTIONS = {
    "error": "Cosine distance of a program's code and its sound in the shared space: 0 is the"
    " same direction.",
    "overlap_before": "Share of a program's 3 nearest programs by code that are among its 3"
    " nearest by sound, in the raw spaces.",
    "overlap_after": "Share of a program's 3 nearest programs by code that are among its 3"
    " nearest by sound, in the shared space.",
    "overlap_change": "Share of neighbours that code and sound have in common, after less before:"
    " above 0 alignment brought them together.",
    "level": "RMS of the clip under a full-scale sine.",
    "peak": "Largest sample of the clip; 1 is full scale.",
}


def list_colourings(points: pd.DataFrame, programs: pd.DataFrame) -> dict[str, str]:
    """What `values` takes for this map, with a label each.

    Parameters
    ----------
    points : DataFrame
        As of `core.pipeline.map.compute_map`. Maps of older versions have fewer columns.
    programs : DataFrame
        As of `core.corpus.Corpus.programs`.

    Returns
    -------
    dict of str to str
        Groups, then measures, then the parameters of the programs on the map, those
        that most programs have first.
    """
    needed = {"error": "similarity", "overlap_change": "overlap_after"}
    numbers = {
        key: label
        for key, label in MEASURE_LABELS.items()
        if key in ("level", "peak") or needed.get(key, key) in points
    }
    there = programs[programs["program"].isin(points["program"])]
    counts: dict[str, int] = {}
    for drawn in there["parameters"]:
        for name in drawn:
            counts[name] = counts.get(name, 0) + 1
    names = sorted(counts, key=lambda name: (-counts[name], name))
    parameters = {PARAMETER_PREFIX + name: f"Parameter {name}" for name in names}
    return {**GROUP_LABELS, **numbers, **parameters}


def compute_colour_values(points: pd.DataFrame, programs: pd.DataFrame, colour_by: str) -> pd.Series:
    """What each point of a map is coloured by.

    Parameters
    ----------
    points, programs : DataFrame
        As of `colourings`.
    colour_by : str
        One of its keys.

    Returns
    -------
    Series [points]
        Numbers (float64, NaN for what a program doesn't have), else texts ("" for that).

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
    by_program = _compute_program_values(programs.set_index("program"), colour_by)
    found = points["program"].map(by_program)
    return found if found.dtype.kind == "f" else found.fillna("")


def _compute_program_values(programs: pd.DataFrame, colour_by: str) -> pd.Series:
    if colour_by == "level":
        return 20 * np.log10(programs["rms"].where(programs["rms"] > 0).astype(float))
    if colour_by == "peak":
        return programs["peak"].astype(float)
    if colour_by.startswith(PARAMETER_PREFIX):
        return _read_parameter_values(programs["parameters"], colour_by.removeprefix(PARAMETER_PREFIX))
    if colour_by in GROUP_LABELS and colour_by in programs:
        return programs[colour_by].fillna("")
    raise ValueError(f"there is no colouring {colour_by!r}")


def _read_parameter_values(parameters: pd.Series, name: str) -> pd.Series:
    """A parameter as numbers where all its values are such, else as texts."""
    raw = [each.get(name) for each in parameters]
    if all(value is None or _is_number(value) for value in raw):
        numbers = [np.nan if value is None else float(value) for value in raw]
        return pd.Series(numbers, index=parameters.index, dtype="float64")
    texts = ["" if value is None else str(value) for value in raw]
    return pd.Series(texts, index=parameters.index, dtype="object")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
