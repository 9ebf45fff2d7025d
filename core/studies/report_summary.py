"""The report's main table: the paper's numbers, and beside each what was measured."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pandas as pd

from core.studies.result import VERDICT_ABOVE, VERDICT_BELOW, VERDICT_LEVEL
from core.studies.scenario_files import SCENARIO_NAMES

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
# study, of what, measures with the number's name as their group.
_COMPLETION_PATTERNS = (
    ("raw code", r"raw code ~ raw sound"),
    ("aligned code", r"aligned code ~ raw sound"),
    ("aligned code, by an encoder not trained on", r"aligned code ~ raw sound, unseen ear"),
)
_MAIN_TABLE_PATTERNS = (
    ("correlation", "distances of raw code and raw sound", r"(\w+), raw code against raw sound"),
    ("perturbation", "mean similarity: sleep, amp, bpm", r"Mean similarity of (.+): .*"),
    ("sweep", "before alignment", r"Baseline (\w+)"),
    ("sweep", "best configuration on validation", r"Best (\w+): .*"),
    *(
        ("completion", f"{name}, {what}", rf"{name}: (\S+), {measure}")
        for name in SCENARIO_NAMES
        for what, measure in _COMPLETION_PATTERNS
    ),
)


def collect_main_rows(comparisons: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The numbers that the paper has, in its order.

    Parameters
    ----------
    comparisons : mapping of str to DataFrame
        By study: what was measured beside the paper (`core.studies.result.compare_to_paper`).

    Returns
    -------
    DataFrame
        Columns `COLUMNS`: ``of`` is what ``number`` is a number of.
    """
    parts = [pd.DataFrame(columns=list(MAIN_TABLE_COLUMNS))]
    for study, of, pattern in _MAIN_TABLE_PATTERNS:
        if study not in comparisons:
            continue
        rows = comparisons[study]
        names = [re.fullmatch(pattern, measure) for measure in rows["measure"]]
        some = rows[[match is not None for match in names]]
        numbers = [match[1] for match in names if match is not None]
        parts.append(some.assign(study=study, of=of, number=numbers)[list(MAIN_TABLE_COLUMNS)])
    return pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)


def format_main_table(rows: pd.DataFrame) -> str:
    """The main table as Markdown, numbers of the same thing in one line.

    Parameters
    ----------
    rows : DataFrame
        As of `main_rows`, or its CSV read back.
    """
    lines = [
        "| study | of | numbers | Earshot | the paper | difference | Earshot is | programs |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (study, of), some in rows.groupby(["study", "of"], sort=False):
        cells = [study, of, " · ".join(some["number"])]
        cells += [_format_values(some["measured"]), _format_values(some["paper"])]
        cells += [_format_values(some["difference"], "+"), " · ".join(map(_shorten_verdict, some["verdict"]))]
        cells.append(", ".join(dict.fromkeys(some["split"])))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def summarize_verdicts(rows: pd.DataFrame) -> str:
    """In how many numbers Earshot is above, level with and below the paper, in a sentence."""
    counts = rows["verdict"].value_counts()
    parts = [f"{word} the paper in {counts.get(word, 0)}" for word in (VERDICT_ABOVE, VERDICT_LEVEL, VERDICT_BELOW)]
    known = int(rows["verdict"].isin((VERDICT_ABOVE, VERDICT_LEVEL, VERDICT_BELOW)).sum())
    return (
        f"Of {known} numbers that the paper has too, Earshot's are {', '.join(parts[:2])}, and"
        f" {parts[2]}. Level with means that the 95 % interval holds the paper's number."
    )


def _format_values(values: pd.Series, sign: str = "") -> str:
    return " · ".join("–" if pd.isna(value) else f"{value:{sign}.3f}" for value in values)


def _shorten_verdict(verdict: object) -> str:
    return {VERDICT_LEVEL: "level"}.get(verdict, verdict) if isinstance(verdict, str) and verdict else "–"
