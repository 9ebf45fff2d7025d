"""The schema of a corpus's database: tables, versions, connections and error messages."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from core.errors import EarshotError
from core.workspace import PARTIAL_PREFIX

DATABASE_FILE = "corpus.sqlite"
APPLICATION_ID = 0x45415253  # "EARS"
# A vector of 512 float32 takes 2 kB. Two do not fit into the default page of 4 kB, which would stay
# half empty; seven fit into 16 kB.
PAGE_SIZE_BYTES = 16_384

# SQLite reports these when there is no room for the index of its log.
NO_SPACE_ERROR_CODES = (sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_FULL)

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


@contextmanager
def convert_sqlite_errors(path: Path) -> Iterator[None]:
    """Convert the errors of SQLite in the block into an EarshotError about `path`.

    A violated constraint is a defect of Earshot and is not converted.

    Raises
    ------
    EarshotError
        If the file is damaged, is not a database, cannot be opened or written, or the disk is
        full.
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
            remedy=f"./run check {path.parent.name} --repair recovers every readable row: programs"
            " and settings. Existing clips are registered again, embeddings are computed again.",
        ) from error


def open_database_connection(path: Path) -> sqlite3.Connection:
    """Open the database at `path` for reading, and for writing if permissions allow it.

    Each statement is committed at once unless a transaction was begun.
    """
    writable = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
    if writable:
        try:
            return _configure_connection(_open_database_with_mode(path, "mode=rw"))
        except sqlite3.OperationalError as error:
            # A full disk has no room for the index of the log, but the file can still be read.
            if error.sqlite_errorcode not in NO_SPACE_ERROR_CODES:
                raise
            return _configure_connection(_open_database_read_only(path, use_log_index=False))
    return _configure_connection(_open_database_read_only(path))


def _configure_connection(connection: sqlite3.Connection) -> sqlite3.Connection:
    try:
        # NORMAL: after a power cut the newest rows may be missing but are never incomplete. Their
        # clips are registered again by name, and their embeddings are computed again.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA user_version").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _open_database_with_mode(path: Path, mode: str) -> sqlite3.Connection:
    address = f"{path.absolute().as_uri()}?{mode}"
    return sqlite3.connect(address, uri=True, isolation_level=None, timeout=30.0)


def _get_file_size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _open_database_read_only(path: Path, *, use_log_index: bool = True) -> sqlite3.Connection:
    """Open a database that cannot be written, with everything that was committed to it.

    Parameters
    ----------
    path : Path
    use_log_index : bool
        Whether the index of its log can be used, if there is one.
    """
    log, index = Path(f"{path}-wal"), Path(f"{path}-shm")
    if not _get_file_size(log):
        # A database in WAL mode needs two files beside it even for reading. Where they cannot be
        # created, nobody can be writing either, so the file can be read as unchanging.
        return _open_database_with_mode(path, "mode=ro&immutable=1")
    # The last writer was killed: the newest rows are in the log only.
    if use_log_index and _get_file_size(index):
        return _open_database_with_mode(path, "mode=ro")
    # Without its index SQLite does not read a log that it cannot write, so it gets a copy.
    with tempfile.TemporaryDirectory(prefix="earshot-") as folder:
        copy = Path(folder) / path.name
        shutil.copyfile(path, copy)
        shutil.copyfile(log, f"{copy}-wal")
        writer = _open_database_with_mode(copy, "mode=rw")
        writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        writer.close()
        connection = _open_database_with_mode(copy, "mode=ro&immutable=1")
        connection.execute(
            "PRAGMA user_version"
        ).fetchone()  # The file may be removed from here on.
    return connection


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
