"""The database of a corpus: connections, transactions, and the lock of its writer."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from core.corpus import database_schema
from core.corpus.writer_lock import WriterLock
from core.errors import EarshotError


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
            self.writer_lock.acquire_lock("creating the database"),
            database_schema.convert_sqlite_errors(self.path),
        ):
            if self.path.exists():
                return False
            database_schema.create_database(self.path, settings)
        return True

    def verify_and_migrate_database(self) -> None:
        """Check that this is a usable database of a corpus, and migrate an older version."""
        with database_schema.convert_sqlite_errors(self.path):
            database_schema.verify_database_compatibility(self._connection, self.path)
            if database_schema.is_schema_outdated(self._connection):
                with self.writer_lock.acquire_lock("migrating the database"):
                    database_schema.migrate_database(self._connection, self.path)

    def close(self) -> None:
        """Close the connection of this thread; the next access opens another."""
        connection = self._thread_local.__dict__.pop("connection", None)
        if connection is not None:
            connection.close()

    @property
    def _connection(self) -> sqlite3.Connection:
        if not hasattr(self._thread_local, "connection"):
            self._thread_local.connection = database_schema.open_database_connection(self.path)
        connection: sqlite3.Connection = self._thread_local.connection
        return connection

    @contextmanager
    def open_read_transaction(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection that sees one unchanging state for the whole block."""
        with database_schema.convert_sqlite_errors(self.path):
            connection = self._connection
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
            self.writer_lock.acquire_lock(writer_name),
            database_schema.convert_sqlite_errors(self.path),
        ):
            connection = self._connection
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
