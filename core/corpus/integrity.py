"""Looking for everything that can be wrong in a corpus, and clearing away what is."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, Iterator

import numpy as np

from core.corpus import clip_files
from core.corpus.database import Database
from core.encoders.imported import is_imported_encoder
from typing import TYPE_CHECKING

from core.errors import EarshotError
from core.progress import Progress, ignore_progress

if TYPE_CHECKING:
    from core.corpus.corpus import Corpus


CLIPS_PROGRESS_STEP = "Checking clips"
ALIGNMENTS_PROGRESS_STEP = "Checking alignments"
VECTOR_DTYPE = np.dtype("<f4")
VECTOR_BATCH_SIZE = 2000  # vectors looked at together

# What each kind of fault is called, and whether clearing and making anew mends it.
FAULT_KINDS = {
    "database": ("the database is inconsistent", False),
    "source": ("the program's code was changed", False),
    "alignment": ("the alignment is damaged", False),
    "missing clip": ("the clip's file is gone", True),
    "damaged clip": ("the clip's file is not what was written", True),
    "not rendered": ("the program was never rendered", True),
    "damaged vector": ("the embedding has a wrong length or is not finite", True),
    "stray vector": ("the embedding is of a program that has no clip", True),
    "missing vector": ("the embedding is missing", True),
    "stray file": ("the file belongs to no program", True),
    "half a file": ("the file was never finished", True),
}


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong in a corpus.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    where : str
        A file below the corpus's folder, a program's name, an alignment's id.
    program_id : str or None
        Id of the program that it concerns.
    encoder_id : str or None
        Id of the encoder that it concerns.
    detail : str
        What was found, where there is more to say.
    """

    kind: str
    where: str
    program_id: str | None = None
    encoder_id: str | None = None
    detail: str = ""

    @property
    def is_repairable(self) -> bool:
        """Whether `--repair` makes it good."""
        return FAULT_KINDS[self.kind][1]

    def __str__(self) -> str:
        by = f" ({self.encoder_id})" if self.encoder_id else ""
        return f"{self.where}{by}: {FAULT_KINDS[self.kind][0]}{f': {self.detail}' if self.detail else ''}"


def find_database_faults(connection: sqlite3.Connection) -> list[Fault]:
    """What SQLite itself finds: pages, indexes, rows that refer to nothing."""
    found = [row[0] for row in connection.execute("PRAGMA integrity_check(20)")]
    faults = [Fault("database", "corpus.sqlite", detail=text) for text in found if text != "ok"]
    return faults + [
        Fault("database", "corpus.sqlite", detail=f"row {row} of {table} refers to nothing")
        for table, row, *_ in connection.execute("PRAGMA foreign_key_check")
    ]


def find_program_faults(connection: sqlite3.Connection) -> list[Fault]:
    """Programs whose code is not what their id says, or whose parameters are no JSON."""
    faults = []
    for program_id, name, source in connection.execute("SELECT id, name, source FROM programs"):
        if hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()[:32] != program_id:
            faults.append(Fault("source", name, program_id))
    bad = connection.execute(
        "SELECT DISTINCT id, programs.name FROM parameters JOIN programs ON position = program"
        " WHERE NOT json_valid(value)"
    )
    return faults + [Fault("source", name, each, detail="parameters") for each, name in bad]


def find_clip_faults(database: Database, clips_folder: Path, progress: Progress = ignore_progress) -> Iterator[Fault]:
    """Clips that are missing or differ in any bit from what was written; strange files."""
    present = {str(path.relative_to(clips_folder)) for path in clips_folder.rglob("*") if not path.is_dir()}
    with database.open_read_transaction() as connection:
        rows = connection.execute(
            "SELECT id, name, state, file, bytes, sha256 FROM programs"
            " LEFT JOIN clips ON clips.program = position ORDER BY position"
        ).fetchall()
    progress(CLIPS_PROGRESS_STEP, 0, len(rows))
    for done, (program_id, name, state, file, size, digest) in enumerate(rows, 1):
        if state is None:
            yield Fault("not rendered", name, program_id)
        elif state == "ok":
            trouble = _describe_file_damage(clips_folder / file, size, digest)
            if trouble:
                kind = "missing clip" if file not in present else "damaged clip"
                yield Fault(kind, f"audio/{file}", program_id, detail=trouble)
        progress(CLIPS_PROGRESS_STEP, done, len(rows))
    # Asked again: what was written while this ran belongs to somebody by now.
    with database.open_read_transaction() as connection:
        known = {
            file for (file,) in connection.execute("SELECT file FROM clips WHERE file NOT NULL")
        }
    for file in sorted(present - known):
        if os.path.lexists(clips_folder / file):
            half = Path(file).name.startswith(clip_files.PARTIAL_PREFIX)
            yield Fault("half a file" if half else "stray file", f"audio/{file}")


