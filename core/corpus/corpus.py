"""A corpus on disk: every way to read it and to write it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from core import workspace
from core.clip_length_limits import DEFAULT_CLIP_SECONDS, MAX_CLIP_SECONDS
from core.corpus import (
    clip_audio_files,
    database_recovery,
    database_schema,
    fault_finding_and_removal,
    program_and_clip_tables,
)
from core.corpus.alignment_store import CorpusAlignments
from core.corpus.audio_shard_store import remove_partial_shards
from core.corpus.clip_cache import get_local_clip_file
from core.corpus.clip_store import ClipStore
from core.corpus.corpus_clip_storing_mixin import CorpusClips
from core.corpus.corpus_embeddings_mixin import CorpusEmbeddings
from core.corpus.database_connections_and_transactions import Database
from core.corpus.database_recovery import RecoveryReport
from core.corpus.fault_finding_and_removal import Fault
from core.corpus.program_split_assignment import CURRENT_SPLIT_RULE, SPLIT_RULE_KEY
from core.errors import EarshotError, find_similarly_spelled_words
from core.programs.program import Program
from core.progress_callback import Progress, ignore_progress
from core.sonicpi.renderer_versions_and_render_id import DEFAULT_SONIC_PI, validate_sonic_pi_choice


def list_corpora() -> list[str]:
    """Return the names of all corpora in the workspace, sorted."""
    folder = workspace.get_corpora_folder()
    if not folder.is_dir():
        return []
    names = (path.parent.name for path in folder.glob(f"*/{database_schema.DATABASE_FILE}"))
    return sorted(name for name in names if workspace.NAME_PATTERN.match(name))


class Corpus(CorpusAlignments, CorpusClips, CorpusEmbeddings):
    """Programs with their clips, embeddings and alignments.

    `Corpus.create` and `Corpus.open` return one. What a method wrote is committed when it returns:
    a process that is killed loses at most the call that it was in. Any number of processes and
    threads read while one writes. Each method that writes takes the writer's lock, and
    `lock_for_writing` holds it over several calls.

    Attributes
    ----------
    name : str
    path : Path
        Its folder, absolute.

    Examples
    --------
    >>> from core.programs.program import Program
    >>> corpus = Corpus.create("example-corpus", seconds=1)
    >>> corpus.add_programs([Program("play 60", "one"), Program("play 62", "two")])
    2
    >>> corpus.count_programs_by_state()
    {'programs': 2, 'ok': 0, 'failed': 0, 'pending': 2}
    >>> Corpus.open("example-corpus").load_programs()["name"].tolist()
    ['one', 'two']
    """

    def __init__(self, name: str):
        self.name = workspace.validate_folder_name(name, "corpus")
        self.path = workspace.get_corpora_folder() / name
        CorpusEmbeddings.__init__(self, Database(self.path, name))
        CorpusClips.__init__(self, ClipStore(self._database, self.path / "audio"))
        CorpusAlignments.__init__(self, self.path / "alignments")

    # -- opening --------------------------------------------------------------------------

    @classmethod
    def create(
        cls,
        name: str,
        exist_ok: bool = False,
        *,
        seconds: float = DEFAULT_CLIP_SECONDS,
        seed: int = 0,
        audio_format: str = "flac",
        sonic_pi: str = DEFAULT_SONIC_PI,
    ) -> Corpus:
        """Create an empty corpus.

        Parameters
        ----------
        name : str
        exist_ok : bool
            Open a corpus of that name if there is one; the other arguments are ignored then.
        seconds : float
            Length of every clip, above 0 and at most 600.
        seed : int
            Seed of the templates that training holds out.
        audio_format : {"flac", "ogg"}
            FLAC stores 16 bits per sample without loss. Ogg Vorbis is lossy and takes about a
            sixth of the space.
        sonic_pi : {"3.2", "5"}
            Version of Sonic Pi whose sound the clips have.

        Raises
        ------
        EarshotError
            If the corpus exists and `exist_ok` is false, or an argument is out of range.
        """
        corpus = cls(name)
        if not 0 < seconds <= MAX_CLIP_SECONDS:
            raise EarshotError(
                f"A clip cannot last {seconds} s.", remedy=f"Use 1 to {MAX_CLIP_SECONDS} seconds."
            )
        if audio_format not in clip_audio_files.AUDIO_FORMATS:
            raise EarshotError(
                f"Clips cannot be stored as {audio_format!r}.",
                remedy=f"Use one of: {', '.join(clip_audio_files.AUDIO_FORMATS)}.",
            )
        settings = {
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": float(seconds),
            "seed": int(seed),
            "audio_format": audio_format,
            "sonic_pi": validate_sonic_pi_choice(sonic_pi),
            SPLIT_RULE_KEY: CURRENT_SPLIT_RULE,
        }
        if corpus._database.create_database_if_missing(
            {key: json.dumps(value) for key, value in settings.items()}
        ):
            return corpus
        if exist_ok:
            return cls.open(name)
        raise EarshotError(
            f"There is a corpus '{name}' already.",
            where=str(corpus.path),
            remedy="Choose another name, or add to that one.",
        )

    @classmethod
    def open(cls, name: str) -> Corpus:
        """Open a corpus and migrate it if it has an older schema version.

        Raises
        ------
        EarshotError
            If there is no corpus of that name (the message names similar ones), its database is
            damaged, or a newer Earshot wrote it.
        """
        corpus = cls(name)
        if not corpus._database.path.is_file():
            names = list_corpora()
            suggestions = find_similarly_spelled_words(name, names) or names[:5]
            raise EarshotError(
                f"There is no corpus '{name}'.",
                where=str(workspace.get_corpora_folder()),
                remedy=f"Did you mean {' or '.join(suggestions)}?"
                if suggestions
                else f"To create it: ./run build {name}",
            )
        corpus._database.verify_and_migrate_database()
        return corpus

    def close(self) -> None:
        """Close the database connection of this thread; the next access opens another."""
        self._database.close_thread_connection()

    @contextmanager
    def lock_for_writing(self, writer_name: str) -> Iterator[None]:
        """Prevent everybody else from writing during the block.

        Parameters
        ----------
        writer_name : str
            The command, as another writer's error message shows it.

        Raises
        ------
        EarshotError
            If another process or thread is writing. The message names it and since when.
        """
        with self._database.writer_lock.hold_writer_lock(writer_name):
            clip_audio_files.remove_partial_clip_files(self._clip_store.folder)
            remove_partial_shards(self.path)
            yield

    # -- settings -------------------------------------------------------------------------

    @property
    def settings(self) -> dict[str, Any]:
        """Settings of the whole corpus, by name.

        Always present: ``created`` (UTC, ISO 8601), ``seconds`` (length of a clip), ``seed`` (of
        the templates that training holds out), ``audio_format``, ``sonic_pi`` (version whose sound
        the clips have), ``schema_version``.
        """
        with self._database.open_read_transaction() as connection:
            rows = connection.execute(
                "SELECT key, value FROM meta WHERE key != ?", (database_schema.CHANGE_STAMP_KEY,)
            )
            settings = {key: json.loads(value) for key, value in rows}
            # Corpora of earlier versions do not record the version of Sonic Pi.
            settings.setdefault("sonic_pi", DEFAULT_SONIC_PI)
            return {**settings, "schema_version": database_schema.read_schema_version(connection)}

    @property
    def change_stamp(self) -> str:
        """Text that changes whenever anything in the corpus does: what a cache is keyed by.

        It covers programs, clips, embeddings and settings, and alignments with their metrics, maps
        and disagreement pairs. Reading it costs one row and one small file, so a page can do that
        on every run.
        """
        with self._database.open_read_transaction() as connection:
            row = connection.execute(
                "SELECT value FROM meta WHERE key = ?", (database_schema.CHANGE_STAMP_KEY,)
            ).fetchone()
        database_stamp = json.loads(row[0]) if row else ""
        try:
            alignments_stamp = self._alignments_stamp_path.read_text(encoding="utf-8")
        except FileNotFoundError:  # No alignment has been saved yet.
            alignments_stamp = ""
        return f"{database_stamp}-{alignments_stamp}"

    def set_corpus_setting(self, key: str, value: Any) -> None:
        """Store a JSON value under a name."""
        with self._database.open_write_transaction("changing a setting") as connection:
            connection.execute(
                "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, json.dumps(value))
            )

    # -- programs -------------------------------------------------------------------------

    def add_programs(
        self, programs: Iterable[Program], origin: Mapping[str, str] | None = None
    ) -> int:
        """Add programs and return the number of new ones.

        A program whose source the corpus has already is skipped, whatever its name. If another
        program has the same name, ``.2``, ``.3`` … is appended.
        `core.corpus.program_split_assignment` assigns new programs to the splits.

        Parameters
        ----------
        programs : iterable of Program
        origin : mapping, optional
            Where they came from: "from", "licence" and "when". The setting ``imports`` lists each
            origin with its number of programs.
        """
        seed = self.settings["seed"]
        with self._database.open_write_transaction("adding programs") as connection:
            added = program_and_clip_tables.add_programs(connection, programs, seed)
            if added and origin is not None:
                program_and_clip_tables.record_import_origin(connection, origin, added)
            return added

    def load_programs(self) -> pd.DataFrame:
        """Load all programs in the order in which they were added.

        Returns
        -------
        DataFrame
            program (id), name, template, role, seed, source, parameters (dict),
            state ("pending", "ok", "failed"), error_kind, error_message,
            error_line, warnings (list of dict: kind, message, line, and seconds if an error
            ended a thread), seconds,
            rms, peak, audio (absolute path), split. Missing texts and integers are None, missing
            measurements NaN.
        """
        with self._database.open_read_transaction() as connection:
            return program_and_clip_tables.load_programs(connection, self._clip_store.folder)

    def load_program(self, program_id: str) -> dict[str, Any]:
        """Load one program, with the columns of `load_programs` as keys.

        Raises
        ------
        EarshotError
            If there is no program of that id.
        """
        return self.load_programs_by_ids([program_id])[0]

    def load_programs_by_ids(self, program_ids: Iterable[str]) -> list[dict[str, Any]]:
        """Load these programs in this order, each as `load_program` returns it.

        Raises
        ------
        EarshotError
            If there is no program of one of the ids.
        """
        folder = self._clip_store.folder
        with self._database.open_read_transaction() as connection:
            return [
                program_and_clip_tables.load_program(connection, folder, program_id)
                for program_id in program_ids
            ]

    def count_programs_by_state(self) -> dict[str, int]:
        """Return the number of all programs ("programs") and of those "ok", "failed", "pending"."""
        with self._database.open_read_transaction() as connection:
            return program_and_clip_tables.count_programs_by_state(connection)

    def count_failures_by_kind(self) -> dict[str, int]:
        """Return the number of failed programs by kind of error, most frequent first."""
        with self._database.open_read_transaction() as connection:
            return program_and_clip_tables.count_failures_by_kind(connection)

    # -- clips ----------------------------------------------------------------------------

    def get_clip_path(self, program_id: str) -> Path:
        """Return the file of a program's clip, fetched from the audio store if needed.

        Raises
        ------
        EarshotError
            If the program has no clip, or it cannot be fetched. The message gives the reason.
        """
        row = self.load_program(program_id)
        if row["audio"] is None:
            reason = row["error_message"] or "it has not been rendered yet"
            raise EarshotError(f"Program {row['name']} has no clip: {reason}")
        return get_local_clip_file(row["audio"])

    # -- faults ---------------------------------------------------------------------------

    @classmethod
    def recover_database_if_damaged(cls, name: str) -> RecoveryReport | None:
        """Recover every readable row of a corpus whose database is damaged.

        Returns
        -------
        RecoveryReport or None
            None if nothing but its indexes was damaged.

        Raises
        ------
        EarshotError
            If too little of it can be read.
        """
        corpus = cls(name)
        path = corpus._database.path
        if not path.is_file() or not database_recovery.is_database_damaged(path):
            return None
        return database_recovery.recover_database(path, corpus._database.writer_lock)

    def find_corpus_faults(self, progress: Progress = ignore_progress) -> list[Fault]:
        """Find everything that is wrong in the corpus, reading each clip and embedding once."""
        with self._database.open_read_transaction() as connection:
            faults = fault_finding_and_removal.find_database_faults(
                connection
            ) + fault_finding_and_removal.find_setting_faults(connection)
            if faults:  # Results about the rest would not be reliable.
                return faults
            faults += fault_finding_and_removal.find_program_faults(connection)
            faults += fault_finding_and_removal.find_embedding_faults(connection)
        faults += fault_finding_and_removal.find_clip_file_faults(
            self._database, self._clip_store.folder, progress
        )
        faults += fault_finding_and_removal.find_audio_store_faults(self.audio_store, progress)
        return faults + fault_finding_and_removal.find_alignment_faults(self, progress)

    def remove_faulty_data(self, faults: Sequence[Fault]) -> None:
        """Remove faulty files and embeddings, so that they can be built again."""
        with self._database.open_write_transaction("repairing") as connection:
            fault_finding_and_removal.remove_faulty_data(
                connection, self._clip_store.folder, faults, self.audio_store
            )
