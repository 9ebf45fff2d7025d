"""Find everything that can be wrong in a corpus, and remove what is."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.corpus import database_schema
from core.corpus.audio_shard_store import AudioStore
from core.corpus.database_connections_and_transactions import Database
from core.corpus.encoder_and_embedding_tables import VECTOR_DTYPE
from core.corpus.legacy_saved_names import translate_legacy_grammar_name
from core.encoders.imported_embeddings_spec import is_imported_encoder
from core.errors import EarshotError
from core.file_locks_and_atomic_writes import PARTIAL_PREFIX
from core.programs.program import Program
from core.progress_callback import Progress, ignore_progress

if TYPE_CHECKING:
    from core.corpus.corpus import Corpus

CLIPS_PROGRESS_STEP = "Checking clips"
ALIGNMENTS_PROGRESS_STEP = "Checking alignments"
EMBEDDING_BATCH_SIZE = 2000

# Description of each kind of fault, and whether removing the faulty data and building it again
# repairs it.
FAULT_KINDS = {
    "database": ("the database is inconsistent", False),
    "source": ("the program's code was changed", False),
    "alignment": ("the alignment is damaged", False),
    "alignment name": ("the folder is ignored, because it was renamed", False),
    "missing clip": ("the clip's file is missing", True),
    "damaged clip": ("the clip's file is not what was written", True),
    "not rendered": ("the program was never rendered", True),
    "damaged embedding": ("the embedding has a wrong length or is not finite", True),
    "orphaned embedding": ("the embedding belongs to a program that has no clip", True),
    "missing embedding": ("the embedding is missing", True),
    "missing shard": ("the shard is missing from the audio store", True),
    "damaged shard": ("the shard does not hold the clip that was written", True),
    "orphaned file": ("the file belongs to no program", True),
    "incomplete file": ("the file was never finished", True),
}


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong in a corpus.

    Attributes
    ----------
    kind : str
        A key of `FAULT_KINDS`.
    where : str
        A file below the corpus's folder, the name of a program, or the id of an alignment.
    program_id : str or None
        Program that it concerns.
    encoder_id : str or None
        Encoder that it concerns.
    detail : str
        More about the fault, or "".
    """

    kind: str
    where: str
    program_id: str | None = None
    encoder_id: str | None = None
    detail: str = ""

    @property
    def is_repairable(self) -> bool:
        """Whether ``check --repair`` repairs it."""
        return FAULT_KINDS[self.kind][1]

    def __str__(self) -> str:
        encoder = f" ({self.encoder_id})" if self.encoder_id else ""
        detail = f": {self.detail}" if self.detail else ""
        where = translate_legacy_grammar_name(self.where)
        return f"{where}{encoder}: {FAULT_KINDS[self.kind][0]}{detail}"


def find_database_faults(connection: sqlite3.Connection) -> list[Fault]:
    """Find what SQLite reports itself: damaged pages and indexes, rows without their parent row."""
    messages = [row[0] for row in connection.execute("PRAGMA integrity_check(20)")]
    messages = [message for message in messages if message != "ok"]
    messages += [
        f"row {row} of {table} refers to nothing"
        for table, row, *_ in connection.execute("PRAGMA foreign_key_check")
    ]
    return [Fault("database", "corpus.sqlite", detail=message) for message in messages]


def find_program_faults(connection: sqlite3.Connection) -> list[Fault]:
    """Find programs whose code does not match their id or whose parameters are not JSON."""
    rows = connection.execute("SELECT id, name, source FROM programs")
    faults = [
        Fault("source", name, program_id)
        for program_id, name, source in rows
        if Program(source, name).id != program_id
    ]
    rows = connection.execute(
        "SELECT DISTINCT id, programs.name FROM parameters JOIN programs ON position = program"
        " WHERE NOT json_valid(value)"
    )
    return faults + [Fault("source", name, key, detail="parameters") for key, name in rows]


def find_clip_file_faults(
    database: Database, clips_folder: Path, progress: Progress = ignore_progress
) -> Iterator[Fault]:
    """Find clips that are missing or differ from what was written, and files without a program."""
    files = (path for path in clips_folder.rglob("*") if not path.is_dir())
    present_files = {str(path.relative_to(clips_folder)) for path in files}
    with database.open_read_transaction() as connection:
        rows = connection.execute(
            "SELECT id, name, state, file, bytes, sha256 FROM programs"
            " LEFT JOIN clips ON clips.program = position ORDER BY position"
        ).fetchall()
    store = AudioStore.open(clips_folder.parent)
    stored_hashes = store.index.load_clip_hashes() if store else {}
    progress(CLIPS_PROGRESS_STEP, 0, len(rows))
    for done, (program_id, name, state, file, size_bytes, sha256) in enumerate(rows, 1):
        if state is None:
            yield Fault("not rendered", name, program_id)
        elif state == "ok" and (file in present_files or stored_hashes.get(file) != sha256):
            damage = _find_file_damage(clips_folder / file, size_bytes, sha256)
            if damage:
                kind = "missing clip" if file not in present_files else "damaged clip"
                yield Fault(kind, f"audio/{file}", program_id, detail=damage)
        progress(CLIPS_PROGRESS_STEP, done, len(rows))
    # Read again, because a clip that was written meanwhile has a row by now.
    with database.open_read_transaction() as connection:
        recorded = connection.execute("SELECT file FROM clips WHERE file NOT NULL")
        recorded_files = {file for (file,) in recorded}
    for file in sorted(present_files - recorded_files):
        if os.path.lexists(clips_folder / file):
            is_incomplete = Path(file).name.startswith(PARTIAL_PREFIX)
            yield Fault("incomplete file" if is_incomplete else "orphaned file", f"audio/{file}")


