"""The tables of programs, their parameters and their clips."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from core.corpus import program_split_assignment
from core.corpus.clip_audio_files import ClipFileRecord
from core.corpus.legacy_saved_names import translate_legacy_grammar_name
from core.errors import EarshotError
from core.programs.program import Program
from core.sonicpi.audio_clip_and_render_result import RenderProblem

# Failures that are not the program's fault: the next build tries again.
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
# A missing text or integer must stay None, which only columns of type object allow.
_OBJECT_COLUMNS = (
    "parameters",
    "warnings",
    "seed",
    "error_kind",
    "error_message",
    "error_line",
    "audio",
)


class ClipRow(NamedTuple):
    """A program with the state of its clip.

    Attributes
    ----------
    program_id, source : str
    state : {"ok", "failed"} or None
        None if the program was never rendered; all following values are then None.
    error_kind : str or None
    render_id : str or None
    relative_path : str or None
        Path of the clip below the folder of clips.
    size_bytes : int or None
    """

    program_id: str
    source: str
    state: str | None
    error_kind: str | None
    render_id: str | None
    relative_path: str | None
    size_bytes: int | None


def add_programs(connection: sqlite3.Connection, programs: Iterable[Program], seed: int) -> int:
    """Insert the programs whose source is new, and return their number.

    Runs in the caller's transaction.

    Parameters
    ----------
    connection : Connection
    programs : iterable of Program
    seed : int
        The corpus's seed, for the split of corpora of older versions.
    """
    known_ids = {program_id for (program_id,) in connection.execute("SELECT id FROM programs")}
    taken_names = {
        translate_legacy_grammar_name(name)
        for (name,) in connection.execute("SELECT name FROM programs")
    }
    existing_counts = Counter(
        dict(connection.execute("SELECT template, count(*) FROM programs GROUP BY template"))
    )
    new_programs: dict[str, Program] = {}
    for program in programs:
        if program.id not in known_ids:
            new_programs.setdefault(program.id, program)
    splits = _assign_splits_to_programs(connection, new_programs, existing_counts, seed)
    for program_id, program in new_programs.items():
        name = translate_legacy_grammar_name(program.name)
        name = _make_unique_program_name(name, taken_names)
        taken_names.add(name)
        _insert_program(connection, program, name, splits[program_id])
    return len(new_programs)


def _assign_splits_to_programs(
    connection: sqlite3.Connection,
    new_programs: Mapping[str, Program],
    existing_counts: Mapping[str, int],
    seed: int,
) -> dict[str, str]:
    """Assign new programs to splits by the rule of the corpus."""
    template_by_id = {program_id: program.template for program_id, program in new_programs.items()}
    rule = read_optional_corpus_setting(connection, program_split_assignment.SPLIT_RULE_KEY)
    if rule is None or json.loads(rule) == program_split_assignment.LEGACY_SPLIT_RULE:
        return program_split_assignment.assign_balanced_splits(
            template_by_id.items(), existing_counts, seed
        )
    return {
        program_id: program_split_assignment.choose_split_by_program_hash(template, program_id)
        for program_id, template in template_by_id.items()
    }


def _insert_program(
    connection: sqlite3.Connection, program: Program, name: str, split_name: str
) -> None:
    position = connection.execute(
        "INSERT INTO programs (id, name, template, role, seed, source, split)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            program.id,
            name,
            program.template,
            program.role,
            program.seed,
            program.source,
            split_name,
        ),
    ).lastrowid
    connection.executemany(
        "INSERT INTO parameters (program, place, name, value) VALUES (?, ?, ?, ?)",
        [
            (position, place, key, json.dumps(value, allow_nan=False))
            for place, (key, value) in enumerate(program.parameters.items())
        ],
    )


def _make_unique_program_name(name: str, taken_names: set[str]) -> str:
    # Two seeds give the programs of a template the same names. People, exports and lists of
    # neighbours need distinct names.
    if name not in taken_names:
        return name
    number = 2
    while f"{name}.{number}" in taken_names:
        number += 1
    return f"{name}.{number}"


def record_import_origin(
    connection: sqlite3.Connection, origin: Mapping[str, str], added_count: int
) -> None:
    """Add new programs to the count of their origin in the setting ``imports``.

    Runs in the caller's transaction.

    Parameters
    ----------
    connection : Connection
    origin : mapping
        "from", "licence" and "when". Origins with equal "from" and "licence" share one entry.
    added_count : int
    """
    row = connection.execute("SELECT value FROM meta WHERE key = 'imports'").fetchone()
    imports = json.loads(row[0]) if row else []
    entry = {**origin, "programs": added_count}
    for earlier in imports:
        if all(earlier.get(key) == origin[key] for key in ("from", "licence")):
            entry = earlier | origin | {"programs": earlier["programs"] + added_count}
            imports.remove(earlier)
            break
    connection.execute(
        "INSERT OR REPLACE INTO meta (key, value) VALUES ('imports', ?)",
        (json.dumps([*imports, entry]),),
    )


def load_programs(connection: sqlite3.Connection, clips_folder: Path) -> pd.DataFrame:
    """Return all programs, as `core.corpus.Corpus.load_programs` documents them."""
    cursor = connection.execute(
        f"SELECT {_PROGRAM_COLUMNS_SQL} FROM programs LEFT JOIN clips ON clips.program = position"
        " ORDER BY position"
    )
    names = [column[0] for column in cursor.description]
    rows = cursor.fetchall()
    columns: dict[str, Sequence[Any]] = dict(zip(names, zip(*rows) if rows else [()] * len(names)))
    columns["name"] = [translate_legacy_grammar_name(name) for name in columns["name"]]
    columns["parameters"] = [json.loads(text) for text in columns["parameters"]]
    columns["warnings"] = [json.loads(text) for text in columns["warnings"]]
    columns["audio"] = [_make_absolute_path(clips_folder, path) for path in columns["audio"]]
    return pd.DataFrame(
        {name: pd.Series(columns[name], dtype=_get_column_dtype(name)) for name in _COLUMN_ORDER}
    )


def _get_column_dtype(column_name: str) -> str:
    if column_name in _OBJECT_COLUMNS:
        return "object"
    return "float64" if column_name in _FLOAT_COLUMNS else "str"


def _make_absolute_path(clips_folder: Path, relative_path: str | None) -> str | None:
    return f"{clips_folder}/{relative_path}" if relative_path else None


def load_program(
    connection: sqlite3.Connection, clips_folder: Path, program_id: str
) -> dict[str, Any]:
    """Return one program, with the columns of `load_programs` as keys.

    Raises
    ------
    EarshotError
        If there is no program of that id.
    """
    cursor = connection.execute(
        f"SELECT {_PROGRAM_COLUMNS_SQL} FROM programs LEFT JOIN clips ON clips.program = position"
        " WHERE id = ?",
        (program_id,),
    )
    values = cursor.fetchone()
    if values is None:
        raise EarshotError(f"The corpus holds no program {str(program_id)[:80]!r}.")
    row = dict(zip((column[0] for column in cursor.description), values))
    row["name"] = translate_legacy_grammar_name(row["name"])
    row["parameters"] = json.loads(row["parameters"])
    row["warnings"] = json.loads(row["warnings"])
    row["audio"] = _make_absolute_path(clips_folder, row["audio"])
    return {name: row[name] for name in _COLUMN_ORDER}


def read_corpus_setting(connection: sqlite3.Connection, key: str) -> str:
    """Return a setting of the corpus as JSON."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return str(row[0])


