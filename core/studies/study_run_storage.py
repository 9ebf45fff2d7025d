"""Saved runs of studies: one folder per run in the corpus, written atomically.

corpora/NAME/studies/ID/result.json        study, notes, settings, lists of tables and figures
                       tables/TABLE.parquet, .csv
                       figures/FIGURE.json  plotly JSON

Runs saved under older names of studies, tables and columns are translated while they are read
(`core.corpus.legacy_study_results`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import plotly.io

from core import file_locks_and_atomic_writes, workspace
from core.corpus import Corpus
from core.corpus.legacy_saved_names import translate_legacy_study_name
from core.corpus.legacy_study_results import (
    get_former_table_name,
    translate_legacy_study_metadata,
    translate_legacy_study_table,
)
from core.errors import EarshotError
from core.file_errors import convert_read_errors, convert_write_errors
from core.studies.study_result import ClipSequence, StudyFigure, StudyResult, StudyTable
from core.text_formatting import to_json_value

STUDIES_FOLDER = "studies"
RESULT_FILENAME = "result.json"
_RUN_ID_PATTERN = re.compile(r"([a-z]+)-(\d{4,})\Z")
COMPARISON_TABLE = "compared"


@dataclass(frozen=True)
class StudyRun:
    """A saved run of a study.

    Attributes
    ----------
    id : str
        ``correlation-0002``: the study and the number of the run.
    study_name : str
        Today's name of the study; the folder of an old run begins with its former name.
    created : str
        UTC, ISO 8601.
    path : Path
        The run's folder.
    metadata : dict
        The content of result.json, in today's names.
    """

    id: str
    study_name: str
    created: str
    path: Path
    metadata: dict[str, Any]

    def load_paper_comparison(self) -> pd.DataFrame:
        """Read the measurements beside the paper's; see `core.studies.study_result`."""
        rows = _read_parquet(self.path / "tables" / f"{COMPARISON_TABLE}.parquet")
        return translate_legacy_study_table(self.study_name, rows)

    def load_study_tables(self) -> list[StudyTable]:
        """Read all tables but the comparison with the paper."""
        return [
            StudyTable(
                table["name"],
                table["title"],
                self._load_study_table(table["name"]),
                table["caption"],
            )
            for table in self.metadata["tables"]
        ]

    def load_result(self) -> StudyResult:
        """Read everything that the run saved."""
        return StudyResult(
            comparison=self.load_paper_comparison(),
            tables=self.load_study_tables(),
            figures=[
                StudyFigure(
                    figure["name"],
                    figure["title"],
                    self._load_study_figure(figure["name"]),
                    figure["caption"],
                    figure["clip_table"],
                )
                for figure in self.metadata["figures"]
            ],
            clips=[
                ClipSequence(
                    clip["label"],
                    tuple(clip["paths"]),
                    tuple(clip["names"]),
                    tuple(clip["sources"]),
                    clip["note"],
                )
                for clip in self.metadata["clips"]
            ],
            notes=list(self.metadata["notes"]),
            settings=dict(self.metadata["settings"]),
        )

    def _load_study_table(self, table_name: str) -> pd.DataFrame:
        file = _find_result_file(self.path / "tables", self.study_name, table_name, ".parquet")
        return translate_legacy_study_table(self.study_name, _read_parquet(file))

    def _load_study_figure(self, figure_name: str) -> go.Figure:
        name = workspace.validate_folder_name(figure_name, "figure")
        file = _find_result_file(self.path / "figures", self.study_name, name, ".json")
        with _convert_study_run_read_errors(file):
            return plotly.io.from_json(file.read_text(encoding="utf-8"), skip_invalid=True)


def get_studies_folder(corpus: Corpus) -> Path:
    """Return the folder of a corpus's studies."""
    return corpus.path / STUDIES_FOLDER


def list_study_runs(corpus: Corpus, study_name: str | None = None) -> list[StudyRun]:
    """Return all readable runs of a study, or of every study, newest first."""
    runs = []
    for run_id in _list_study_run_ids(get_studies_folder(corpus), study_name):
        try:
            runs.append(load_study_run(corpus, run_id))
        except (
            EarshotError
        ):  # load_study_run reports the damage when the run is requested by its id.
            continue
    return sorted(runs, key=lambda run: (run.created, run.id), reverse=True)


