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

    def __init__(self, folder: Path, name: str):
        self.path = folder / schema.FILE
        self.lock = WriterLock(folder / "writer.lock", f"Corpus '{name}'")
        self._local = threading.local()  # SQLite's connections keep to their thread

    def create(self, meta: dict[str, str]) -> bool:
        """Make it, with nothing in it but the rows of ``meta``; False if it is there.

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
        with self.lock.held("creating it"), schema.explained(self.path):
            if self.path.exists():
                return False
            schema.create(self.path, meta)
        return True

    def open(self) -> None:
        """Check that it can be used; migrate it when its version is an older one."""
        with schema.explained(self.path):
            schema.verify(self._connection, self.path)
            if schema.outdated(self._connection):
                with self.lock.held("migrating it"):
                    schema.migrate(self._connection, self.path)

    def close(self) -> None:
        """Close this thread's connection; reading opens another."""
        connection = self._local.__dict__.pop("connection", None)
        if connection is not None:
            connection.close()

    @property
    def _connection(self) -> sqlite3.Connection:
        if not hasattr(self._local, "connection"):
            self._local.connection = schema.connect(self.path)
        return self._local.connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give one unchanging view for the statements of a block."""
        with schema.explained(self.path):
            connection = self._connection
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    @contextmanager
    def writing(self, holder: str) -> Iterator[sqlite3.Connection]:
        """Commit all of a block's changes or none, under the writer's lock.

        Parameters
        ----------
        holder : str
            What is being done, for another writer's message; not used when
            this thread holds the lock already.
        """
        with self.lock.held(holder), schema.explained(self.path):
            connection = self._connection
            connection.execute("BEGIN IMMEDIATE")
            before = connection.total_changes
            try:
                yield connection
                if connection.total_changes != before:
                    schema.stamp(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
