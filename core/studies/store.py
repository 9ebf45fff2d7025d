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
from core.studies.result import Figure, Heard, StudyResult, Table

FOLDER = "studies"
RESULT = "result.json"
_ID = re.compile(r"([a-z]+)-(\d{4,})\Z")
_PARTIAL = ".partial-"
_COMPARED = "compared"


@dataclass(frozen=True)
class StudyRun:
    """A run of a study, as it lies in its corpus.

    Attributes
    ----------
    id : str
        ``correlation-0002``: the study, and the how-manieth run of it.
    study : str
    created : str
        UTC, ISO 8601.
    path : Path
        Its folder.
    facts : dict
        All of result.json.
    """

    id: str
    study: str
    created: str
    path: Path
    facts: dict[str, Any]

    def compared(self) -> pd.DataFrame:
        """What was measured beside the paper's numbers; see `core.studies.result`."""
        return _parquet(self.path / "tables" / f"{_COMPARED}.parquet")

    def result(self) -> StudyResult:
        """Everything, read back."""
        facts = self.facts
        return StudyResult(
            compared=self.compared(),
            tables=[
                Table(
                    each["name"],
                    each["title"],
                    _parquet(self.path / "tables" / f"{each['name']}.parquet"),
                    each["caption"],
                )
                for each in facts["tables"]
            ],
            figures=[
                Figure(
                    each["name"],
                    each["title"],
                    _figure(self.path, each["name"]),
                    each["caption"],
                    each["hears"],
                )
                for each in facts["figures"]
            ],
            clips=[
                Heard(
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


def folder(corpus: Corpus) -> Path:
    """Where a corpus's studies lie."""
    return corpus.path / FOLDER


def runs(corpus: Corpus, study: str | None = None) -> list[StudyRun]:
    """All runs of a study, or of every study, newest first. Damaged ones are left out."""
    found = []
    for run_id in _ids(folder(corpus), study):
        try:
            found.append(load(corpus, run_id))
        except EarshotError:  # whoever asks for it by its id is told
            continue
    return sorted(found, key=lambda run: (run.created, run.id), reverse=True)


def load(corpus: Corpus, run_id: str) -> StudyRun:
    """The run of that id.

    Raises
    ------
    EarshotError
        When there is none, or its file is damaged.
    """
    match = _ID.match(str(run_id))
    path = folder(corpus) / str(run_id)
    if match is None or not path.is_dir():
        known = ", ".join(_ids(folder(corpus))) or "none yet"
        raise EarshotError(
            f"Corpus '{corpus.name}' has no run {str(run_id)[:60]!r} of a study.",
            remedy=f"There are: {known}.",
        )
    try:
        facts = json.loads((path / RESULT).read_text(encoding="utf-8"))
        created = facts["created"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path / RESULT, error) from error
    return StudyRun(run_id, match[1], created, path, facts)


def save(corpus: Corpus, study: Mapping[str, str], result: StudyResult) -> StudyRun:
    """Keep what a study found, beside its earlier runs.

    Parameters
    ----------
    corpus : Corpus
    study : mapping
        "study", "title" and "question".
    result : StudyResult

    Raises
    ------
    EarshotError
        When it can't be written.
    """
    home = folder(corpus)
    try:
        with _locked(home):
            number = max((int(_ID.match(i)[2]) for i in _ids(home, study["study"])), default=0)
            run_id = f"{study['study']}-{number + 1:04d}"
            partial = home / f"{_PARTIAL}{run_id}"
            _write(partial, study, result)
            os.replace(partial, home / run_id)
    except OSError as error:
        raise EarshotError(
            f"What the study found cannot be written ({error.strerror}).",
            where=str(home),
            remedy="Check that you may write there and that the disk is not full.",
        ) from error
    return load(corpus, run_id)


def _write(path: Path, study: Mapping[str, str], result: StudyResult) -> None:
    for kind in ("tables", "figures"):
        (path / kind).mkdir(parents=True)
    tables = [Table(_COMPARED, "Beside the paper", result.compared), *result.tables]
    for table in tables:
        name = workspace.checked_name(table.name, "table")
        table.rows.to_parquet(path / "tables" / f"{name}.parquet", index=False)
        table.rows.to_csv(path / "tables" / f"{name}.csv", index=False)
    for each in result.figures:
        name = workspace.checked_name(each.name, "figure")
        (path / "figures" / f"{name}.json").write_text(each.figure.to_json(), encoding="utf-8")
    facts = {
        **study,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "notes": result.notes,
        "settings": result.settings,
        "tables": [
            {"name": each.name, "title": each.title, "caption": each.caption}
            for each in result.tables
        ],
        "figures": [
            {"name": e.name, "title": e.title, "caption": e.caption, "hears": e.hears}
            for e in result.figures
        ],
        "clips": [vars(each) for each in result.clips],
    }
    text = json.dumps(plain(facts), indent=2, allow_nan=False, ensure_ascii=False)
    (path / RESULT).write_text(text + "\n", encoding="utf-8")


def plain(value: Any) -> Any:
    """The value in JSON's types: no numpy numbers, and None for NaN and infinities."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def in_workspace(path: str | Path) -> str:
    """A clip's path as results keep it: relative to the workspace's folder."""
    return str(Path(path).resolve().relative_to(workspace.root()))


def clip_file(path: str) -> Path | None:
    """Where a clip of a result lies; None if it is gone, or would be outside the workspace."""
    file = (workspace.root() / path).resolve()
    return file if file.is_relative_to(workspace.root()) and file.is_file() else None


def _ids(home: Path, study: str | None = None) -> list[str]:
    if not home.is_dir():
        return []
    names = (entry.name for entry in home.iterdir())
    return sorted(n for n in names if (m := _ID.match(n)) and study in (None, m[1]))


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    home.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(home / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        for leftover in home.glob(f"{_PARTIAL}*"):
            shutil.rmtree(leftover)
        yield
    finally:
        os.close(descriptor)


def _parquet(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise _damaged(path, error) from error


def _figure(path: Path, name: str):
    file = path / "figures" / f"{workspace.checked_name(name, 'figure')}.json"
    try:
        return plotly.io.from_json(file.read_text(encoding="utf-8"), skip_invalid=True)
    except (OSError, ValueError) as error:
        raise _damaged(file, error) from error


def _damaged(path: Path, error: Exception) -> EarshotError:
    return EarshotError(
        f"A file of this study's run is missing or damaged ({error}).",
        where=str(path),
        remedy="Remove the run's folder and run the study again.",
    )
