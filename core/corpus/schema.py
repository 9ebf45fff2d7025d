"""The database of a corpus: its tables, its versions, and what can befall it."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sqlite3
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from core.errors import EarshotError

DATABASE_FILE = "corpus.sqlite"
APPLICATION_ID = 0x45415253  # "EARS"
# A 512-d vector is 2 kB: two of them do not fit into the usual page of 4 kB,
# which then stands half empty; seven fit into 16 kB.
PAGE_SIZE_BYTES = 16_384

# What SQLite says when the index of its log finds no room.
NO_SPACE_ERROR_CODES = (sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_FULL)

# Row of `meta` that is new whenever the rest of the database is.
CHANGE_STAMP_KEY = "change_stamp"

# Entry n brings a database from version n to n + 1; never change one that has
# been released, add another.
MIGRATIONS: list[str] = [
    """
    CREATE TABLE meta (
        key TEXT PRIMARY KEY,
        value TEXT NOT NULL                  -- JSON
    ) WITHOUT ROWID;

    CREATE TABLE programs (
        position INTEGER PRIMARY KEY,        -- in the order they were added
        id TEXT NOT NULL UNIQUE CHECK (length(id) = 32),
        name TEXT NOT NULL UNIQUE,
        template TEXT NOT NULL,
        role TEXT NOT NULL,
        seed INTEGER,
        source TEXT NOT NULL,
        split TEXT NOT NULL CHECK (split IN ('train', 'validation', 'test'))
    );
    CREATE INDEX programs_of_template ON programs (template, seed);

    CREATE TABLE parameters (
        program INTEGER NOT NULL REFERENCES programs (position),
        place INTEGER NOT NULL,              -- in the order they were drawn
        name TEXT NOT NULL,
        value TEXT NOT NULL,                 -- JSON: keeps true, 1 and 1.0 apart
        PRIMARY KEY (program, place)
    ) WITHOUT ROWID;

    CREATE TABLE clips (                     -- no row: pending
        program INTEGER PRIMARY KEY REFERENCES programs (position),
        render_id TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('ok', 'failed')),
        file TEXT,                           -- below audio/
        bytes INTEGER,
        sha256 TEXT,
        seconds REAL,
        rms REAL,
        peak REAL,
        render_s REAL NOT NULL,
        warnings TEXT NOT NULL,              -- JSON: [{"kind", "message", "line"}]
        error_kind TEXT,
        error_message TEXT,
        error_line INTEGER,
        CHECK ((state = 'ok') = (file IS NOT NULL)),
        CHECK ((state = 'failed') = (error_kind IS NOT NULL))
    );

    CREATE TABLE encoders (
        key INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        modality TEXT NOT NULL CHECK (modality IN ('code', 'audio')),
        revision TEXT NOT NULL,
        dim INTEGER NOT NULL CHECK (dim > 0)
    );

    CREATE TABLE embeddings (
        encoder INTEGER NOT NULL REFERENCES encoders (key),
        program INTEGER NOT NULL REFERENCES programs (position),
        vector BLOB NOT NULL,                -- dim float32, little-endian
        UNIQUE (encoder, program)
    );
    """
]


@contextmanager
def convert_sqlite_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite says about the database at `path` into an EarshotError.

    Raises
    ------
    EarshotError
        When the file is damaged, is no database, cannot be opened or written,
        or the disk is full. A constraint that fails is a defect of ours and
        goes through as it is.
    """
    try:
        yield
    except sqlite3.IntegrityError:
        raise
    except (sqlite3.OperationalError, OSError) as error:
        raise EarshotError(
            f"The corpus's database cannot be used ({error}).",
            where=str(path),
            remedy="Check that you may read and write there and that the disk is not full.",
        ) from error
    except sqlite3.DatabaseError as error:
        raise EarshotError(
            f"The corpus's database is damaged ({error}).",
            where=str(path),
            remedy=f"./run check {path.parent.name} --repair saves what can be read of it: programs"
            " and settings. Clips are found again, embeddings are made anew.",
        ) from error


def open_connection(path: Path) -> sqlite3.Connection:
    """Open the database at `path` for reading, and for writing if it may be written.

    Statements commit by themselves unless a transaction is begun.
    """
    writable = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
    if writable:
        try:
            return _configure_connection(_open_with_mode(path, "mode=rw"))
        except sqlite3.OperationalError as error:
            # On a full disk there is no room for the log's index; it can be read all the same.
            if error.sqlite_errorcode not in NO_SPACE_ERROR_CODES:
                raise
            return _configure_connection(_open_read_only(path, use_log_index=False))
    return _configure_connection(_open_read_only(path))


