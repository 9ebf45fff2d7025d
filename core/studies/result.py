"""What a study found: tables, figures, clips to hear, and notes in plain words."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from core.studies import paper_results

COMPARISON_COLUMNS = (
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
VERDICT_ABOVE, VERDICT_LEVEL, VERDICT_BELOW = "above", "level with", "below"


@dataclass(frozen=True)
class StudyTable:
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
class StudyFigure:
    """A named figure.

    Attributes
    ----------
    name, title, caption : str
        As of `Table`.
    figure : plotly Figure
    clip_table : str
        Name of a table of the same result whose rows the points stand for: a point's
        customdata is (or begins with) the number of its row, from 0, and the row's column
        ``clips`` tells what to play. "" for a figure that plays nothing.
    """

    name: str
    title: str
    figure: go.Figure
    caption: str = ""
    clip_table: str = ""


@dataclass(frozen=True)
class ClipSequence:
    """Clips to hear, one after the other.

    Attributes
    ----------
    label : str
    paths : tuple of str
        Relative to the workspace's folder (`core.workspace.get_workspace_root`).
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
    comparison : DataFrame
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

    comparison: pd.DataFrame = field(default_factory=lambda: compare_to_paper([]))
    tables: list[StudyTable] = field(default_factory=list)
    figures: list[StudyFigure] = field(default_factory=list)
    clips: list[ClipSequence] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)


def compare_to_paper(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
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
        paper = paper_results.get_published_value(row["published"]) if row.get("published") else None
        measured, low, high = (_to_float(row.get(key)) for key in ("measured", "low", "high"))
        difference = math.nan if paper is None else measured - paper
        found.append(
            {
                "measure": row["measure"],
                "measured": measured,
                "low": low,
                "high": high,
                "paper": _to_float(paper),
                "difference": difference,
                "verdict": classify_against_paper(measured, low, high, paper) if row.get("judged", True) else "",
                "split": row["split"],
                "seed": row["seed"],
            }
        )
    frame = pd.DataFrame(found, columns=list(COMPARISON_COLUMNS))
    numbers = ("measured", "low", "high", "paper", "difference")
    return frame.astype({**dict.fromkeys(numbers, float), "seed": "Int64"})


def classify_against_paper(measured_value: float, low: float, high: float, paper_value: float | None) -> str:
    """Where a measured number stands to the paper's; "" where one of them isn't there."""
    if paper_value is None or math.isnan(measured_value):
        return ""
    if math.isnan(low) or math.isnan(high):
        low, high = round(measured_value, 3), round(measured_value, 3)
        paper_value = round(paper_value, 3)
    if low <= paper_value <= high:
        return VERDICT_LEVEL
    return VERDICT_ABOVE if measured_value > paper_value else VERDICT_BELOW


def _to_float(value: Any) -> float:
    return math.nan if value is None else float(value)
