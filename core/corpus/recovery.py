"""Saving what can be read of a database of which pages are damaged.

Settings and programs are saved, in their order and with their split. Clips are found again by
their files' names, and embeddings are made anew: a page tells nobody that a number in it was
changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

from core.corpus import schema
from core.corpus.writer_lock import WriterLock
from core.errors import EarshotError

MAX_PROGRAM_POSITION = 10_000_000
MAX_FAILED_QUERIES = 50_000  # queries: a page holds some hundred rows at most
REQUIRED_SETTINGS = ("created", "seconds", "seed", "audio_format")


@dataclass(frozen=True)
class RecoveryReport:
    """What came of a damaged database.

    Attributes
    ----------
    recovered_count : int
        Saved.
    lost_count : int
        Rows of programs that could not be read, as far as the others tell.
    damaged_copy_path : Path
        Where the damaged database lies now.
    """

    recovered_count: int
    lost_count: int
    damaged_copy_path: Path

    def __str__(self) -> str:
        lost = f", at least {self.lost_count} are lost" if self.lost_count else ""
        return (
            f"The database was damaged: {self.recovered_count} programs were saved{lost}. It is kept as"
            f" {self.damaged_copy_path.name}."
        )


def is_damaged(path: Path) -> bool:
    """Whether SQLite finds fault with the database, or cannot read it at all."""
    try:
        connection = schema.open_connection(path)
        try:
            return connection.execute("PRAGMA integrity_check(1)").fetchone() != ("ok",)
        finally:
            connection.close()
    except sqlite3.OperationalError:  # not damaged: it cannot be opened
        return False
    except sqlite3.DatabaseError:
        return True


def recover_database(path: Path, lock: WriterLock) -> RecoveryReport | None:
    """Put a whole database with all that can be read in the place of a damaged one.

    Returns
    -------
    Salvage or None
        None when it was enough to make its indexes anew.

    Raises
    ------
    EarshotError
        When too little can be read: then nothing was changed.
    """
    with lock.acquire("saving a damaged database"):
        if _try_reindex(path):
            return None
        with tempfile.TemporaryDirectory(prefix=".partial-salvage-", dir=path.parent) as folder:
            old = Path(folder) / "old"
            for suffix in ("", "-wal"):
                if Path(f"{path}{suffix}").exists():
                    shutil.copyfile(f"{path}{suffix}", f"{old}{suffix}")
            source = sqlite3.connect(old, isolation_level=None)
            try:
                meta = dict(_read_rows_until_error(source, "SELECT key, value FROM meta WHERE key > ''"))
                if not all(_is_json(meta.get(key)) for key in REQUIRED_SETTINGS):
                    raise _make_unrecoverable_error(path)
                new = Path(folder) / schema.DATABASE_FILE
                schema.create_database(new, {key: value for key, value in meta.items() if _is_json(value)})
                saved, highest = _copy_programs(source, new)
            except sqlite3.DatabaseError as error:
                raise _make_unrecoverable_error(path) from error
            finally:
                source.close()
            kept = _preserve_damaged_database(path)
            os.replace(new, path)
    return RecoveryReport(saved, max(0, highest - saved), kept)


def _make_unrecoverable_error(path: Path) -> EarshotError:
    return EarshotError(
        "Too little of the corpus's database can be read.",
        where=str(path),
        remedy="Move that file away and build the corpus again with the same options: clips are"
        " found again, embeddings are made anew.",
    )


def _try_reindex(path: Path) -> bool:
    """Whether nothing but indexes was damaged, which then are whole."""
    try:
        connection = schema.open_connection(path)
        try:
            connection.execute("REINDEX")
            return connection.execute("PRAGMA integrity_check(1)").fetchone() == ("ok",)
        finally:
            connection.close()
    except sqlite3.Error:
        return False


def _copy_programs(damaged_connection: sqlite3.Connection, new_path: Path) -> tuple[int, int]:
    """Copy programs with their parameters; how many, and the highest position of any."""
    target = sqlite3.connect(new_path, isolation_level=None)
    columns = "position, id, name, template, role, seed, source, split"
    saved = highest = 0
    target.execute("BEGIN")
    for row in _iterate_readable_rows(damaged_connection, f"SELECT {columns} FROM programs", "position"):
        highest = max(highest, row[0])
        if _is_valid_program_row(row):
            try:
                target.execute(f"INSERT INTO programs ({columns}) VALUES (?,?,?,?,?,?,?,?)", row)
                saved += 1
            except sqlite3.Error:  # a name or an id twice, a split that there isn't
                continue
    wanted = "SELECT program, place, name, value FROM parameters"
    for row in _iterate_readable_rows(damaged_connection, wanted, "program"):
        if _is_json(row[3]):
            target.execute(
                "INSERT OR IGNORE INTO parameters SELECT ?1, ?2, ?3, ?4"
                " WHERE EXISTS (SELECT 1 FROM programs WHERE position = ?1)",
                row,
            )
    target.execute("COMMIT")
    target.execute("PRAGMA journal_mode = DELETE")  # everything in the one file
    target.execute("PRAGMA journal_mode = WAL")
    target.close()
    return saved, highest


def _iterate_readable_rows(damaged_connection: sqlite3.Connection, query: str, position_column: str) -> Iterator[tuple]:
    """Every row that can be read, by halving the spans that can't."""
    todo, failed = [(0, MAX_PROGRAM_POSITION)], 0
    while todo and failed < MAX_FAILED_QUERIES:
        low, high = todo.pop()
        try:
            rows = damaged_connection.execute(f"{query} WHERE {position_column} BETWEEN ? AND ?", (low, high)).fetchall()
        except (sqlite3.DatabaseError, OverflowError):
            failed += 1
            if low < high:
                middle = (low + high) // 2
                todo += [(middle + 1, high), (low, middle)]
            continue
        yield from rows


def _read_rows_until_error(damaged_connection: sqlite3.Connection, query: str) -> list[tuple]:
    found, cursor = [], damaged_connection.execute(query)
    try:
        for row in cursor:
            found.append(row)
    except sqlite3.DatabaseError:
        pass
    return found


def _is_valid_program_row(row: tuple) -> bool:
    text = row[6]
    if not isinstance(text, str) or not all(isinstance(row[at], str) for at in (1, 2, 3, 4, 7)):
        return False
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32] == row[1]


def _is_json(value: Any) -> bool:
    try:
        json.loads(value)
    except (TypeError, ValueError):
        return False
    return True


def _preserve_damaged_database(path: Path) -> Path:
    """Put the damaged database beside its place, and its log with it."""
    number = 1
    while (kept := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    os.link(path, kept)
    if Path(f"{path}-wal").exists():
        os.replace(f"{path}-wal", f"{kept}-wal")
    Path(f"{path}-shm").unlink(missing_ok=True)
    return kept
