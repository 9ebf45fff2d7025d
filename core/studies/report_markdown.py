"""Text of a report: main table, counts of verdicts, differences from the paper, Markdown."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core.studies import published_numbers
from core.studies.completion_scenarios import SCENARIO_NAMES
from core.studies.paper_comparison_verdicts import (
    VERDICT_EXPLANATION,
    count_verdicts,
    shorten_verdict,
)
from core.studies.study_registry import STUDIES
from core.studies.study_run_storage import StudyRun
from core.text_formatting import format_markdown_table

REPORT_TITLE = "Studies on corpus {}"
MAX_EXPONENT_FREE_VALUE = 0.0005  # smaller numbers would be shown as 0.000
MAIN_TABLE_COLUMNS = (
    "study",
    "of",
    "number",
    "measured",
    "low",
    "high",
    "paper",
    "difference",
    "verdict",
    "split",
    "seed",
)
# Settings that all runs of a report share.
_SHARED_SETTINGS = ("corpus", "versions")
_COMPLETION_PATTERNS = (
    ("raw code", r"raw code ~ raw audio"),
    ("aligned code", r"aligned code ~ raw audio"),
    ("aligned code, held-out encoder", r"aligned code ~ raw audio, held-out encoder"),
)
# Study, what is measured, and a pattern of measures whose group is the number's name.
_MAIN_TABLE_PATTERNS = (
    ("correlation", "distances of raw code and raw audio", r"(\w+), raw code against raw audio"),
    ("perturbation", "mean similarity: sleep, amp, bpm", r"Mean similarity of (.+): .*"),
    ("sweep", "before alignment", r"Before alignment: (.+)"),
    (
        "sweep",
        "configuration with the best debiased CKA on validation",
        r"Best by debiased CKA: (\S+|debiased CKA) \(.*\)",
    ),
    (
        "sweep",
        "configuration with the best CCA on validation",
        r"Best by CCA@\d+: (\S+|debiased CKA) \(.*\)",
    ),
    # Runs of older versions, whose intervals were over seeds alone.
    ("sweep", "before alignment, older version", r"Baseline (\w+)"),
    ("sweep", "best of each metric on validation, older version", r"Best (\w+): .*"),
    *(
        ("completion", f"{name}, {label}", rf"{name}: (\S+), {pattern}")
        for name in SCENARIO_NAMES
        for label, pattern in _COMPLETION_PATTERNS
    ),
)


@dataclass(frozen=True)
class ReportContent:
    """Content of a report.

    Attributes
    ----------
    corpus_name : str
    main_rows : DataFrame
        The main table, as returned by `collect_paper_comparison_rows`.
    runs : tuple of StudyRun
    skipped_studies : dict
        Reason why a study was not run, by its name.
    """

    corpus_name: str
    main_rows: pd.DataFrame
    runs: tuple[StudyRun, ...]
    skipped_studies: dict[str, str]


def build_markdown_report(content: ReportContent) -> str:
    """Return the report without figures and clips."""
    parts = [
        f"# {REPORT_TITLE.format(content.corpus_name)}",
        "",
        published_numbers.get_paper_citation(),
        "",
        summarize_verdicts(content.main_rows),
        "",
        format_paper_comparison_table(content.main_rows),
        "",
        "Differences from the paper's set-up:",
        "",
    ]
    parts += [
        f"- **{aspect}**: {difference}"
        for aspect, difference in list_paper_differences(content.runs)
    ]
    parts += [
        f"- **Not run: {name}.** {reason}" for name, reason in content.skipped_studies.items()
    ]
    for run in content.runs:
        comparison = run.load_paper_comparison()
        title, question = get_study_title_and_question(run)
        parts += ["", f"## {title}", "", question, ""]
        parts += [f"{format_verdict_counts(comparison)} ({run.id}).", ""]
        parts += [_format_comparison_markdown(comparison), ""]
        parts += [f"- {note}" for note in run.metadata["notes"]]
        parts += ["", "```json", format_run_settings(run), "```"]
    parts += ["", "## Corpus and versions", ""]
    parts += [
        f"- {name}: {value}"
        for name, value in list_corpus_and_software_version_settings(content.runs).items()
    ]
    return "\n".join([*parts, ""])


def get_study_title_and_question(run: StudyRun) -> tuple[str, str]:
    """Return title and question of a run's study, as they are called today."""
    study = STUDIES.get(run.study_name)
    if study is None:
        return run.metadata["title"], run.metadata["question"]
    return study.title, study.question