def read_optional_corpus_setting(connection: sqlite3.Connection, key: str) -> str | None:
    """Return a setting of the corpus as JSON; None if the corpus does not have it."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def read_program_source(connection: sqlite3.Connection, position: int) -> str:
    """Return the source of the program at a position."""
    row = connection.execute("SELECT source FROM programs WHERE position = ?", (position,))
    return str(row.fetchone()[0])


def list_clip_rows(connection: sqlite3.Connection) -> list[ClipRow]:
    """Return every program with the state of its clip, in insertion order."""
    rows = connection.execute(
        "SELECT id, source, state, error_kind, render_id, file, bytes"
        " FROM programs LEFT JOIN clips ON clips.program = position ORDER BY position"
    )
    return [ClipRow(*row) for row in rows]


def list_clip_files(connection: sqlite3.Connection) -> list[tuple[str, int, str]]:
    """Return (path below the folder of clips, size in bytes, SHA-256) of each clip, in order."""
    return connection.execute(
        "SELECT file, bytes, sha256 FROM clips WHERE state = 'ok' ORDER BY program"
    ).fetchall()


def store_clip_row(
    connection: sqlite3.Connection,
    position: int,
    render_id: str,
    record: ClipFileRecord,
    render_s: float,
) -> str | None:
    """Record the clip of a program in the caller's transaction.

    If the audio differs from that of an earlier clip, the earlier clip's embeddings are deleted.

    Returns
    -------
    str or None
        The file that this clip replaces, if it is another.
    """
    old = connection.execute(
        "SELECT file, sha256 FROM clips WHERE program = ?", (position,)
    ).fetchone()
    if old and old[1] != record.sha256:
        delete_audio_embeddings(connection, position)
    connection.execute(
        "INSERT OR REPLACE INTO clips (program, render_id, state, file, bytes, sha256, seconds,"
        " rms, peak, render_s, warnings) VALUES (?, ?, 'ok', ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            position,
            render_id,
            record.relative_path,
            record.size_bytes,
            record.sha256,
            record.seconds,
            record.rms,
            record.peak,
            render_s,
            _serialize_render_problems(record.warnings),
        ),
    )
    return old[0] if old and old[0] != record.relative_path else None


def store_render_failure(
    connection: sqlite3.Connection,
    position: int,
    render_id: str,
    error: RenderProblem,
    warnings: Sequence[RenderProblem],
    render_s: float,
) -> str | None:
    """Record why a program has no clip, in the caller's transaction.

    Returns
    -------
    str or None
        The file of the clip that the program had.
    """
    old = connection.execute("SELECT file FROM clips WHERE program = ?", (position,)).fetchone()
    delete_audio_embeddings(connection, position)
    connection.execute(
        "INSERT OR REPLACE INTO clips (program, render_id, state, render_s, warnings, error_kind,"
        " error_message, error_line) VALUES (?, ?, 'failed', ?, ?, ?, ?, ?)",
        (
            position,
            render_id,
            render_s,
            _serialize_render_problems(warnings),
            error.kind,
            error.message,
            error.line,
        ),
    )
    return old[0] if old else None


def delete_audio_embeddings(connection: sqlite3.Connection, position: int) -> None:
    """Delete the embeddings of the clip at a position, in the caller's transaction."""
    connection.execute(
        "DELETE FROM embeddings WHERE program = ?"
        " AND encoder IN (SELECT key FROM encoders WHERE modality = 'audio')",
        (position,),
    )


def _serialize_render_problems(problems: Sequence[RenderProblem]) -> str:
    return json.dumps([problem.to_dict_without_empty_fields() for problem in problems])


def count_programs_by_state(connection: sqlite3.Connection) -> dict[str, int]:
    """Return the number of all programs ("programs") and of those in each state."""
    counts = dict(
        connection.execute(
            "SELECT coalesce(state, 'pending'), count(*) FROM programs"
            " LEFT JOIN clips ON clips.program = position GROUP BY 1"
        )
    )
    by_state = {state: counts.get(state, 0) for state in ("ok", "failed", "pending")}
    return {"programs": sum(by_state.values()), **by_state}


def count_failures_by_kind(connection: sqlite3.Connection) -> dict[str, int]:
    """Return the number of failed programs by kind of error, most frequent first."""
    return dict(
        connection.execute(
            "SELECT error_kind, count(*) FROM clips WHERE state = 'failed'"
            " GROUP BY error_kind ORDER BY 2 DESC, 1"
        )
    )
