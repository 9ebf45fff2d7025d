"""What studies found, on disk: one folder a run in its corpus, whole or not there.

corpora/NAME/studies/ID/result.json        what was asked, found and noted; settings
                       tables/TABLE.parquet, .csv
                       figures/FIGURE.json  as plotly reads it
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import re
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Iterator, Mapping

import pandas as pd
import plotly.io

from core import workspace
from core.corpus import Corpus
from core.errors import EarshotError
from core.studies.result import StudyFigure, ClipSequence, StudyResult, StudyTable

STUDIES_FOLDER = "studies"
RESULT_FILENAME = "result.json"
_RUN_ID_PATTERN = re.compile(r"([a-z]+)-(\d{4,})\Z")
_PARTIAL_PREFIX = ".partial-"
_COMPARISON_TABLE = "compared"


@dataclass(frozen=True)
class StudyRun:
    """A run of a study, as it lies in its corpus.

    Attributes
    ----------
    id : str
        ``correlation-0002``: the study, and the how-manieth run of it.
    study_name : str
    created : str
        UTC, ISO 8601.
    path : Path
        Its folder.
    metadata : dict
        All of result.json.
    """

    id: str
    study_name: str
    created: str
    path: Path
    metadata: dict[str, Any]

    def load_comparison(self) -> pd.DataFrame:
        """What was measured beside the paper's numbers; see `core.studies.result`."""
        return _read_parquet(self.path / "tables" / f"{_COMPARISON_TABLE}.parquet")

    def load_result(self) -> StudyResult:
        """Everything, read back."""
        facts = self.metadata
        return StudyResult(
            comparison=self.load_comparison(),
            tables=[
                StudyTable(
                    each["name"],
                    each["title"],
                    _read_parquet(self.path / "tables" / f"{each['name']}.parquet"),
                    each["caption"],
                )
                for each in facts["tables"]
            ],
            figures=[
                StudyFigure(
                    each["name"],
                    each["title"],
                    _read_figure(self.path, each["name"]),
                    each["caption"],
                    each["hears"],
                )
                for each in facts["figures"]
            ],
            clips=[
                ClipSequence(
                    each["label"],
                    tuple(each["paths"]),
                    tuple(each["names"]),
                    tuple(each["sources"]),
                    each["note"],
                )
                for each in facts["clips"]
            ],
            notes=list(facts["notes"]),
            settings=dict(facts["settings"]),
        )


def get_studies_folder(corpus: Corpus) -> Path:
    """Where a corpus's studies lie."""
    return corpus.path / STUDIES_FOLDER


def list_runs(corpus: Corpus, study_name: str | None = None) -> list[StudyRun]:
    """All runs of a study, or of every study, newest first. Damaged ones are left out."""
    found = []
    for run_id in _list_run_ids(get_studies_folder(corpus), study_name):
        try:
            found.append(load_run(corpus, run_id))
        except EarshotError:  # whoever asks for it by its id is told
            continue
    return sorted(found, key=lambda run: (run.created, run.id), reverse=True)


