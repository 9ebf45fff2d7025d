"""The schema of a corpus's database: its tables, versions and migrations."""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from core.errors import EarshotError
from core.file_locks_and_atomic_writes import PARTIAL_PREFIX

DATABASE_FILE = "corpus.sqlite"
APPLICATION_ID = 0x45415253  # "EARS"
# A vector of 512 float32 takes 2 kB. Two do not fit into the default page of 4 kB, which would stay
# half empty; seven fit into 16 kB.
PAGE_SIZE_BYTES = 16_384

CHANGE_STAMP_KEY = "change_stamp"  # of the row of `meta` that every change replaces
REQUIRED_SETTINGS = ("created", "seconds", "seed", "audio_format")

# Entry n migrates a database from version n to n + 1. Add entries, never change a released one.
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


def read_schema_version(connection: sqlite3.Connection) -> int:
    """Return the schema version of the database."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def update_database_change_stamp(connection: sqlite3.Connection) -> None:
    """Replace the change stamp of the database in the caller's transaction.

    The stamp is random and not a count, because a corpus that was deleted and created again, or
    copied and changed, must not be mistaken for the other.
    """
    connection.execute(
        "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)",
        (CHANGE_STAMP_KEY, json.dumps(secrets.token_hex(8))),
    )


def create_database(path: Path, settings: Mapping[str, str]) -> None:
    """Create an empty database of the newest version, whole or not at all.

    Parameters
    ----------
    path : Path
    settings : mapping of str to str
        Rows of the table ``meta``: JSON texts by key.
    """
    # The log of a database that someone removed must not be replayed into this one.
    for leftover in (f"{path}-wal", f"{path}-shm"):
        Path(leftover).unlink(missing_ok=True)
    partial = path.with_name(f"{PARTIAL_PREFIX}{path.name}")
    partial.unlink(missing_ok=True)
    connection = sqlite3.connect(partial, isolation_level=None)
    try:
        connection.execute(f"PRAGMA page_size = {PAGE_SIZE_BYTES}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        _apply_schema_migrations(connection)
        connection.executemany("INSERT INTO meta (key, value) VALUES (?, ?)", settings.items())
        connection.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()
    os.replace(partial, path)


def verify_database_compatibility(connection: sqlite3.Connection, path: Path) -> None:
    """Check that the database belongs to a corpus and is not newer than this Earshot.

    Raises
    ------
    EarshotError
        If it does not or is.
    """
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise EarshotError("This database is not that of an Earshot corpus.", where=str(path))
    if read_schema_version(connection) > len(MIGRATIONS):
        raise EarshotError(
            f"The corpus was written by a newer Earshot (version {read_schema_version(connection)},"
            f" this one supports {len(MIGRATIONS)}).",
            where=str(path),
            remedy="Update Earshot.",
        )


def is_schema_outdated(connection: sqlite3.Connection) -> bool:
    """Return whether the database has an older version than this Earshot writes."""
    return read_schema_version(connection) < len(MIGRATIONS)


def migrate_database(connection: sqlite3.Connection, path: Path) -> Path:
    """Migrate the database to the newest version after a backup into the same folder.

    Returns
    -------
    Path
        The backup: ``corpus.sqlite.v1`` for a database of version 1.
    """
    backup = path.with_name(f"{path.name}.v{read_schema_version(connection)}")
    partial = path.with_name(f"{PARTIAL_PREFIX}{backup.name}")
    partial.unlink(missing_ok=True)
    copy = sqlite3.connect(partial)
    try:
        connection.backup(copy)
    finally:
        copy.close()
    os.replace(partial, backup)
    _apply_schema_migrations(connection)
    return backup


def _apply_schema_migrations(connection: sqlite3.Connection) -> None:
    for number in range(read_schema_version(connection), len(MIGRATIONS)):
        try:
            connection.executescript(
                f"BEGIN IMMEDIATE;{MIGRATIONS[number]};PRAGMA user_version = {number + 1};COMMIT;"
            )
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
