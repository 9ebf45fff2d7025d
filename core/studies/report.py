"""One report of all studies of a corpus: a page that needs nothing else, Markdown, and CSV.

corpora/NAME/studies/report-0001/report.html   everything, with figures and short clips
                                 report.md     the same without them
                                 report.json   when it was made, and of which runs
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
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from core.corpus import Corpus
from core.errors import EarshotError
from core.progress import Progress, ignore_progress
from core.studies import STUDY_MODULES, get_study_options, report_html, report_markdown, store
from core.studies.runner import run_study
from core.studies.store import StudyRun
from core.studies.report_summary import collect_main_rows

REPORT_PREFIX = "report"
_REPORT_ID_PATTERN = re.compile(rf"{REPORT_PREFIX}-\d{{4,}}\Z")


@dataclass(frozen=True)
class StudyReport:
    """A report, as it lies in its corpus.

    Attributes
    ----------
    id : str
        ``report-0002``.
    created : str
        UTC, ISO 8601.
    path : Path
        Its folder.
    """

    id: str
    created: str
    path: Path

    def build_zip(self) -> bytes:
        """All its files as a zip."""
        whole = io.BytesIO()
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(self.path.rglob("*")):
                if file.is_file():
                    archive.write(file, Path(self.id) / file.relative_to(self.path))
        return whole.getvalue()


def run_all_studies(
    corpus: Corpus, options: Mapping[str, Any] | None = None, progress: Progress = ignore_progress
) -> Path:
    """Run every study that the corpus allows and write the report.

    Returns
    -------
    Path
        The report's folder. What could not be run is in the report with the reason.

    Raises
    ------
    EarshotError
        When not one study could be run.
    """
    done: list[StudyRun] = []
    left_out: dict[str, str] = {}
    for place, name in enumerate(STUDY_MODULES):
        progress("Studies", place, len(STUDY_MODULES), name)
        known = {option.name for option in get_study_options(name)}
        given = {key: value for key, value in (options or {}).items() if key in known}
        try:
            done.append(run_study(name, corpus, given, progress))
        except EarshotError as error:
            left_out[name] = str(error)
    progress("Studies", len(STUDY_MODULES), len(STUDY_MODULES))
    if not done:
        why = next(iter(left_out.values()))
        raise EarshotError(f"No study could be run on '{corpus.name}'. {why}")
    return write_report(corpus, done, left_out)


def write_report(corpus: Corpus, runs: Sequence[StudyRun], skipped_studies: Mapping[str, str]) -> Path:
    """Write the report of these runs beside them; earlier reports stay."""
    home = store.get_studies_folder(corpus)
    numbers = [int(each.id.rpartition("-")[2]) for each in list_reports(corpus)]
    target = home / f"{REPORT_PREFIX}-{max(numbers, default=0) + 1:04d}"
    partial = home / f".partial-{target.name}"
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "tables").mkdir(parents=True)
    for run in runs:
        for file in (run.path / "tables").glob("*.csv"):
            shutil.copy(file, partial / "tables" / f"{run.study_name}-{file.name}")
    main = collect_main_rows({run.study_name: run.load_comparison() for run in runs})
    main.to_csv(partial / "tables" / "main.csv", index=False)
    made = report_markdown.ReportContent(corpus.name, main, tuple(runs), dict(skipped_studies))
    (partial / "report.md").write_text(report_markdown.build_markdown_report(made), encoding="utf-8")
    (partial / "report.html").write_text(report_html.build_html_report(made), encoding="utf-8")
    facts = {
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "runs": [run.id for run in runs],
        "left_out": dict(skipped_studies),
    }
    (partial / "report.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    os.replace(partial, target)
    return target


def list_reports(corpus: Corpus) -> list[StudyReport]:
    """A corpus's reports, newest first; damaged ones are left out."""
    found = []
    home = store.get_studies_folder(corpus)
    for path in home.iterdir() if home.is_dir() else ():
        try:
            if _REPORT_ID_PATTERN.match(path.name) and (path / "report.html").is_file():
                facts = json.loads((path / "report.json").read_text(encoding="utf-8"))
                found.append(StudyReport(path.name, str(facts["created"]), path))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return sorted(found, key=lambda each: int(each.id.rpartition("-")[2]), reverse=True)
