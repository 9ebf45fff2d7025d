"""Programs and the states of their clips, as rows of the database."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any, Iterable, Mapping, Sequence

import pandas as pd

from core.corpus import split
from core.corpus.clip_files import StoredClip
from core.errors import EarshotError
from core.programs.program import Program
from core.sonicpi.clip import RenderProblem

# Failures that say nothing about the program: the next build tries again.
RETRYABLE_ERROR_KINDS = ("crashed", "sandbox")

_PROGRAM_COLUMNS_SQL = (
    "id AS program, name, template, role, seed, source, coalesce(state, 'pending') AS state,"
    " error_kind, error_message, error_line, coalesce(warnings, '[]') AS warnings,"
    " seconds, rms, peak, file AS audio, split,"
    " (SELECT json_group_object(name, json(value)) FROM parameters"
    "  WHERE parameters.program = position) AS parameters"
)
_COLUMN_ORDER = (
    "program name template role seed source parameters state error_kind error_message"
    " error_line warnings seconds rms peak audio split"
).split()
_FLOAT_COLUMNS = ("seconds", "rms", "peak")
_OPTIONAL_COLUMNS = ("seed", "error_kind", "error_message", "error_line", "audio")


def add_programs(connection: sqlite3.Connection, programs: Iterable[Program], seed: int) -> int:
    """Insert programs whose source is new; return how many those were.

    Runs in the caller's transaction. `seed` is the corpus's, for the split.
    """
    known = {program_id for (program_id,) in connection.execute("SELECT id FROM programs")}
    names = {name for (name,) in connection.execute("SELECT name FROM programs")}
    before = Counter(
        dict(connection.execute("SELECT template, count(*) FROM programs GROUP BY template"))
    )
    new: dict[str, Program] = {}
    for program in programs:
        if program.id not in known:
            new.setdefault(program.id, program)
    parts = split.assign_splits(((i, program.template) for i, program in new.items()), before, seed)
    for program_id, program in new.items():
        name = _make_unique_name(program.name, names)
        names.add(name)
        position = connection.execute(
            "INSERT INTO programs (id, name, template, role, seed, source, split)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                program_id,
                name,
                program.template,
                program.role,
                program.seed,
                program.source,
                parts[program_id],
            ),
        ).lastrowid
        connection.executemany(
            "INSERT INTO parameters (program, place, name, value) VALUES (?, ?, ?, ?)",
            [
                (position, place, key, json.dumps(value, allow_nan=False))
                for place, (key, value) in enumerate(program.parameters.items())
            ],
        )
    return len(new)


def record_import_origin(connection: sqlite3.Connection, origin: Mapping[str, str], added_count: int) -> None:
    """Count new programs towards where they came from, in the caller's transaction."""
    row = connection.execute("SELECT value FROM meta WHERE key = 'imports'").fetchone()
    imports = json.loads(row[0]) if row else []
    entry = {**origin, "programs": added_count}
    for known in imports:
        if all(known.get(key) == origin[key] for key in ("from", "licence")):
            entry = known | origin | {"programs": known["programs"] + added_count}
            imports.remove(known)
            break
    connection.execute(
        "INSERT OR REPLACE INTO meta (key, value) VALUES ('imports', ?)",
        (json.dumps([*imports, entry]),),
    )


def _make_unique_name(name: str, taken_names: set[str]) -> str:
    # Two seeds give a template's programs the same names; people, exports and
    # lists of neighbours need them apart.
    if name not in taken_names:
        return name
    number = 2
    while f"{name}.{number}" in taken_names:
        number += 1
    return f"{name}.{number}"


def load_programs(connection: sqlite3.Connection, clips_folder: Path) -> pd.DataFrame:
    """All programs, as `Corpus.programs` returns them."""
    cursor = connection.execute(
        f"SELECT {_PROGRAM_COLUMNS_SQL} FROM programs LEFT JOIN clips ON clips.program = position"
        " ORDER BY position"
    )
    names = [column[0] for column in cursor.description]
    rows = cursor.fetchall()
    columns = dict(zip(names, zip(*rows) if rows else [()] * len(names)))
    columns["parameters"] = [json.loads(text) for text in columns["parameters"]]
    columns["warnings"] = [json.loads(text) for text in columns["warnings"]]
    columns["audio"] = [_make_absolute_path(clips_folder, file) for file in columns["audio"]]
    objects = ("parameters", "warnings", *_OPTIONAL_COLUMNS)
    return pd.DataFrame(
        {
            # Of type object, so that a missing text or number stays None.
            name: pd.Series(columns[name], dtype="object" if name in objects else _get_column_dtype(name))
            for name in _COLUMN_ORDER
        }
    )


def _get_column_dtype(column_name: str) -> str:
    return "float64" if column_name in _FLOAT_COLUMNS else "str"


def _make_absolute_path(clips_folder: Path, relative_path: str | None) -> str | None:
    return f"{clips_folder}/{relative_path}" if relative_path else None