def find_audio_store_faults(
    store: AudioStore | None, progress: Progress = ignore_progress
) -> Iterator[Fault]:
    """Find shards that are missing and clips that are damaged in one, reading each shard once."""
    for damage in store.find_shard_damage(progress) if store else ():
        if damage.relative_path is None:
            yield Fault("missing shard", damage.shard_name)
        else:
            yield Fault("damaged shard", damage.shard_name, detail=f"audio/{damage.relative_path}")


def _find_file_damage(path: Path, expected_bytes: int, expected_sha256: str) -> str:
    """Return what is wrong with a file, or "" if nothing is."""
    try:
        size_bytes = path.stat().st_size
        if size_bytes != expected_bytes:
            return f"{size_bytes} bytes instead of {expected_bytes}"
        with path.open("rb") as handle:
            sha256 = hashlib.file_digest(handle, "sha256").hexdigest()
        return "" if sha256 == expected_sha256 else "its hash differs"
    except OSError as error:
        return error.strerror or str(error)


def find_embedding_faults(connection: sqlite3.Connection) -> Iterator[Fault]:
    """Find embeddings that are damaged, orphaned or missing.

    It is unknown which programs an imported table should have embedded, so none are missing there.
    """
    encoders = connection.execute("SELECT key, id, modality, dim FROM encoders").fetchall()
    for key, encoder_id, modality, dim in encoders:
        is_imported = is_imported_encoder(encoder_id)
        cursor = connection.execute(
            "SELECT programs.id, name, coalesce(state, ''), vector FROM embeddings"
            " JOIN programs ON position = embeddings.program"
            " LEFT JOIN clips ON clips.program = position WHERE encoder = ?",
            (key,),
        )
        while batch := cursor.fetchmany(EMBEDDING_BATCH_SIZE):
            for program_id, name, state, vector in batch:
                if not _is_vector_valid(vector, dim):
                    yield Fault("damaged embedding", name, program_id, encoder_id)
                elif modality == "audio" and state != "ok" and not is_imported:
                    yield Fault("orphaned embedding", name, program_id, encoder_id)
        if is_imported:
            continue
        clip_join = " JOIN clips ON clips.program = position AND state = 'ok'"
        missing = connection.execute(
            f"SELECT programs.id, name FROM programs{clip_join if modality == 'audio' else ''}"
            " WHERE position NOT IN (SELECT program FROM embeddings WHERE encoder = ?)"
            " ORDER BY position",
            (key,),
        )
        for program_id, name in missing.fetchall():
            yield Fault("missing embedding", name, program_id, encoder_id)


def _is_vector_valid(vector: bytes, dim: int) -> bool:
    return len(vector) == dim * VECTOR_DTYPE.itemsize and bool(
        np.isfinite(np.frombuffer(vector, VECTOR_DTYPE)).all()
    )


def find_setting_faults(connection: sqlite3.Connection) -> list[Fault]:
    """Find required settings that are missing or not JSON."""
    settings = dict(connection.execute("SELECT key, value FROM meta"))
    faults = []
    for key in database_schema.REQUIRED_SETTINGS:
        try:
            json.loads(settings[key])
        except (KeyError, ValueError):
            faults.append(Fault("database", "corpus.sqlite", detail=f"no setting {key!r}"))
    return faults


def find_alignment_faults(corpus: Corpus, progress: Progress = ignore_progress) -> list[Fault]:
    """Find alignments with a file that is missing or cannot be read."""
    faults = []
    alignment_ids = corpus.list_alignment_ids()
    for done, alignment_id in enumerate(alignment_ids):
        progress(ALIGNMENTS_PROGRESS_STEP, done, len(alignment_ids))
        try:
            record = corpus.load_alignment(alignment_id)
            (
                record.load_projection_head_weights(),
                record.load_training_history(),
                record.load_alignment_map_points(),
            )
        except EarshotError as error:
            faults.append(Fault("alignment", f"alignments/{alignment_id}", detail=error.message))
    faults += [
        Fault(
            "alignment name",
            f"alignments/{name}",
            detail="an alignment's folder is called NUMBER-HASH, such as 0003-5f1c09ab",
        )
        for name in corpus.list_misnamed_alignment_folders()
    ]
    progress(ALIGNMENTS_PROGRESS_STEP, len(alignment_ids), len(alignment_ids))
    return faults


def remove_faulty_data(
    connection: sqlite3.Connection,
    clips_folder: Path,
    faults: Iterable[Fault],
    store: AudioStore | None = None,
) -> None:
    """Remove faulty files and embeddings, so that they can be built again.

    Runs in the caller's transaction. The row of a damaged clip stays: if rendering gives the same
    clip again, its embeddings are still valid.
    """
    for fault in faults:
        if fault.kind in ("damaged clip", "orphaned file", "incomplete file"):
            (clips_folder / fault.where.removeprefix("audio/")).unlink(missing_ok=True)
        elif fault.kind == "missing shard" and store:
            store.index.remove_shard(fault.where)
        elif fault.kind == "damaged shard" and store:
            store.index.remove_clips([fault.detail.removeprefix("audio/")])
        elif fault.kind in ("damaged embedding", "orphaned embedding"):
            connection.execute(
                "DELETE FROM embeddings WHERE program = (SELECT position FROM programs"
                " WHERE id = ?) AND encoder = (SELECT key FROM encoders WHERE id = ?)",
                (fault.program_id, fault.encoder_id),
            )
        elif fault.kind == "database":
            connection.execute("REINDEX")
