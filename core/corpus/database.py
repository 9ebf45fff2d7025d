"""Reading and writing a corpus's database: many read while one writes."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from core.corpus import schema
from core.corpus.writer_lock import WriterLock
from core.errors import EarshotError


class Database:
    """The file ``corpus.sqlite`` of one corpus, and the lock of its writer.

    Parameters
    ----------
    folder : Path
        The corpus's.
    name : str
        The corpus's, for messages.
    """

    def __init__(self, corpus_folder: Path, corpus_name: str):
        self.path = corpus_folder / schema.DATABASE_FILE
        self.writer_lock = WriterLock(corpus_folder / "writer.lock", f"Corpus '{corpus_name}'")
        self._thread_local = threading.local()  # SQLite's connections keep to their thread

    def create_if_missing(self, settings: dict[str, str]) -> bool:
        """Make it, with nothing in it but the rows of ``settings``; False if it is there.

        Raises
        ------
        EarshotError
            When it cannot be written there.
        """
        if self.path.exists():  # asked before locking: a build may be going on in it
            return False
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EarshotError(
                f"The corpus cannot be made ({error.strerror}).", where=str(self.path.parent)
            ) from error
        with self.writer_lock.acquire("creating it"), schema.convert_sqlite_errors(self.path):
            if self.path.exists():
                return False
            schema.create_database(self.path, settings)
        return True

    def verify_and_migrate(self) -> None:
        """Check that it can be used; migrate it when its version is an older one."""
        with schema.convert_sqlite_errors(self.path):
            schema.verify_database(self._connection, self.path)
            if schema.is_outdated(self._connection):
                with self.writer_lock.acquire("migrating it"):
                    schema.migrate_database(self._connection, self.path)

    def close(self) -> None:
        """Close this thread's connection; reading opens another."""
        connection = self._thread_local.__dict__.pop("connection", None)
        if connection is not None:
            connection.close()

    @property
    def _connection(self) -> sqlite3.Connection:
        if not hasattr(self._thread_local, "connection"):
            self._thread_local.connection = schema.open_connection(self.path)
        return self._thread_local.connection

    @contextmanager
    def open_read_transaction(self) -> Iterator[sqlite3.Connection]:
        """Give one unchanging view for the statements of a block."""
        with schema.convert_sqlite_errors(self.path):
            connection = self._connection
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    @contextmanager
    def open_write_transaction(self, writer_name: str) -> Iterator[sqlite3.Connection]:
        """Commit all of a block's changes or none, under the writer's lock.

        Parameters
        ----------
        writer_name : str
            What is being done, for another writer's message; not used when
            this thread holds the lock already.
        """
        with self.writer_lock.acquire(writer_name), schema.convert_sqlite_errors(self.path):
            connection = self._connection
            connection.execute("BEGIN IMMEDIATE")
            before = connection.total_changes
            try:
                yield connection
                if connection.total_changes != before:
                    schema.update_change_stamp(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