def load_program(connection: sqlite3.Connection, clips_folder: Path, program_id: str) -> dict[str, Any]:
    """One program, with the columns of `frame` as keys."""
    cursor = connection.execute(
        f"SELECT {_PROGRAM_COLUMNS_SQL} FROM programs LEFT JOIN clips ON clips.program = position WHERE id = ?",
        (program_id,),
    )
    found = cursor.fetchone()
    if found is None:
        raise EarshotError(f"The corpus holds no program {str(program_id)[:80]!r}.")
    row = dict(zip((column[0] for column in cursor.description), found))
    row["parameters"] = json.loads(row["parameters"])
    row["warnings"] = json.loads(row["warnings"])
    row["audio"] = _make_absolute_path(clips_folder, row["audio"])
    return {name: row[name] for name in _COLUMN_ORDER}


def read_setting(connection: sqlite3.Connection, key: str) -> str:
    """A setting of the corpus, as JSON."""
    return connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()[0]


def read_source(connection: sqlite3.Connection, position: int) -> str:
    """A program's source."""
    return connection.execute(
        "SELECT source FROM programs WHERE position = ?", (position,)
    ).fetchone()[0]


def list_clip_rows(connection: sqlite3.Connection) -> list[tuple[str, str, str | None, str, str, str, int]]:
    """(program id, source, state, error kind, render id, file, bytes), in insertion order."""
    return connection.execute(
        "SELECT id, source, state, error_kind, render_id, file, bytes"
        " FROM programs LEFT JOIN clips ON clips.program = position ORDER BY position"
    ).fetchall()


def put_clip(
    connection: sqlite3.Connection,
    position: int,
    render_id: str,
    stored_clip: StoredClip,
    render_s: float,
) -> str | None:
    """Note a program's clip; return the file it replaces, if that is another.

    When its sound is another than before, what was embedded of the old one is
    dropped. Runs in the caller's transaction.
    """
    old = connection.execute(
        "SELECT file, sha256 FROM clips WHERE program = ?", (position,)
    ).fetchone()
    if old and old[1] != stored_clip.sha256:
        _delete_audio_embeddings(connection, position)
    connection.execute(
        "INSERT OR REPLACE INTO clips (program, render_id, state, file, bytes, sha256, seconds,"
        " rms, peak, render_s, warnings) VALUES (?, ?, 'ok', ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            position,
            render_id,
            stored_clip.relative_path,
            stored_clip.size_bytes,
            stored_clip.sha256,
            stored_clip.clip.seconds,
            stored_clip.clip.rms,
            stored_clip.clip.peak,
            render_s,
            _serialize_problems(stored_clip.warnings),
        ),
    )
    return old[0] if old and old[0] != stored_clip.relative_path else None


def put_render_failure(
    connection: sqlite3.Connection,
    position: int,
    render_id: str,
    error: RenderProblem,
    warnings: Sequence[RenderProblem],
    render_s: float,
) -> str | None:
    """Note why a program has no clip; return the file of the clip it had."""
    old = connection.execute("SELECT file FROM clips WHERE program = ?", (position,)).fetchone()
    _delete_audio_embeddings(connection, position)
    connection.execute(
        "INSERT OR REPLACE INTO clips (program, render_id, state, render_s, warnings, error_kind,"
        " error_message, error_line) VALUES (?, ?, 'failed', ?, ?, ?, ?, ?)",
        (
            position,
            render_id,
            render_s,
            _serialize_problems(warnings),
            error.kind,
            error.message,
            error.line,
        ),
    )
    return old[0] if old else None


def _delete_audio_embeddings(connection: sqlite3.Connection, position: int) -> None:
    connection.execute(
        "DELETE FROM embeddings WHERE program = ?"
        " AND encoder IN (SELECT key FROM encoders WHERE modality = 'audio')",
        (position,),
    )


def _serialize_problems(problems: Sequence[RenderProblem]) -> str:
    return json.dumps([{"kind": p.kind, "message": p.message, "line": p.line} for p in problems])


def count_programs_by_state(connection: sqlite3.Connection) -> dict[str, int]:
    """Number of programs in all and by state."""
    by_state = dict(
        connection.execute(
            "SELECT coalesce(state, 'pending'), count(*) FROM programs"
            " LEFT JOIN clips ON clips.program = position GROUP BY 1"
        )
    )
    found = {state: by_state.get(state, 0) for state in ("ok", "failed", "pending")}
    return {"programs": sum(found.values()), **found}


def count_failures_by_kind(connection: sqlite3.Connection) -> dict[str, int]:
    """Number of failed programs by kind of error, most frequent first."""
    return dict(
        connection.execute(
            "SELECT error_kind, count(*) FROM clips WHERE state = 'failed'"
            " GROUP BY error_kind ORDER BY 2 DESC, 1"
        )
    )
