"""The database of a corpus: connections, transactions, error messages and the writer's lock."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from core.corpus import database_schema
from core.corpus.writer_lock import WriterLock
from core.errors import EarshotError

# SQLite reports these when there is no room for the index of its log.
NO_SPACE_ERROR_CODES = (sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_FULL)


class Database:
    """The file ``corpus.sqlite`` of one corpus, which many read while one writes.

    Parameters
    ----------
    corpus_folder : Path
    corpus_name : str
        For messages.
    """

    def __init__(self, corpus_folder: Path, corpus_name: str):
        self.path = corpus_folder / database_schema.DATABASE_FILE
        self.writer_lock = WriterLock(corpus_folder / "writer.lock", f"Corpus '{corpus_name}'")
        # A connection of SQLite belongs to the thread that opened it.
        self._thread_local = threading.local()

    def create_database_if_missing(self, settings: Mapping[str, str]) -> bool:
        """Create an empty database with these settings unless there is one.

        Parameters
        ----------
        settings : mapping of str to str
            JSON texts by key.

        Returns
        -------
        bool
            Whether the database was created.

        Raises
        ------
        EarshotError
            If it cannot be written.
        """
        if self.path.exists():  # Checked before locking, because a build may hold the lock.
            return False
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EarshotError(
                f"The corpus cannot be created ({error.strerror}).", where=str(self.path.parent)
            ) from error
        with (
            self.writer_lock.hold_writer_lock("creating the database"),
            convert_sqlite_errors(self.path),
        ):
            if self.path.exists():
                return False
            database_schema.create_database(self.path, settings)
        return True

    def verify_and_migrate_database(self) -> None:
        """Check that this is a usable database of a corpus, and migrate an older version."""
        with convert_sqlite_errors(self.path):
            database_schema.verify_database_compatibility(
                self._connection_of_current_thread, self.path
            )
            if database_schema.is_schema_outdated(self._connection_of_current_thread):
                with self.writer_lock.hold_writer_lock("migrating the database"):
                    database_schema.migrate_database(self._connection_of_current_thread, self.path)

    def close_thread_connection(self) -> None:
        """Close the connection of this thread; the next access opens another."""
        connection = self._thread_local.__dict__.pop("connection", None)
        if connection is not None:
            connection.close()

    @property
    def _connection_of_current_thread(self) -> sqlite3.Connection:
        if not hasattr(self._thread_local, "connection"):
            self._thread_local.connection = open_database_connection(self.path)
        connection: sqlite3.Connection = self._thread_local.connection
        return connection

    @contextmanager
    def open_read_transaction(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection that sees one unchanging state for the whole block."""
        with convert_sqlite_errors(self.path):
            connection = self._connection_of_current_thread
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    @contextmanager
    def open_write_transaction(self, writer_name: str) -> Iterator[sqlite3.Connection]:
        """Yield a connection whose changes in the block are committed together or not at all.

        Parameters
        ----------
        writer_name : str
            The command, as another writer's error message shows it. Not used if this thread
            holds the lock already.

        Raises
        ------
        EarshotError
            If another process or thread is writing.
        """
        with (
            self.writer_lock.hold_writer_lock(writer_name),
            convert_sqlite_errors(self.path),
        ):
            connection = self._connection_of_current_thread
            connection.execute("BEGIN IMMEDIATE")
            changes_before = connection.total_changes
            try:
                yield connection
                if connection.total_changes != changes_before:
                    database_schema.update_database_change_stamp(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise


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
        if not path.parent.exists():
            raise EarshotError(
                f"Corpus '{path.parent.name}' no longer exists.",
                remedy="It was deleted or renamed by another command or page.",
            ) from error
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
            return _configure_database_connection(_open_database_with_mode(path, "mode=rw"))
        except sqlite3.OperationalError as error:
            # A full disk has no room for the index of the log, but the file can still be read.
            if error.sqlite_errorcode not in NO_SPACE_ERROR_CODES:
                raise
            return _configure_database_connection(
                _open_database_read_only(path, use_log_index=False)
            )
    return _configure_database_connection(_open_database_read_only(path))


def _configure_database_connection(connection: sqlite3.Connection) -> sqlite3.Connection:
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


def _get_database_file_size(path: Path) -> int:
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
    if not _get_database_file_size(log):
        # A database in WAL mode needs two files beside it even for reading. Where they cannot be
        # created, nobody can be writing either, so the file can be read as unchanging.
        return _open_database_with_mode(path, "mode=ro&immutable=1")
    # The last writer was killed: the newest rows are in the log only.
    if use_log_index and _get_database_file_size(index):
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