def load_study_run(corpus: Corpus, run_id: str) -> StudyRun:
    """Read a run by its id.

    Raises
    ------
    EarshotError
        When there is no such run, or its file is damaged.
    """
    folder = get_studies_folder(corpus)
    path = folder / str(run_id)
    match = _RUN_ID_PATTERN.match(str(run_id))
    if match is None or not path.is_dir():
        run_ids = ", ".join(_list_study_run_ids(folder)) or "none yet"
        raise EarshotError(
            f"Corpus '{corpus.name}' has no study run {str(run_id)[:60]!r}.",
            remedy=f"Its runs are: {run_ids}.",
        )
    study_name = translate_legacy_study_name(match[1])
    with _convert_study_run_read_errors(path / RESULT_FILENAME):
        metadata = json.loads((path / RESULT_FILENAME).read_text(encoding="utf-8"))
        try:
            metadata = translate_legacy_study_metadata(study_name, metadata)
            created = metadata["created"]
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(error) from error
    return StudyRun(run_id, study_name, created, path, metadata)


def save_study_run(corpus: Corpus, study_info: Mapping[str, str], result: StudyResult) -> StudyRun:
    """Save a result as the next run of its study; earlier runs stay.

    Parameters
    ----------
    corpus : Corpus
    study_info : mapping
        "study", "title" and "question".
    result : StudyResult

    Raises
    ------
    EarshotError
        When the files cannot be written.
    """
    folder = get_studies_folder(corpus)
    with (
        convert_write_errors("The study's result", folder),
        file_locks_and_atomic_writes.lock_folder_and_remove_partial_folders(folder),
    ):
        numbers = [_get_run_number(i) for i in _list_study_run_ids(folder, study_info["study"])]
        run_id = f"{study_info['study']}-{max(numbers, default=0) + 1:04d}"
        with file_locks_and_atomic_writes.atomic_write_folder(folder / run_id) as partial:
            _write_study_run(partial, study_info, result)
    return load_study_run(corpus, run_id)


def _write_study_run(run_folder: Path, study_info: Mapping[str, str], result: StudyResult) -> None:
    for subfolder in ("tables", "figures"):
        (run_folder / subfolder).mkdir(parents=True)
    comparison = StudyTable(COMPARISON_TABLE, "Comparison with the paper", result.comparison)
    for table in (comparison, *result.tables):
        name = workspace.validate_folder_name(table.name, "table")
        table.rows.to_parquet(run_folder / "tables" / f"{name}.parquet", index=False)
        table.rows.to_csv(run_folder / "tables" / f"{name}.csv", index=False)
    for figure in result.figures:
        name = workspace.validate_folder_name(figure.name, "figure")
        file = run_folder / "figures" / f"{name}.json"
        file.write_text(figure.figure.to_json(), encoding="utf-8")
    metadata = {
        **study_info,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "notes": result.notes,
        "settings": result.settings,
        "tables": [
            {"name": table.name, "title": table.title, "caption": table.caption}
            for table in result.tables
        ],
        "figures": [
            {
                "name": figure.name,
                "title": figure.title,
                "caption": figure.caption,
                "clip_table": figure.clip_table,
            }
            for figure in result.figures
        ],
        "clips": [vars(clip) for clip in result.clips],
    }
    text = json.dumps(to_json_value(metadata), indent=2, allow_nan=False, ensure_ascii=False)
    (run_folder / RESULT_FILENAME).write_text(text + "\n", encoding="utf-8")


def _list_study_run_ids(studies_folder: Path, study_name: str | None = None) -> list[str]:
    """Return ids of saved runs, also of those saved under a former name of the study."""
    if not studies_folder.is_dir():
        return []
    matches = [_RUN_ID_PATTERN.match(entry.name) for entry in studies_folder.iterdir()]
    return sorted(
        match[0]
        for match in matches
        if match and study_name in (None, translate_legacy_study_name(match[1]))
    )


def _get_run_number(run_id: str) -> int:
    return int(run_id.rpartition("-")[2])


def _find_result_file(folder: Path, study_name: str, name: str, suffix: str) -> Path:
    """Return the file of a table or figure, which an old run saved under its former name."""
    file = folder / f"{name}{suffix}"
    former_file = folder / f"{get_former_table_name(study_name, name)}{suffix}"
    return former_file if former_file.exists() and not file.exists() else file


def _read_parquet(path: Path) -> pd.DataFrame:
    with _convert_study_run_read_errors(path):
        return pd.read_parquet(path)


def _convert_study_run_read_errors(path: Path) -> AbstractContextManager[None]:
    return convert_read_errors(
        "A file of this study run is missing or damaged",
        path,
        "Delete the run's folder and run the study again.",
    )
