"""Result of a study: measurements beside the paper's, tables, figures, clips and notes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from core.studies import published_numbers
from core.studies.paper_comparison_verdicts import VERDICT_NONE, decide_verdict

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


@dataclass(frozen=True)
class Measurement:
    """One number of a study.

    Attributes
    ----------
    measure : str
        What was measured.
    value : float
    split : str
        The programs that it was measured on.
    seed : int, optional
    low, high : float, optional
        95 % interval over programs, or over templates where whole templates were held out. An
        interval over seeds alone is no ground for a verdict and does not belong here.
    published_id : str, optional
        The paper's number to compare with (`core.studies.published_numbers`).
    has_verdict : bool
        Whether to state how the value compares with the paper's. False for p values, and for a
        number that is compared with the paper's in another row already.
    chance : float, optional
        Mean of the measure on permuted pairs. Too high a one leaves the number without verdict.
    """

    measure: str
    value: float
    split: str
    seed: int | None = None
    low: float | None = None
    high: float | None = None
    published_id: str | None = None
    has_verdict: bool = True
    chance: float | None = None


@dataclass(frozen=True)
class StudyTable:
    """A named table.

    Attributes
    ----------
    name : str
        Letters, digits, "_" and "-"; also the name of its file.
    title : str
    rows : DataFrame
        Columns of numbers, strings and booleans only.
    caption : str
        What a row is, with units and ranges of the numbers.
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
        As in `StudyTable`.
    figure : plotly Figure
    clip_table : str
        Name of the table of the same result whose rows are the figure's points: a point's
        customdata is, or begins with, the number of its row from 0, and the row's column
        ``clips`` holds the clips to play. "" for a figure without clips.
    """

    name: str
    title: str
    figure: go.Figure
    caption: str = ""
    clip_table: str = ""


@dataclass(frozen=True)
class ClipSequence:
    """Clips to play one after the other.

    Attributes
    ----------
    label : str
    paths : tuple of str
        Relative to the workspace (`core.workspace.get_workspace_root`).
    names : tuple of str
        One per path.
    sources : tuple of str
        The programs, one per path, or none.
    note : str
    """

    label: str
    paths: tuple[str, ...]
    names: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    note: str = ""


@dataclass
class StudyResult:
    """Everything that one run of a study measured.

    Attributes
    ----------
    comparison : DataFrame
        Columns `COMPARISON_COLUMNS`, made by `compare_measurements_to_paper`.
    tables : list of StudyTable
    figures : list of StudyFigure
    clips : list of ClipSequence
    notes : list of str
        Plain sentences: how the numbers compare with the paper's, and why.
    settings : dict
        JSON types only: encoders, alignment, split, seed and whatever else decided the result.
        `core.studies.study_runner` adds versions and a description of the corpus.
    """

    comparison: pd.DataFrame = field(default_factory=lambda: compare_measurements_to_paper([]))
    tables: list[StudyTable] = field(default_factory=list)
    figures: list[StudyFigure] = field(default_factory=list)
    clips: list[ClipSequence] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)


def compare_measurements_to_paper(measurements: Sequence[Measurement]) -> pd.DataFrame:
    """Put each measurement beside the paper's number.

    Returns
    -------
    DataFrame
        One row per measurement, columns `COMPARISON_COLUMNS`. ``difference`` is measured - paper.
        ``verdict`` compares the numbers as such, whether or not more is better
        (`core.studies.paper_comparison_verdicts`).
    """
    rows = []
    for measurement in measurements:
        paper = (
            published_numbers.get_published_number(measurement.published_id)
            if measurement.published_id
            else None
        )
        value, low, high, chance, paper_value = map(
            _convert_none_to_nan,
            (
                measurement.value,
                measurement.low,
                measurement.high,
                measurement.chance,
                paper.value if paper else None,
            ),
        )
        has_verdict = measurement.has_verdict and paper is not None and not math.isnan(value)
        verdict = (
            decide_verdict((low, high), paper_value, paper.relation, chance)
            if has_verdict and paper is not None
            else VERDICT_NONE
        )
        rows.append(
            {
                "measure": measurement.measure,
                "measured": value,
                "low": low,
                "high": high,
                "paper": paper_value,
                "difference": value - paper_value,
                "verdict": verdict,
                "split": measurement.split,
                "seed": measurement.seed,
            }
        )
    frame = pd.DataFrame(rows, columns=list(COMPARISON_COLUMNS))
    numbers = ("measured", "low", "high", "paper", "difference")
    return frame.astype({**dict.fromkeys(numbers, float), "seed": "Int64"})


def _convert_none_to_nan(value: float | None) -> float:
    return math.nan if value is None else float(value)