def _configure_connection(connection: sqlite3.Connection) -> sqlite3.Connection:
    try:
        # NORMAL: after a power cut the newest rows may be missing, never torn.
        # Their clips are found again by name, embeddings are made anew.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA user_version").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _open_with_mode(path: Path, mode: str) -> sqlite3.Connection:
    address = f"{path.absolute().as_uri()}?{mode}"
    return sqlite3.connect(address, uri=True, isolation_level=None, timeout=30.0)


def _get_file_size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _open_read_only(path: Path, *, use_log_index: bool = True) -> sqlite3.Connection:
    """Open a database that can't be written, with all that was ever committed to it.

    `use_log_index` says whether the index of its log, if it is there, can be used.
    """
    log, index = Path(f"{path}-wal"), Path(f"{path}-shm")
    if not _get_file_size(log):
        # A database in WAL mode wants two files beside it even for reading: where
        # they cannot be made, nobody can be writing either.
        return _open_with_mode(path, "mode=ro&immutable=1")
    # Whoever wrote last was killed: the newest rows lie in the log alone.
    if use_log_index and _get_file_size(index):
        return _open_with_mode(path, "mode=ro")
    # Without its index SQLite won't read a log that it can't write: a copy takes it in.
    with tempfile.TemporaryDirectory(prefix="earshot-") as folder:
        copy = Path(folder) / path.name
        shutil.copyfile(path, copy)
        shutil.copyfile(log, f"{copy}-wal")
        writer = _open_with_mode(copy, "mode=rw")
        writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        writer.close()
        connection = _open_with_mode(copy, "mode=ro&immutable=1")
        connection.execute("PRAGMA user_version").fetchone()  # from here on the file may go
    return connection


def read_schema_version(connection: sqlite3.Connection) -> int:
    """Schema version that the database says it has."""
    return connection.execute("PRAGMA user_version").fetchone()[0]


def update_change_stamp(connection: sqlite3.Connection) -> None:
    """Mark the database as changed. Runs in the caller's transaction.

    The mark is random, not a count: a corpus that was deleted and made anew, or copied and
    changed, must not be taken for the other.
    """
    connection.execute(
        "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)",
        (CHANGE_STAMP_KEY, json.dumps(secrets.token_hex(8))),
    )


def create_database(path: Path, settings: dict[str, str]) -> None:
    """Make an empty database of the newest version, whole or not at all.

    `settings` becomes the rows of the table of that name: JSON by key.
    """
    # Leftovers of a database that someone removed must not be replayed into this one.
    for leftover in (f"{path}-wal", f"{path}-shm"):
        Path(leftover).unlink(missing_ok=True)
    partial = path.with_name(f".partial-{path.name}")
    partial.unlink(missing_ok=True)
    connection = sqlite3.connect(partial, isolation_level=None)
    try:
        connection.execute(f"PRAGMA page_size = {PAGE_SIZE_BYTES}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        _apply_migrations(connection)
        connection.executemany("INSERT INTO meta (key, value) VALUES (?, ?)", settings.items())
        connection.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()
    os.replace(partial, path)


def verify_database(connection: sqlite3.Connection, path: Path) -> None:
    """Check that the database is a corpus's and no newer than this Earshot.

    Raises
    ------
    EarshotError
        When it is not.
    """
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise EarshotError("This database is not a corpus of Earshot's.", where=str(path))
    if read_schema_version(connection) > len(MIGRATIONS):
        raise EarshotError(
            f"The corpus was written by a newer Earshot (version {read_schema_version(connection)},"
            f" this one knows {len(MIGRATIONS)}).",
            where=str(path),
            remedy="Update Earshot.",
        )


def is_outdated(connection: sqlite3.Connection) -> bool:
    """True when the database has an older version than this Earshot's."""
    return read_schema_version(connection) < len(MIGRATIONS)


def migrate_database(connection: sqlite3.Connection, path: Path) -> Path:
    """Bring the database to the newest version, after a backup beside it.

    Returns
    -------
    Path
        The backup: ``corpus.sqlite.v1`` for a database that had version 1.
    """
    backup = path.with_name(f"{path.name}.v{read_schema_version(connection)}")
    partial = path.with_name(f".partial-{backup.name}")
    partial.unlink(missing_ok=True)
    copy = sqlite3.connect(partial)
    try:
        connection.backup(copy)
    finally:
        copy.close()
    os.replace(partial, backup)
    _apply_migrations(connection)
    return backup


def _apply_migrations(connection: sqlite3.Connection) -> None:
    for number in range(read_schema_version(connection), len(MIGRATIONS)):
        try:
            connection.executescript(
                f"BEGIN IMMEDIATE;{MIGRATIONS[number]};PRAGMA user_version = {number + 1};COMMIT;"
            )
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