def list_paper_differences(runs: Sequence[StudyRun]) -> list[tuple[str, str]]:
    """Return how the set-up differs from the paper's: (aspect, difference)."""
    clip_seconds = sorted(
        {
            facts["clip_seconds"]
            for run in runs
            if "clip_seconds" in (facts := run.metadata["settings"].get("corpus", {}))
        }
    )
    clip_length = " or ".join(f"{seconds:g} s" for seconds in clip_seconds) or "another length"
    encoder_pairs = {
        " and ".join(encoders[side] for side in ("code", "audio"))
        for run in runs
        if (encoders := run.metadata["settings"].get("encoders"))
    }
    return [
        (
            "Templates",
            "the project's own, following the sections of Sonic Pi's tutorial; the paper's are"
            " not published.",
        ),
        (
            "Encoders",
            f"{' or '.join(sorted(encoder_pairs)) or 'those of the sweep'}; the paper's are"
            " distilroberta-base and wav2vec2.",
        ),
        (
            "Renderer",
            f"Sonic Pi rendered offline on a virtual clock, not recorded live; {clip_length} per"
            " clip instead of the paper's 9 bars at 120 BPM.",
        ),
        (
            "Alignment",
            "soft InfoNCE unless a setting states InfoNCE; the sweep uses the paper's InfoNCE."
            " The paper specifies neither its 24 configurations nor its splits.",
        ),
        (
            "Splits",
            "the column split names the programs that a number was measured on. test: held out"
            " from training. written for the study: not seen in any training. all, or else: too"
            " few test programs, so some were trained on. The map's picture shows the programs of"
            " every split, its numbers are of test programs. The paper does not state the programs"
            " of its numbers.",
        ),
    ]


def collect_paper_comparison_rows(comparisons: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the numbers that the paper has too, in the paper's order.

    Parameters
    ----------
    comparisons : mapping of str to DataFrame
        By study: the table of `core.studies.study_result.compare_measurements_to_paper`.

    Returns
    -------
    DataFrame
        Columns `MAIN_TABLE_COLUMNS`; ``of`` is what the ``number`` measures.
    """
    columns = list(MAIN_TABLE_COLUMNS)
    parts = []
    for study, measured_thing, pattern in _MAIN_TABLE_PATTERNS:
        if study not in comparisons:
            continue
        comparison = comparisons[study]
        matches = [re.fullmatch(pattern, measure) for measure in comparison["measure"]]
        rows = comparison[[match is not None for match in matches]]
        numbers = [match[1] for match in matches if match is not None]
        if numbers:
            parts.append(rows.assign(study=study, of=measured_thing, number=numbers)[columns])
    if not parts:
        return pd.DataFrame(columns=columns)
    return pd.concat(parts, ignore_index=True)


def format_paper_comparison_table(rows: pd.DataFrame) -> str:
    """Return the main table as Markdown, with related numbers in one line.

    Parameters
    ----------
    rows : DataFrame
        As returned by `collect_paper_comparison_rows`, or read from its CSV.
    """
    lines = [
        "| study | of | numbers | Earshot | the paper | difference | Earshot is | programs |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for _, group in rows.groupby(["study", "of"], sort=False):
        cells = [
            group["study"].iloc[0],
            group["of"].iloc[0],
            " · ".join(group["number"]),
            _join_formatted_numbers(group["measured"]),
            _join_formatted_numbers(group["paper"]),
            _join_formatted_numbers(group["difference"], "+"),
            " · ".join(map(shorten_verdict, group["verdict"])),
            ", ".join(dict.fromkeys(group["split"])),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def summarize_verdicts(rows: pd.DataFrame) -> str:
    """Return, as a sentence, how the numbers compare with the paper's; each counts once."""
    counts = count_verdicts(rows["verdict"])
    parts = [f"{count} {verdict} it" for verdict, count in counts.items()]
    return (
        f"Of the paper's numbers, {sum(counts.values())} can be compared:"
        f" {', '.join(parts) or 'none'}. {VERDICT_EXPLANATION}"
    )


def format_verdict_counts(comparison: pd.DataFrame) -> str:
    """Return how the numbers compare with the paper's: "2 above, 1 below the paper"."""
    counts = count_verdicts(comparison["verdict"])
    parts = [f"{count} {verdict}" for verdict, count in counts.items()]
    return f"{', '.join(parts)} the paper" if parts else "no number can be compared with the paper"


def list_corpus_and_software_version_settings(runs: Sequence[StudyRun]) -> dict[str, str]:
    """Return description of the corpus and versions of software as text, by name."""
    settings = runs[0].metadata["settings"]
    return {
        f"{group}: {name.replace('_', ' ')}": _format_setting_value(value)
        for group in _SHARED_SETTINGS
        for name, value in settings.get(group, {}).items()
    }


def format_run_settings(run: StudyRun) -> str:
    """Return a run's own settings as JSON."""
    settings = {
        name: value
        for name, value in run.metadata["settings"].items()
        if name not in _SHARED_SETTINGS
    }
    return json.dumps(settings, indent=1, ensure_ascii=False)


def format_table_cell(value: Any) -> str:
    """Return a table's value as text; "" where there is none."""
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return ""
    if not isinstance(value, float):
        return str(value)
    # A p value must not appear as 0.000.
    is_small = 0 < abs(value) < MAX_EXPONENT_FREE_VALUE
    return f"{value:.0e}" if is_small else f"{value:.3f}"


def drop_empty_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table without columns that have no value in any row."""
    empty = [name for name in frame if all(format_table_cell(value) == "" for value in frame[name])]
    return frame.drop(columns=empty)


def _format_comparison_markdown(comparison: pd.DataFrame) -> str:
    rows = comparison.astype(object).itertuples(index=False)
    return format_markdown_table(
        list(comparison.columns), [[format_table_cell(value) for value in row] for row in rows]
    )


def _format_setting_value(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {inner}" for name, inner in value.items())
    return str(value)


def _join_formatted_numbers(values: pd.Series, sign: str = "") -> str:
    return " · ".join("–" if pd.isna(value) else f"{value:{sign}.3f}" for value in values)
