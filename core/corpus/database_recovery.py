"""Recover every readable row of a damaged database.

Settings and programs are recovered, in their order and with their split. Clips are registered again
by their file names, and embeddings are computed again, because a changed number in a damaged page
cannot be detected.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.corpus import database_schema
from core.corpus.database_connections_and_transactions import open_database_connection
from core.corpus.writer_lock import WriterLock
from core.errors import EarshotError
from core.file_locks_and_atomic_writes import PARTIAL_PREFIX
from core.programs.program import Program

MAX_PROGRAM_POSITION = 10_000_000
MAX_FAILED_QUERIES = 50_000  # A page holds some hundred rows at most.
_PROGRAM_COLUMNS = "position, id, name, template, role, seed, source, split"


@dataclass(frozen=True)
class RecoveryReport:
    """The result of recovering a damaged database.

    Attributes
    ----------
    recovered_count : int
        Number of recovered programs.
    lost_count : int
        Lower bound of the number of programs that could not be read.
    damaged_copy_path : Path
        Where the damaged database was moved to.
    """

    recovered_count: int
    lost_count: int
    damaged_copy_path: Path

    def __str__(self) -> str:
        lost = f", at least {self.lost_count} are lost" if self.lost_count else ""
        return (
            f"The database was damaged: {self.recovered_count} programs were recovered{lost}."
            f" The damaged file is {self.damaged_copy_path.name}."
        )


def is_database_damaged(path: Path) -> bool:
    """Return whether SQLite reports the database as damaged or cannot read it at all."""
    try:
        connection = open_database_connection(path)
        try:
            answer = connection.execute("PRAGMA integrity_check(1)").fetchone()
            return bool(answer != ("ok",))
        finally:
            connection.close()
    except sqlite3.OperationalError:  # It cannot be opened, which is no damage.
        return False
    except sqlite3.DatabaseError:
        return True


def recover_database(path: Path, lock: WriterLock) -> RecoveryReport | None:
    """Replace a damaged database by a new one with every row that can be read.

    Returns
    -------
    RecoveryReport or None
        None if it was enough to build the indexes again.

    Raises
    ------
    EarshotError
        If too little can be read. Nothing was changed then.
    """
    with lock.hold_writer_lock("recovering a damaged database"):
        if _try_rebuild_database_indexes(path):
            return None
        prefix = f"{PARTIAL_PREFIX}recovery-"
        with tempfile.TemporaryDirectory(prefix=prefix, dir=path.parent) as folder:
            new_path = Path(folder) / database_schema.DATABASE_FILE
            recovered_count, highest_position = _build_recovered_database(path, new_path)
            damaged_copy_path = _preserve_damaged_database(path)
            os.replace(new_path, path)
    lost_count = max(0, highest_position - recovered_count)
    return RecoveryReport(recovered_count, lost_count, damaged_copy_path)


def _build_recovered_database(path: Path, new_path: Path) -> tuple[int, int]:
    """Return the number of recovered programs and the highest position of any program."""
    # SQLite writes to a database and its log when it opens them, so it gets a copy.
    copy = new_path.with_name("damaged")
    for suffix in ("", "-wal"):
        if Path(f"{path}{suffix}").exists():
            shutil.copyfile(f"{path}{suffix}", f"{copy}{suffix}")
    damaged = sqlite3.connect(copy, isolation_level=None)
    try:
        settings = dict(
            _read_rows_until_error(damaged, "SELECT key, value FROM meta WHERE key > ''")
        )
        if not all(_is_valid_json(settings.get(key)) for key in database_schema.REQUIRED_SETTINGS):
            raise _make_unrecoverable_error(path)
        readable_settings = {key: value for key, value in settings.items() if _is_valid_json(value)}
        database_schema.create_database(new_path, readable_settings)
        return _copy_readable_programs(damaged, new_path)
    except sqlite3.DatabaseError as error:
        raise _make_unrecoverable_error(path) from error
    finally:
        damaged.close()


def _make_unrecoverable_error(path: Path) -> EarshotError:
    return EarshotError(
        "Too little of the corpus's database can be read.",
        where=str(path),
        remedy="Move that file away and build the corpus again with the same options. Existing"
        " clips are registered again, embeddings are computed again.",
    )


def _try_rebuild_database_indexes(path: Path) -> bool:
    """Build the indexes again and return whether that repaired the database."""
    try:
        connection = open_database_connection(path)
        try:
            connection.execute("REINDEX")
            answer = connection.execute("PRAGMA integrity_check(1)").fetchone()
            return bool(answer == ("ok",))
        finally:
            connection.close()
    except sqlite3.Error:
        return False


def _copy_readable_programs(damaged: sqlite3.Connection, new_path: Path) -> tuple[int, int]:
    """Copy programs with their parameters.

    Returns
    -------
    copied_count : int
    highest_position : int
        Of all program rows that could be read, valid or not.
    """
    target = sqlite3.connect(new_path, isolation_level=None)
    copied_count = highest_position = 0
    target.execute("BEGIN")
    query = f"SELECT {_PROGRAM_COLUMNS} FROM programs"
    for row in _iterate_readable_rows(damaged, query, "position"):
        highest_position = max(highest_position, row[0])
        if _is_valid_program_row(row):
            try:
                target.execute(
                    f"INSERT INTO programs ({_PROGRAM_COLUMNS}) VALUES (?,?,?,?,?,?,?,?)", row
                )
                copied_count += 1
            except sqlite3.Error:  # A name or id occurs twice, or the split does not exist.
                continue
    query = "SELECT program, place, name, value FROM parameters"
    for row in _iterate_readable_rows(damaged, query, "program"):
        if _is_valid_json(row[3]):
            target.execute(
                "INSERT OR IGNORE INTO parameters SELECT ?1, ?2, ?3, ?4"
                " WHERE EXISTS (SELECT 1 FROM programs WHERE position = ?1)",
                row,
            )
    target.execute("COMMIT")
    target.execute("PRAGMA journal_mode = DELETE")  # Moves the log into the file.
    target.execute("PRAGMA journal_mode = WAL")
    target.close()
    return copied_count, highest_position


def _iterate_readable_rows(
    damaged: sqlite3.Connection, query: str, position_column: str
) -> Iterator[tuple[Any, ...]]:
    """Yield every row that can be read, by halving each range of positions that cannot."""
    ranges, failed_count = [(0, MAX_PROGRAM_POSITION)], 0
    while ranges and failed_count < MAX_FAILED_QUERIES:
        low, high = ranges.pop()
        try:
            rows = damaged.execute(
                f"{query} WHERE {position_column} BETWEEN ? AND ?", (low, high)
            ).fetchall()
        except (sqlite3.DatabaseError, OverflowError):
            failed_count += 1
            if low < high:
                middle = (low + high) // 2
                ranges += [(middle + 1, high), (low, middle)]
            continue
        yield from rows


def _read_rows_until_error(damaged: sqlite3.Connection, query: str) -> list[tuple[Any, Any]]:
    rows, cursor = [], damaged.execute(query)
    try:
        for row in cursor:
            rows.append(row)
    except sqlite3.DatabaseError:
        pass
    return rows


def _is_valid_program_row(row: tuple[Any, ...]) -> bool:
    _, program_id, name, template, role, _, source, split = row
    texts = (program_id, name, template, role, source, split)
    return all(isinstance(text, str) for text in texts) and Program(source, "").id == program_id


def _is_valid_json(value: Any) -> bool:
    try:
        json.loads(value)
    except (TypeError, ValueError):
        return False
    return True


def _preserve_damaged_database(path: Path) -> Path:
    """Link the damaged database to a new name in its folder and move its log there."""
    number = 1
    while (copy := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    os.link(path, copy)
    if Path(f"{path}-wal").exists():
        os.replace(f"{path}-wal", f"{copy}-wal")
    Path(f"{path}-shm").unlink(missing_ok=True)
    return copy
