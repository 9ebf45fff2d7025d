"""A corpus on disk, and every way to read and to write it."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from core import workspace
from core.corpus import clip_files, embedding_table, integrity, program_table, recovery, schema
from core.corpus.alignments import AlignmentRecord, AlignmentStore
from core.corpus.clips import ClipStore
from core.corpus.database import Database
from core.corpus.embedding_table import EmbeddingPairs
from core.corpus.integrity import Fault
from core.corpus.recovery import RecoveryReport
from core.errors import EarshotError, find_close_matches
from core.programs.program import Program
from core.progress import Progress, ignore_progress
from core.sonicpi.clip import Clip, RenderResult

if TYPE_CHECKING:
    import torch

DEFAULT_CLIP_SECONDS = 18.0


def list_corpora() -> list[str]:
    """Names of the workspace's corpora, sorted."""
    folder = workspace.get_corpora_folder()
    if not folder.is_dir():
        return []
    found = (path.parent.name for path in folder.glob(f"*/{schema.DATABASE_FILE}"))
    return sorted(name for name in found if workspace.NAME_PATTERN.match(name))


class Corpus:
    """Programs with their clips, embeddings and alignments.

    Made by `Corpus.create` and `Corpus.open`. Whatever returns has been
    committed: a process that is killed loses at most the call it was in. Any
    number of processes and threads read while one writes; each method that
    writes takes the writer's lock, and `writing` keeps it over several.

    Attributes
    ----------
    name : str
    path : Path
        Its folder, absolute.
    """

    def __init__(self, name: str):
        self.name = workspace.validate_name(name, "corpus")
        self.path = workspace.get_corpora_folder() / name
        self._database = Database(self.path, name)
        self._clip_store = ClipStore(self._database, self.path / "audio")
        self._alignment_store = AlignmentStore(self.path / "alignments")

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
    ) -> Corpus:
        """Make an empty corpus.

        Parameters
        ----------
        name : str
        exist_ok : bool
            Open a corpus of that name if there is one; the other arguments
            are then not looked at.
        seconds : float
            Length of every clip, above 0 and at most 600.
        seed : int
            Decides the split.
        audio_format : {"flac", "ogg"}
            FLAC keeps 16 bits a sample as they are, Ogg Vorbis is about a sixth of its
            size and lossy.

        Raises
        ------
        EarshotError
            When it exists and `exist_ok` is false, or an argument is out of range.
        """
        corpus = cls(name)
        if not 0 < seconds <= 600:
            raise EarshotError(f"A clip cannot last {seconds} s.", remedy="Use 1 to 600 seconds.")
        if audio_format not in clip_files.AUDIO_FORMATS:
            raise EarshotError(
                f"Clips cannot be kept as {audio_format!r}.",
                remedy=f"Use one of: {', '.join(clip_files.AUDIO_FORMATS)}.",
            )
        settings = {
            "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "seconds": float(seconds),
            "seed": int(seed),
            "audio_format": audio_format,
        }
        if corpus._database.create_if_missing(
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
        """Open a corpus; bring it to the newest schema version if it has an older one.

        Raises
        ------
        EarshotError
            When there is none of that name (the message names near ones), or
            its database is damaged or a newer Earshot's.
        """
        corpus = cls(name)
        if not corpus._database.path.is_file():
            known = list_corpora()
            near = find_close_matches(name, known) or known[:5]
            raise EarshotError(
                f"There is no corpus '{name}'.",
                where=str(workspace.get_corpora_folder()),
                remedy=f"Did you mean {' or '.join(near)}? "
                if near
                else f"To make it: ./run build {name}",
            )
        corpus._database.verify_and_migrate()
        return corpus

    def close(self) -> None:
        """Close this thread's connection; reading opens another."""
        self._database.close()

    @contextmanager
    def lock_for_writing(self, writer_name: str) -> Iterator[None]:
        """Keep everybody else from writing for as long as the block lasts.

        Parameters
        ----------
        writer_name : str
            The command, as another writer's error message shows it.

        Raises
        ------
        EarshotError
            When another process or thread is writing; says which and since when.
        """
        with self._database.writer_lock.acquire(writer_name):
            clip_files.remove_partial_clips(self._clip_store.folder)
            yield

    # -- settings -------------------------------------------------------------------------

    @property
    def settings(self) -> dict[str, Any]:
        """What holds for the whole corpus.

        Always: ``created`` (UTC, ISO 8601), ``seconds`` (of a clip), ``seed``
        (of the split), ``audio_format``, ``schema_version``.
        """
        with self._database.open_read_transaction() as connection:
            found = dict(
                connection.execute(
                    "SELECT key, value FROM meta WHERE key != ?", (schema.CHANGE_STAMP_KEY,)
                )
            )
            version = schema.read_schema_version(connection)
        return {**{key: json.loads(found[key]) for key in found}, "schema_version": version}

    @property
    def change_stamp(self) -> str:
        """Text that changes whenever anything in the corpus does: what a cache is keyed by.

        It covers programs, clips, embeddings and settings, and alignments with their metrics, maps
        and disagreement pairs. Reading it costs one row and one small file, so a page can do that
        on every run.
        """
        with self._database.open_read_transaction() as connection:
            row = connection.execute(
                "SELECT value FROM meta WHERE key = ?", (schema.CHANGE_STAMP_KEY,)
            ).fetchone()
        database_stamp = json.loads(row[0]) if row else ""
        return f"{database_stamp}-{self._alignment_store.change_stamp}"

    def set_setting(self, key: str, value: Any) -> None:
        """Keep a JSON value under a name."""
        with self._database.open_write_transaction("changing a setting") as connection:
            connection.execute(
                "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, json.dumps(value))
            )

    # -- programs -------------------------------------------------------------------------

    def add_programs(
        self, programs: Iterable[Program], origin: Mapping[str, str] | None = None
    ) -> int:
        """Add programs; return how many were new.

        A source that is there already is passed over, whatever its name. A name
        that another program has gets ``.2``, ``.3`` … at its end. New programs
        are dealt to the split as `core.corpus.split` says.

        Parameters
        ----------
        programs : iterable of Program
        origin : mapping, optional
            Where they came from: "from", "licence" and "when". The setting ``imports``
            keeps it with how many they were, in one entry for equal "from" and "licence".
        """
        seed = self.settings["seed"]
        with self._database.open_write_transaction("adding programs") as connection:
            added = program_table.add_programs(connection, programs, seed)
            if added and origin is not None:
                program_table.record_import_origin(connection, origin, added)
            return added

    def load_programs(self) -> pd.DataFrame:
        """All programs in the order in which they were added.

        Returns
        -------
        DataFrame
            program (id), name, template, role, seed, source, parameters (dict),
            state ("pending", "ok", "failed"), error_kind, error_message,
            error_line, warnings (list of dict: kind, message, line), seconds,
            rms, peak, audio (absolute path), split. Missing texts and integers
            are None, missing measurements NaN.
        """
        with self._database.open_read_transaction() as connection:
            return program_table.load_programs(connection, self._clip_store.folder)

    def load_program(self, program_id: str) -> dict[str, Any]:
        """One program, with the columns of `programs` as keys."""
        with self._database.open_read_transaction() as connection:
            return program_table.load_program(connection, self._clip_store.folder, program_id)

    def count_programs_by_state(self) -> dict[str, int]:
        """Number of programs: in all ("programs"), "ok", "failed", "pending"."""
        with self._database.open_read_transaction() as connection:
            return program_table.count_programs_by_state(connection)

    def count_failures_by_kind(self) -> dict[str, int]:
        """Number of failed programs by kind of error, most frequent first."""
        with self._database.open_read_transaction() as connection:
            return program_table.count_failures_by_kind(connection)

    # -- clips ----------------------------------------------------------------------------

    def list_pending_clips(self) -> list[tuple[str, str]]:
        """(program id, source) of programs to render, in insertion order.

        Those are programs that were never rendered, whose clip has vanished or
        changed its size on disk, or that failed in a way that another try can
        mend: because of the machine, or in an older renderer. Clips of an older
        renderer are kept.
        """
        return self._clip_store.list_pending_clips()

    def put_rendering(
        self, program_id: str, rendering: RenderResult, seconds: float
    ) -> Clip | None:
        """Keep what came of rendering a program: first its clip, then the fact.

        Returns
        -------
        Clip or None
            The clip as its file holds it, which is what is to be embedded.
            None when the program failed.
        """
        return self._clip_store.put_rendering(program_id, rendering, seconds)

    def register_existing_clip(self, program_id: str, seconds: float) -> Clip | None:
        """Take a program's clip that lies at its place already, if it is whole.

        Returns
        -------
        Clip or None
            None when there is no such file, or it is damaged.
        """
        return self._clip_store.register_existing_clip(program_id, seconds)

    def get_clip_path(self, program_id: str) -> Path:
        """The file of a program's clip.

        Raises
        ------
        EarshotError
            When the program has none; says why.
        """
        row = self.load_program(program_id)
        if row["audio"] is None:
            why = row["error_message"] or "it has not been rendered yet"
            raise EarshotError(f"Program {row['name']} has no clip: {why}")
        return Path(row["audio"])

    # -- embeddings -----------------------------------------------------------------------

    def list_missing_embeddings(self, encoder_id: str, revision: str | None = None) -> list[str]:
        """Ids of programs that this encoder has still to embed, in insertion order.

        Of a code encoder's all programs, of an audio encoder's those with a clip.

        Parameters
        ----------
        encoder_id : str
            Of encoders joined by "+", programs that lack any of the parts.
        revision : str, optional
            Vectors of another revision count as missing.
        """
        modality = self._get_modality(encoder_id)
        with self._database.open_read_transaction() as connection:
            return embedding_table.list_missing_embeddings(
                connection, encoder_id, modality, revision
            )

    def put_embeddings(
        self,
        encoder_id: str,
        revision: str,
        program_ids: Sequence[str],
        embeddings: np.ndarray,
    ) -> None:
        """Keep one vector a program, all of them or none.

        Parameters
        ----------
        encoder_id, revision : str
            Vectors of another revision of this encoder are dropped.
        program_ids : sequence of str
        embeddings : float [n, dim]
            Row i belongs to program i; kept as float32.

        Raises
        ------
        EarshotError
            When a value is not finite, the shape is wrong, or a program is
            unknown or given twice.
        """
        modality = self._get_modality(encoder_id)
        with self._database.open_write_transaction("embedding") as connection:
            embedding_table.put_embeddings(
                connection, encoder_id, modality, revision, program_ids, embeddings
            )

    def _get_modality(self, encoder_id: str) -> str:
        with self._database.open_read_transaction() as connection:
            row = embedding_table.find_encoder(connection, encoder_id)
        if row:
            return row.modality
        from core.encoders import find_encoder_spec

        return find_encoder_spec(encoder_id).modality

    def load_embeddings(
        self, encoder_id: str, program_ids: Sequence[str] | None = None
    ) -> tuple[list[str], np.ndarray]:
        """An encoder's vectors.

        Parameters
        ----------
        encoder_id : str
        program_ids : sequence of str, optional
            Only these, in this order. Default: all, in insertion order.

        Returns
        -------
        list of str
            Program ids, a row each.
        float32 [n, dim]
        """
        with self._database.open_read_transaction() as connection:
            return embedding_table.read_embeddings(connection, encoder_id, program_ids)

    def load_embedding_pairs(self, code_encoder: str, audio_encoder: str) -> EmbeddingPairs:
        """Code and sound of all programs that have a clip and both embeddings."""
        with self._database.open_read_transaction() as connection:
            return embedding_table.read_embedding_pairs(connection, code_encoder, audio_encoder)

    def list_encoders(self) -> list[tuple[str, str, int]]:
        """(encoder id, modality, number of embeddings), code first."""
        with self._database.open_read_transaction() as connection:
            return embedding_table.count_embeddings(connection)

    def get_encoder_revision(self, encoder_id: str) -> str | None:
        """Revision of the encoder whose embeddings are kept; None when there are none."""
        with self._database.open_read_transaction() as connection:
            row = embedding_table.find_encoder(connection, encoder_id)
        return row.revision if row else None

    # -- faults ---------------------------------------------------------------------------

    @classmethod
    def recover_if_damaged(cls, name: str) -> RecoveryReport | None:
        """Save what can be read of a corpus whose database is damaged.

        Returns
        -------
        Salvage or None
            None when it isn't damaged, or no more than its indexes was.

        Raises
        ------
        EarshotError
            When too little of it can be read.
        """
        corpus = cls(name)
        path = corpus._database.path
        if not path.is_file() or not recovery.is_damaged(path):
            return None
        return recovery.recover_database(path, corpus._database.writer_lock)

    def find_faults(self, progress: Progress = ignore_progress) -> list[Fault]:
        """Everything that is wrong in the corpus; reads each clip and each vector once."""
        with self._database.open_read_transaction() as connection:
            faults = integrity.find_database_faults(connection) + integrity.find_setting_faults(
                connection
            )
            if faults:  # no statement about the rest could be relied on
                return faults
            faults += integrity.find_program_faults(connection)
            faults += integrity.find_embedding_faults(connection)
        faults += integrity.find_clip_faults(self._database, self._clip_store.folder, progress)
        return faults + integrity.find_alignment_faults(self, progress)

    def remove_faulty_data(self, faults: Sequence[Fault]) -> None:
        """Remove what is damaged or strange, so that it can be made again."""
        with self._database.open_write_transaction("repairing") as connection:
            integrity.remove_faulty_data(connection, self._clip_store.folder, faults)

    # -- alignments -----------------------------------------------------------------------

    def load_alignments(self) -> list[AlignmentRecord]:
        """All alignments, oldest first."""
        return [
            self._alignment_store.load(alignment_id)
            for alignment_id in self._alignment_store.list_ids()
        ]

    def list_alignment_ids(self) -> list[str]:
        """Ids of all alignments, oldest first; no file of theirs is read."""
        return self._alignment_store.list_ids()

    def save_alignment(
        self,
        config: Mapping[str, Any],
        heads: Mapping[str, torch.Tensor],
        metrics: Mapping[str, Any],
        history: pd.DataFrame,
        points: pd.DataFrame | None = None,
    ) -> str:
        """Keep a trained alignment, with its map if there is one already; return its id."""
        return self._alignment_store.save(config, heads, metrics, history, points)

    def save_metrics(self, alignment_id: str, metrics: Mapping[str, Any]) -> None:
        """Keep what an alignment was judged to reach, in place of what was kept before."""
        self._alignment_store.save_metrics(alignment_id, metrics)

    def load_alignment(self, alignment_id: str) -> AlignmentRecord:
        """The alignment of that id; EarshotError when there is none."""
        return self._alignment_store.load(alignment_id)

    def load_newest_alignment(self) -> AlignmentRecord | None:
        """The alignment that was saved last; None before the first."""
        ids = self._alignment_store.list_ids()
        return self._alignment_store.load(ids[-1]) if ids else None

    def save_map(self, alignment_id: str, points: pd.DataFrame) -> Path:
        """Keep the map of an alignment, in place of an older one."""
        return self._alignment_store.save_map(alignment_id, points)

    def load_map(self, alignment_id: str) -> pd.DataFrame | None:
        """The map's points; None before one was made."""
        return self._alignment_store.load(alignment_id).load_map()
