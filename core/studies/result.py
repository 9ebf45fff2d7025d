"""What a study found: tables, figures, clips to hear, and notes in plain words."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from core.studies import paper_results

COMPARED = (
    "measure",
    "measured",
    "low",
    "high",
    "paper",
    "difference",
    "verdict",
    "split",
    "seed",
)
ABOVE, LEVEL, BELOW = "above", "level with", "below"


@dataclass(frozen=True)
class Table:
    """A named table.

    Attributes
    ----------
    name : str
        Letters, digits, "_" and "-": also its file's name.
    title : str
    rows : DataFrame
        Columns of numbers, texts and truth values only; lists and dicts as JSON text.
    caption : str
        What the rows are, and what the numbers' units and ranges.
    """

    name: str
    title: str
    rows: pd.DataFrame
    caption: str = ""


@dataclass(frozen=True)
class Figure:
    """A named figure.

    Attributes
    ----------
    name, title, caption : str
        As of `Table`.
    figure : plotly Figure
    hears : str
        Name of a table of the same result whose rows the points stand for: a point's
        customdata is (or begins with) the number of its row, from 0, and the row's column
        ``clips`` tells what to play. "" for a figure that plays nothing.
    """

    name: str
    title: str
    figure: go.Figure
    caption: str = ""
    hears: str = ""


@dataclass(frozen=True)
class Heard:
    """Clips to hear, one after the other.

    Attributes
    ----------
    label : str
    paths : tuple of str
        Relative to the workspace's folder (`core.workspace.root`).
    names : tuple of str
        What each is, as many as paths.
    sources : tuple of str
        The programs, as many as paths, or none.
    note : str
    """

    label: str
    paths: tuple[str, ...]
    names: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    note: str = ""


@dataclass
class StudyResult:
    """All that one run of a study found.

    Attributes
    ----------
    compared : DataFrame
        Columns `COMPARED`, made by `beside`: what was measured beside what the paper says.
    tables : list of Table
    figures : list of Figure
    clips : list of Heard
    notes : list of str
        In plain words: where it is above, level with or below the paper, and why.
    settings : dict
        JSON types only: encoders, alignment, split, seed, and what else decided the result.
        `core.studies.runner` adds versions and the corpus's card.
    """

    compared: pd.DataFrame = field(default_factory=lambda: beside([]))
    tables: list[Table] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    clips: list[Heard] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)


def beside(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Put what was measured beside what the paper published.

    Parameters
    ----------
    rows : sequence of mapping
        Each with ``measure`` (for people), ``measured`` (float or None), ``split`` and
        ``seed``; ``low`` and ``high`` (95 % interval) where known; ``published``: an id of
        `core.studies.paper_results`, where the paper has such a number; ``judged``: False
        for a number that is no measure of anything by itself, such as a p value.

    Returns
    -------
    DataFrame
        Columns `COMPARED`. ``difference`` is measured - paper; ``verdict`` is of the number
        as such, not of what is good: "level with" where the interval holds the paper's value
        (without an interval: where both are equal to three digits), else "above" or "below".
    """
    found = []
    for row in rows:
        paper = paper_results.value(row["published"]) if row.get("published") else None
        measured, low, high = (_number(row.get(key)) for key in ("measured", "low", "high"))
        difference = math.nan if paper is None else measured - paper
        found.append(
            {
                "measure": row["measure"],
                "measured": measured,
                "low": low,
                "high": high,
                "paper": _number(paper),
                "difference": difference,
                "verdict": verdict(measured, low, high, paper) if row.get("judged", True) else "",
                "split": row["split"],
                "seed": row["seed"],
            }
        )
    frame = pd.DataFrame(found, columns=list(COMPARED))
    numbers = ("measured", "low", "high", "paper", "difference")
    return frame.astype({**dict.fromkeys(numbers, float), "seed": "Int64"})


def verdict(measured: float, low: float, high: float, paper: float | None) -> str:
    """Where a measured number stands to the paper's; "" where one of them isn't there."""
    if paper is None or math.isnan(measured):
        return ""
    if math.isnan(low) or math.isnan(high):
        low, high = round(measured, 3), round(measured, 3)
        paper = round(paper, 3)
    if low <= paper <= high:
        return LEVEL
    return ABOVE if measured > paper else BELOW


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