def load_run(corpus: Corpus, run_id: str) -> StudyRun:
    """The run of that id.

    Raises
    ------
    EarshotError
        When there is none, or its file is damaged.
    """
    match = _RUN_ID_PATTERN.match(str(run_id))
    path = get_studies_folder(corpus) / str(run_id)
    if match is None or not path.is_dir():
        known = ", ".join(_list_run_ids(get_studies_folder(corpus))) or "none yet"
        raise EarshotError(
            f"Corpus '{corpus.name}' has no run {str(run_id)[:60]!r} of a study.",
            remedy=f"There are: {known}.",
        )
    try:
        facts = json.loads((path / RESULT_FILENAME).read_text(encoding="utf-8"))
        created = facts["created"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _build_damage_error(path / RESULT_FILENAME, error) from error
    return StudyRun(run_id, match[1], created, path, facts)


def save_run(corpus: Corpus, study_info: Mapping[str, str], result: StudyResult) -> StudyRun:
    """Keep what a study found, beside its earlier runs.

    Parameters
    ----------
    corpus : Corpus
    study_info : mapping
        "study", "title" and "question".
    result : StudyResult

    Raises
    ------
    EarshotError
        When it can't be written.
    """
    home = get_studies_folder(corpus)
    try:
        with _lock_folder(home):
            number = max((int(_RUN_ID_PATTERN.match(i)[2]) for i in _list_run_ids(home, study_info["study"])), default=0)
            run_id = f"{study_info['study']}-{number + 1:04d}"
            partial = home / f"{_PARTIAL_PREFIX}{run_id}"
            _write_run(partial, study_info, result)
            os.replace(partial, home / run_id)
    except OSError as error:
        raise EarshotError(
            f"What the study found cannot be written ({error.strerror}).",
            where=str(home),
            remedy="Check that you may write there and that the disk is not full.",
        ) from error
    return load_run(corpus, run_id)


def _write_run(run_folder: Path, study_info: Mapping[str, str], result: StudyResult) -> None:
    for kind in ("tables", "figures"):
        (run_folder / kind).mkdir(parents=True)
    tables = [StudyTable(_COMPARISON_TABLE, "Beside the paper", result.comparison), *result.tables]
    for table in tables:
        name = workspace.validate_name(table.name, "table")
        table.rows.to_parquet(run_folder / "tables" / f"{name}.parquet", index=False)
        table.rows.to_csv(run_folder / "tables" / f"{name}.csv", index=False)
    for each in result.figures:
        name = workspace.validate_name(each.name, "figure")
        (run_folder / "figures" / f"{name}.json").write_text(each.figure.to_json(), encoding="utf-8")
    facts = {
        **study_info,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "notes": result.notes,
        "settings": result.settings,
        "tables": [
            {"name": each.name, "title": each.title, "caption": each.caption}
            for each in result.tables
        ],
        "figures": [
            {"name": e.name, "title": e.title, "caption": e.caption, "hears": e.clip_table}
            for e in result.figures
        ],
        "clips": [vars(each) for each in result.clips],
    }
    text = json.dumps(convert_to_json_types(facts), indent=2, allow_nan=False, ensure_ascii=False)
    (run_folder / RESULT_FILENAME).write_text(text + "\n", encoding="utf-8")


def convert_to_json_types(value: Any) -> Any:
    """The value in JSON's types: no numpy numbers, and None for NaN and infinities."""
    if isinstance(value, Mapping):
        return {str(key): convert_to_json_types(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [convert_to_json_types(inner) for inner in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def make_workspace_relative(path: str | Path) -> str:
    """A clip's path as results keep it: relative to the workspace's folder."""
    return str(Path(path).resolve().relative_to(workspace.get_workspace_root()))


def resolve_clip_path(clip_path: str) -> Path | None:
    """Where a clip of a result lies; None if it is gone, or would be outside the workspace."""
    file = (workspace.get_workspace_root() / clip_path).resolve()
    return file if file.is_relative_to(workspace.get_workspace_root()) and file.is_file() else None


def _list_run_ids(studies_folder: Path, study_name: str | None = None) -> list[str]:
    if not studies_folder.is_dir():
        return []
    names = (entry.name for entry in studies_folder.iterdir())
    return sorted(n for n in names if (m := _RUN_ID_PATTERN.match(n)) and study_name in (None, m[1]))


@contextmanager
def _lock_folder(studies_folder: Path) -> Iterator[None]:
    studies_folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(studies_folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        for leftover in studies_folder.glob(f"{_PARTIAL_PREFIX}*"):
            shutil.rmtree(leftover)
        yield
    finally:
        os.close(descriptor)


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise _build_damage_error(path, error) from error


def _read_figure(run_folder: Path, figure_name: str):
    file = run_folder / "figures" / f"{workspace.validate_name(figure_name, 'figure')}.json"
    try:
        return plotly.io.from_json(file.read_text(encoding="utf-8"), skip_invalid=True)
    except (OSError, ValueError) as error:
        raise _build_damage_error(file, error) from error


def _build_damage_error(path: Path, error: Exception) -> EarshotError:
    return EarshotError(
        f"A file of this study's run is missing or damaged ({error}).",
        where=str(path),
        remedy="Remove the run's folder and run the study again.",
    )
