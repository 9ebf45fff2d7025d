"""What a report says, and its Markdown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core.studies import paper_results
from core.studies.result import VERDICT_ABOVE, VERDICT_BELOW, VERDICT_LEVEL
from core.studies.store import StudyRun
from core.studies.report_summary import format_main_table, summarize_verdicts

REPORT_TITLE = "The paper's studies on corpus {}"
# Told once for all runs.
_SHARED_SETTINGS = ("corpus", "versions")


@dataclass(frozen=True)
class ReportContent:
    """What a report is made of.

    Attributes
    ----------
    corpus_name : str
        Its name.
    main_rows : DataFrame
        The main table: as of `core.studies.report_summary.collect_main_rows`.
    runs : tuple of StudyRun
    skipped_studies : dict
        Why a study was not run, by its name.
    """

    corpus_name: str
    main_rows: pd.DataFrame
    runs: tuple[StudyRun, ...]
    skipped_studies: dict[str, str]


def list_paper_differences(runs: tuple[StudyRun, ...]) -> list[tuple[str, str]]:
    """What is other than in the paper: of what, and how."""
    used = {
        " and ".join(encoders[side] for side in ("code", "audio"))
        for run in runs
        if (encoders := run.metadata["settings"].get("encoders"))
    }
    return [
        (
            "Templates",
            "the project's own, after the sections of Sonic Pi's tutorial; the paper's"
            " aren't published.",
        ),
        (
            "Encoders",
            f"{' or '.join(sorted(used)) or 'those of the sweep'}; the paper's are"
            " distilroberta-base and wav2vec2.",
        ),
        (
            "Renderer",
            "Sonic Pi run offline on a virtual clock, not recorded live; 18 s a clip"
            " where the paper has 9 bars at 120 BPM, unless the card says otherwise.",
        ),
        (
            "Alignment",
            "Earshot's method unless a setting says the paper's InfoNCE; the sweep is of"
            " the paper's InfoNCE. The paper names neither its 24 configurations nor its splits.",
        ),
        (
            "Splits",
            "the column split says of which programs a number is. test: held out from"
            " training. written for the study: seen by no training. all, or else: there were too few"
            " test programs, so that some were trained on. The map's picture shows the programs of"
            " every split, its numbers are of test programs. The paper doesn't say on which its"
            " numbers were measured.",
        ),
    ]


def format_verdict_counts(comparison: pd.DataFrame) -> str:
    """How many numbers are above, level with and below the paper's, in words."""
    counts = comparison["verdict"].value_counts()
    parts = [f"{counts[word]} {word}" for word in (VERDICT_ABOVE, VERDICT_LEVEL, VERDICT_BELOW) if word in counts]
    return f"{', '.join(parts)} the paper" if parts else "the paper has no such number"


def format_shared_settings(runs: tuple[StudyRun, ...]) -> dict[str, str]:
    """The corpus and the versions, as lines of text by name."""
    settings = runs[0].metadata["settings"]
    return {
        f"{kind}: {name.replace('_', ' ')}": _format_setting(value)
        for kind in _SHARED_SETTINGS
        for name, value in settings.get(kind, {}).items()
    }


def format_run_settings(run: StudyRun) -> str:
    """What decided a run's result, as JSON."""
    own = {k: v for k, v in run.metadata["settings"].items() if k not in _SHARED_SETTINGS}
    return json.dumps(own, indent=1, ensure_ascii=False)


def _format_setting(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {each}" for name, each in value.items())
    return str(value)


def format_cell(value: Any) -> str:
    """A value of a table as text; "" where there is none."""
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return ""
    if not isinstance(value, float):
        return str(value)
    small = 0 < abs(value) < 0.0005  # a p value is never 0
    return f"{value:.0e}" if small else f"{value:.3f}"


def drop_empty_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """The table without columns that are empty from top to bottom."""
    empty = [name for name in frame if all(format_cell(value) == "" for value in frame[name])]
    return frame.drop(columns=empty)


def build_markdown_report(content: ReportContent) -> str:
    """The report without figures and clips."""
    parts = [
        f"# {REPORT_TITLE.format(content.corpus_name)}",
        "",
        paper_results.get_paper_citation(),
        "",
        summarize_verdicts(content.main_rows),
        "",
        format_main_table(content.main_rows),
        "",
        "What differs from the paper's set-up:",
        "",
    ]
    parts += [f"- **{what}**: {how}" for what, how in list_paper_differences(content.runs)]
    parts += [f"- **Not run: {name}.** {why}" for name, why in content.skipped_studies.items()]
    for run in content.runs:
        compared = run.load_comparison()
        parts += ["", f"## {run.metadata['title']}", "", run.metadata["question"], ""]
        parts += [f"{format_verdict_counts(compared)} ({run.id}).", "", _format_markdown_table(compared), ""]
        parts += [f"- {note}" for note in run.metadata["notes"]]
        parts += ["", "```json", format_run_settings(run), "```"]
    parts += ["", "## Corpus and versions", ""]
    parts += [f"- {name}: {value}" for name, value in format_shared_settings(content.runs).items()]
    return "\n".join([*parts, ""])


def _format_markdown_table(frame: pd.DataFrame) -> str:
    lines = [f"| {' | '.join(frame.columns)} |", "|---" * len(frame.columns) + "|"]
    for row in frame.astype(object).itertuples(index=False):
        lines.append(f"| {' | '.join(format_cell(value).replace('|', '/') for value in row)} |")
    return "\n".join(lines)
