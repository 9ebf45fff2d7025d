"""The CSV table of a survey: one row per program, from which an interrupted survey resumes."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from core.corpus.csv_row_reader import parse_csv_text
from core.errors import EarshotError
from core.pipeline.program_survey import SurveyFinding
from core.pipeline.render_outcome_classification import OUTCOMES, Classification, MissingName

COLUMNS = ("program", "outcome", "cause", "line", "message", "missing", "key")


class FindingWriter(Protocol):
    """Writes one finding to a table."""

    def __call__(self, finding: SurveyFinding) -> None:
        """Append the row of a finding; it is on disk when this returns."""


@contextmanager
def open_survey_table(path: Path) -> Iterator[FindingWriter]:
    """Create a table, replacing an existing one, and yield a function that appends rows.

    Raises
    ------
    EarshotError
        When the file cannot be written.
    """
    try:
        handle = path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise EarshotError(f"It cannot be written ({error.strerror}).", where=str(path)) from error
    with handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(COLUMNS)

        def append_survey_finding(finding: SurveyFinding) -> None:
            classification = finding.classification
            missing = json.dumps([[item.cause, item.name] for item in classification.missing_names])
            line = "" if classification.line is None else classification.line
            writer.writerow(
                [
                    finding.program,
                    classification.outcome,
                    classification.cause or "",
                    line,
                    classification.message,
                    missing,
                    finding.key,
                ]
            )
            handle.flush()

        yield append_survey_finding


def read_survey_table(path: Path) -> dict[str, SurveyFinding]:
    """Return the findings of a table by key; a row that was not written to its end is left out.

    Raises
    ------
    EarshotError
        When the file cannot be read or is not a table of a survey.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise EarshotError(f"It cannot be read ({error}).", where=str(path)) from error
    complete_text = text[: text.rfind("\n") + 1]
    columns, rows = parse_csv_text(complete_text, path.name)
    if complete_text and tuple(columns) != COLUMNS:
        raise EarshotError("It is not the table of a survey.", where=str(path))
    findings = {}
    # The last row may end within a quoted message.
    with suppress(EarshotError):
        for row in rows:
            finding = _parse_survey_finding(row)
            if finding is not None and finding.key:
                findings[finding.key] = finding
    return findings


def _parse_survey_finding(row: Mapping[str, Any]) -> SurveyFinding | None:
    """Return the finding of a row; None for a damaged row."""
    try:
        values = {name: str(row[name]) for name in COLUMNS}
        missing = tuple(MissingName(cause, name) for cause, name in json.loads(values["missing"]))
        line = int(values["line"]) if values["line"] else None
    except (TypeError, KeyError, ValueError):
        return None
    if values["outcome"] not in OUTCOMES:
        return None
    classification = Classification(
        values["outcome"], values["cause"] or None, line, values["message"], missing
    )
    return SurveyFinding(values["program"], classification, values["key"])
