"""Report on all studies of a corpus: a self-contained HTML page, Markdown and CSV tables.

corpora/NAME/studies/report-0001/report.html   everything, with figures and short clips
                                 report.md     the same without figures and clips
                                 report.json   time of creation and ids of the runs
                                 tables/main.csv, STUDY-TABLE.csv
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.corpus import Corpus
from core.errors import EarshotError
from core.pipeline.executors.executor_interface import Executor
from core.progress_callback import Progress, ignore_progress
from core.studies import report_html, report_markdown, study_run_storage
from core.studies.study_registry import STUDIES
from core.studies.study_run_storage import StudyRun
from core.studies.study_runner import run_study, translate_former_study_names

PROGRESS_STEP = "Studies"
REPORT_PREFIX = "report"
_REPORT_ID_PATTERN = re.compile(rf"{REPORT_PREFIX}-\d{{4,}}\Z")


@dataclass(frozen=True)
class StudyReport:
    """A saved report.

    Attributes
    ----------
    id : str
        ``report-0002``.
    created : str
        UTC, ISO 8601.
    path : Path
        The report's folder.
    """

    id: str
    created: str
    path: Path

    def build_report_zip(self) -> bytes:
        """Return all files of the report as a ZIP archive."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(self.path.rglob("*")):
                if file.is_file():
                    archive.write(file, Path(self.id) / file.relative_to(self.path))
        return buffer.getvalue()


def run_studies_and_write_report(
    corpus: Corpus,
    options: Mapping[str, Any] | None = None,
    progress: Progress = ignore_progress,
    executor: Executor | None = None,
) -> Path:
    """Run every study that the corpus allows and write the report.

    Parameters
    ----------
    corpus : Corpus
    options : mapping, optional
        Options of all studies; each study takes those that it has.
    progress : Progress
    executor : Executor, optional
        As in `run_study`.

    Returns
    -------
    Path
        The report's folder. Studies that could not be run are in the report with the reason.

    Raises
    ------
    EarshotError
        When no study could be run.
    """
    _, options = translate_former_study_names("", options or {})
    runs: list[StudyRun] = []
    skipped_studies: dict[str, str] = {}
    for done, (name, study) in enumerate(STUDIES.items()):
        progress(PROGRESS_STEP, done, len(STUDIES), name)
        names = {option.name for option in study.options}
        study_options = {key: value for key, value in options.items() if key in names}
        try:
            runs.append(run_study(name, corpus, study_options, progress, executor))
        except EarshotError as error:
            skipped_studies[name] = str(error)
    progress(PROGRESS_STEP, len(STUDIES), len(STUDIES))
    if not runs:
        reason = next(iter(skipped_studies.values()))
        raise EarshotError(f"No study could be run on '{corpus.name}'. {reason}")
    return write_study_report(corpus, runs, skipped_studies)


def write_study_report(
    corpus: Corpus, runs: Sequence[StudyRun], skipped_studies: Mapping[str, str]
) -> Path:
    """Write a report on saved runs; earlier reports stay."""
    folder = study_run_storage.get_studies_folder(corpus)
    numbers = [_get_report_number(report) for report in list_study_reports(corpus)]
    target = folder / f"{REPORT_PREFIX}-{max(numbers, default=0) + 1:04d}"
    partial = folder / f".partial-{target.name}"
    shutil.rmtree(partial, ignore_errors=True)
    tables_folder = partial / "tables"
    tables_folder.mkdir(parents=True)
    comparisons = {run.study_name: run.load_paper_comparison() for run in runs}
    for run in runs:
        # Old runs are written again, in today's names.
        tables = {table.name: table.rows for table in run.load_study_tables()}
        tables[study_run_storage.COMPARISON_TABLE] = comparisons[run.study_name]
        for name, rows in tables.items():
            rows.to_csv(tables_folder / f"{run.study_name}-{name}.csv", index=False)
    main_rows = report_markdown.collect_paper_comparison_rows(comparisons)
    main_rows.to_csv(tables_folder / "main.csv", index=False)
    content = report_markdown.ReportContent(
        corpus.name, main_rows, tuple(runs), dict(skipped_studies)
    )
    markdown = report_markdown.build_markdown_report(content)
    (partial / "report.md").write_text(markdown, encoding="utf-8")
    (partial / "report.html").write_text(report_html.build_html_report(content), encoding="utf-8")
    metadata = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "runs": [run.id for run in runs],
        "skipped_studies": dict(skipped_studies),
    }
    (partial / "report.json").write_text(json.dumps(metadata, indent=2) + "\n", encoding="utf-8")
    os.replace(partial, target)
    return target


def list_study_reports(corpus: Corpus) -> list[StudyReport]:
    """Return a corpus's readable reports, newest first."""
    reports = []
    folder = study_run_storage.get_studies_folder(corpus)
    for path in folder.iterdir() if folder.is_dir() else ():
        try:
            if _REPORT_ID_PATTERN.match(path.name) and (path / "report.html").is_file():
                metadata = json.loads((path / "report.json").read_text(encoding="utf-8"))
                reports.append(StudyReport(path.name, str(metadata["created"]), path))
        except (OSError, ValueError, KeyError, TypeError):  # A damaged report is not listed.
            continue
    return sorted(reports, key=_get_report_number, reverse=True)


def _get_report_number(report: StudyReport) -> int:
    return int(report.id.rpartition("-")[2])