def _describe_file_damage(path: Path, expected_bytes: int, expected_sha256: str) -> str:
    try:
        found = path.stat().st_size
        if found != expected_bytes:
            return f"{found} bytes instead of {expected_bytes}"
        with path.open("rb") as handle:
            same = hashlib.file_digest(handle, "sha256").hexdigest() == expected_sha256
        return "" if same else "its hash is another"
    except OSError as error:
        return error.strerror or str(error)


def find_embedding_faults(connection: sqlite3.Connection) -> Iterator[Fault]:
    """Embeddings that are damaged, that should not be there, or that are missing.

    Of vectors that were imported nobody knows which there should be.
    """
    encoders = connection.execute("SELECT key, id, modality, dim FROM encoders").fetchall()
    for key, encoder, modality, dim in encoders:
        cursor = connection.execute(
            "SELECT programs.id, name, coalesce(state, ''), vector FROM embeddings"
            " JOIN programs ON position = embeddings.program"
            " LEFT JOIN clips ON clips.program = position WHERE encoder = ?",
            (key,),
        )
        while block := cursor.fetchmany(VECTOR_BATCH_SIZE):
            for program_id, name, state, vector in block:
                if not _is_vector_valid(vector, dim):
                    yield Fault("damaged vector", name, program_id, encoder)
                elif modality == "audio" and state != "ok" and not is_imported_encoder(encoder):
                    yield Fault("stray vector", name, program_id, encoder)
        if is_imported_encoder(encoder):
            continue
        heard = " JOIN clips ON clips.program = position AND state = 'ok'"
        lacking = connection.execute(
            f"SELECT programs.id, name FROM programs{heard if modality == 'audio' else ''}"
            " WHERE position NOT IN (SELECT program FROM embeddings WHERE encoder = ?)"
            " ORDER BY position",
            (key,),
        )
        for program_id, name in lacking.fetchall():
            yield Fault("missing vector", name, program_id, encoder)


def _is_vector_valid(vector: bytes, dim: int) -> bool:
    return len(vector) == dim * VECTOR_DTYPE.itemsize and bool(
        np.isfinite(np.frombuffer(vector, VECTOR_DTYPE)).all()
    )


def find_setting_faults(connection: sqlite3.Connection) -> list[Fault]:
    """Settings that every corpus has and this one lacks, or that are no JSON."""
    found = dict(connection.execute("SELECT key, value FROM meta"))
    faults = []
    for key in ("created", "seconds", "seed", "audio_format"):
        try:
            json.loads(found[key])
        except (KeyError, ValueError):
            faults.append(Fault("database", "corpus.sqlite", detail=f"no setting {key!r}"))
    return faults


def find_alignment_faults(corpus: "Corpus", progress: Progress = ignore_progress) -> list[Fault]:
    """Alignments with a file that is missing or cannot be read."""
    faults = []
    ids = corpus.list_alignment_ids()
    for done, alignment_id in enumerate(ids):
        progress(ALIGNMENTS_PROGRESS_STEP, done, len(ids))
        try:
            record = corpus.load_alignment(alignment_id)
            record.load_heads(), record.load_history(), record.load_map()
        except EarshotError as error:
            faults.append(Fault("alignment", f"alignments/{alignment_id}", detail=error.message))
    progress(ALIGNMENTS_PROGRESS_STEP, len(ids), len(ids))
    return faults


def remove_faulty_data(connection: sqlite3.Connection, clips_folder: Path, faults: Iterable[Fault]) -> None:
    """Remove what is wrong, so that what is missing can be made again.

    Runs in the caller's transaction. The row of a damaged clip stays: should the
    clip come out the same again, what was embedded of it still holds.
    """
    for fault in faults:
        if fault.kind in ("damaged clip", "stray file", "half a file"):
            (clips_folder / fault.where.removeprefix("audio/")).unlink(missing_ok=True)
        elif fault.kind in ("damaged vector", "stray vector"):
            connection.execute(
                "DELETE FROM embeddings WHERE program = (SELECT position FROM programs"
                " WHERE id = ?) AND encoder = (SELECT key FROM encoders WHERE id = ?)",
                (fault.program_id, fault.encoder_id),
            )
        elif fault.kind == "database":
            connection.execute("REINDEX")
