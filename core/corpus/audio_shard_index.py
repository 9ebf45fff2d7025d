"""The index of an audio store: in which shard, and where in it, each clip lies."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from core.corpus.database_connections_and_transactions import open_database_connection
from core.errors import EarshotError

INDEX_FILE = "audio_store.sqlite"
MAX_QUERY_VARIABLES = 500
_SCHEMA = """
    CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE shards (
        key INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        bytes INTEGER NOT NULL
    );
    CREATE TABLE clips (
        file TEXT PRIMARY KEY,               -- below audio/
        shard INTEGER NOT NULL REFERENCES shards (key),
        offset INTEGER NOT NULL,             -- of the clip's file in the shard
        bytes INTEGER NOT NULL,
        sha256 TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX clips_of_shard ON clips (shard);
"""


class StoredClip(NamedTuple):
    """Where a clip's file lies in the store.

    Attributes
    ----------
    relative_path : str
        Path of the clip below the folder of clips.
    shard_name : str
    offset, size_bytes : int
        Range of bytes in the shard.
    sha256 : str
    """

    relative_path: str
    shard_name: str
    offset: int
    size_bytes: int
    sha256: str


class AudioStoreIndex:
    """The file ``audio_store.sqlite`` of one corpus.

    It is a database of its own, so that it survives the loss of the corpus's database.

    Parameters
    ----------
    corpus_folder : Path
    file_name : str
    """

    def __init__(self, corpus_folder: Path, file_name: str = INDEX_FILE):
        self.path = corpus_folder / file_name

    def exists(self) -> bool:
        """Return whether the corpus has an audio store."""
        return self.path.is_file()

    def create(self, settings: dict[str, str]) -> None:
        """Create an empty index; replace an existing one."""
        self.path.unlink(missing_ok=True)
        with closing(sqlite3.connect(self.path)) as connection:
            connection.executescript(_SCHEMA)
            connection.executemany("INSERT INTO settings VALUES (?, ?)", settings.items())
            connection.commit()

    def read_settings(self) -> dict[str, str]:
        """Return the settings by name."""
        with self._open_transaction("BEGIN") as connection:
            return dict(connection.execute("SELECT key, value FROM settings"))

    def write_setting(self, key: str, value: str) -> None:
        """Store a setting."""
        with self._open_transaction("BEGIN IMMEDIATE") as connection:
            connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (key, value))

    def add_shard(self, name: str, size_bytes: int, clips: Iterable[StoredClip]) -> None:
        """Record a finished shard and its clips; a clip of another shard moves to this one."""
        with self._open_transaction("BEGIN IMMEDIATE") as connection:
            connection.execute(
                "INSERT INTO shards (name, bytes) VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET bytes = excluded.bytes",
                (name, size_bytes),
            )
            (key,) = connection.execute("SELECT key FROM shards WHERE name = ?", (name,)).fetchone()
            connection.executemany(
                "INSERT OR REPLACE INTO clips VALUES (?, ?, ?, ?, ?)",
                [(clip.relative_path, key, *clip[2:]) for clip in clips],
            )

    def remove_clips(self, relative_paths: Iterable[str]) -> None:
        """Remove clips from the index; their bytes stay in the shards."""
        with self._open_transaction("BEGIN IMMEDIATE") as connection:
            connection.executemany(
                "DELETE FROM clips WHERE file = ?", [(path,) for path in relative_paths]
            )

    def remove_shard(self, name: str) -> None:
        """Remove a shard and its clips from the index."""
        with self._open_transaction("BEGIN IMMEDIATE") as connection:
            query = "(SELECT key FROM shards WHERE name = ?)"
            connection.execute(f"DELETE FROM clips WHERE shard = {query}", (name,))
            connection.execute("DELETE FROM shards WHERE name = ?", (name,))

    def find_clips(self, relative_paths: Sequence[str]) -> dict[str, StoredClip]:
        """Return the clips among these paths that are in the store, by path."""
        rows: list[StoredClip] = []
        with self._open_transaction("BEGIN") as connection:
            for start in range(0, len(relative_paths), MAX_QUERY_VARIABLES):
                block = relative_paths[start : start + MAX_QUERY_VARIABLES]
                marks = ", ".join("?" * len(block))
                rows += _select_stored_clips_by_path(connection, f"file IN ({marks})", block)
        return {clip.relative_path: clip for clip in rows}

    def load_clip_hashes(self) -> dict[str, str]:
        """Return the SHA-256 of every clip in the store by its path."""
        with self._open_transaction("BEGIN") as connection:
            return dict(connection.execute("SELECT file, sha256 FROM clips"))

    def load_clip_sizes(self) -> dict[str, int]:
        """Return the size in bytes of every clip in the store by its path."""
        with self._open_transaction("BEGIN") as connection:
            return dict(connection.execute("SELECT file, bytes FROM clips"))

    def list_shards(self) -> list[tuple[str, int]]:
        """Return (name, size in bytes) of each shard, in the order of writing."""
        with self._open_transaction("BEGIN") as connection:
            return connection.execute("SELECT name, bytes FROM shards ORDER BY key").fetchall()

    def list_clips_of_shard(self, shard_name: str) -> list[StoredClip]:
        """Return the clips of a shard in their order."""
        with self._open_transaction("BEGIN") as connection:
            return sorted(
                _select_stored_clips_by_path(connection, "shards.name = ?", (shard_name,)),
                key=lambda clip: clip.offset,
            )

    def count_shards(self) -> int:
        """Return the number of shards."""
        with self._open_transaction("BEGIN") as connection:
            return int(connection.execute("SELECT count(*) FROM shards").fetchone()[0])

    @contextmanager
    def _open_transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        try:
            with closing(open_database_connection(self.path)) as connection:
                # A clip's local file may be removed after the commit, so the row must be durable.
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute(begin)
                yield connection
                connection.execute("COMMIT")
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as error:
            raise EarshotError(
                f"The index of the audio store cannot be used ({error}).",
                where=str(self.path),
                remedy="Check that the disk is not full and that you may write there. If the file"
                " is damaged, restore it from a backup, or remove it and build the corpus with the"
                " same --audio-store: clips in its shards are found again.",
            ) from error


def _select_stored_clips_by_path(
    connection: sqlite3.Connection, condition: str, values: Sequence[str]
) -> list[StoredClip]:
    rows = connection.execute(
        "SELECT file, shards.name, offset, clips.bytes, sha256 FROM clips"
        f" JOIN shards ON shards.key = shard WHERE {condition}",
        tuple(values),
    )
    return [StoredClip(*row) for row in rows]
