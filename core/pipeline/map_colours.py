"""By what the points of a map can be coloured: what is known of each program, and measured."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

PARAMETER = "parameter:"
GROUPS = {"modality": "Code and audio", "role": "Role", "template": "Template", "split": "Split"}
# Numbers of a map's own columns, and of the programs'.
NUMBERS = {
    "error": "Error: distance of code and sound",
    "overlap_before": "Neighbours shared before",
    "overlap_after": "Neighbours shared after",
    "overlap_change": "Neighbours shared: what alignment changed",
    "level": "Level (dB)",
    "peak": "Peak",
}
MEANINGS = {
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


def colourings(points: pd.DataFrame, programs: pd.DataFrame) -> dict[str, str]:
    """What `values` takes for this map, with a label each.

    Parameters
    ----------
    points : DataFrame
        As of `core.pipeline.map.laid_out`. Maps of older versions have fewer columns.
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
        for key, label in NUMBERS.items()
        if key in ("level", "peak") or needed.get(key, key) in points
    }
    there = programs[programs["program"].isin(points["program"])]
    counts: dict[str, int] = {}
    for drawn in there["parameters"]:
        for name in drawn:
            counts[name] = counts.get(name, 0) + 1
    names = sorted(counts, key=lambda name: (-counts[name], name))
    parameters = {PARAMETER + name: f"Parameter {name}" for name in names}
    return {**GROUPS, **numbers, **parameters}


def values(points: pd.DataFrame, programs: pd.DataFrame, key: str) -> pd.Series:
    """What each point of a map is coloured by.

    Parameters
    ----------
    points, programs : DataFrame
        As of `colourings`.
    key : str
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
    if key == "error":
        return 1 - points["similarity"].astype(float)
    if key == "overlap_change":
        return (points["overlap_after"] - points["overlap_before"]).astype(float)
    if key in points and key in NUMBERS:
        return points[key].astype(float)
    if key in points and key in GROUPS:
        return points[key].fillna("")
    by_program = _of_programs(programs.set_index("program"), key)
    found = points["program"].map(by_program)
    return found if found.dtype.kind == "f" else found.fillna("")


def _of_programs(programs: pd.DataFrame, key: str) -> pd.Series:
    if key == "level":
        return 20 * np.log10(programs["rms"].where(programs["rms"] > 0).astype(float))
    if key == "peak":
        return programs["peak"].astype(float)
    if key.startswith(PARAMETER):
        return _parameter(programs["parameters"], key.removeprefix(PARAMETER))
    if key in GROUPS and key in programs:
        return programs[key].fillna("")
    raise ValueError(f"there is no colouring {key!r}")


def _parameter(drawn: pd.Series, name: str) -> pd.Series:
    """A parameter as numbers where all its values are such, else as texts."""
    raw = [each.get(name) for each in drawn]
    if all(value is None or _is_number(value) for value in raw):
        numbers = [np.nan if value is None else float(value) for value in raw]
        return pd.Series(numbers, index=drawn.index, dtype="float64")
    texts = ["" if value is None else str(value) for value in raw]
    return pd.Series(texts, index=drawn.index, dtype="object")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
