"""Embeddings in the database: float32 in, the same float32 out."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Sequence

import numpy as np

from core.encoders import concat
from core.errors import EarshotError

_VECTOR_DTYPE = np.dtype("<f4")


class NonFiniteEmbeddingError(EarshotError):
    """An encoder gave values that are not finite: the fault of single items."""


@dataclass(frozen=True, eq=False)
class EmbeddingPairs:
    """Programs whose code and sound are both embedded, row by row.

    Attributes
    ----------
    program_ids : list of str
        Program ids, in the order in which they were added.
    code_embeddings : float32 [n, d1]
    audio_embeddings : float32 [n, d2]
    splits : str [n]
        "train", "validation" or "test".
    """

    program_ids: list[str]
    code_embeddings: np.ndarray
    audio_embeddings: np.ndarray
    splits: np.ndarray

    def __len__(self) -> int:
        return len(self.program_ids)


@dataclass(frozen=True)
class EncoderRow:
    """An encoder that has embedded something in this corpus."""

    key: int
    id: str
    modality: str
    revision: str
    dim: int


def find_encoder(connection: sqlite3.Connection, encoder_id: str) -> EncoderRow | None:
    """What the corpus knows of an encoder; None when it holds nothing of it."""
    row = connection.execute(
        "SELECT key, id, modality, revision, dim FROM encoders WHERE id = ?", (encoder_id,)
    ).fetchone()
    return EncoderRow(*row) if row else None


def count_embeddings(connection: sqlite3.Connection) -> list[tuple[str, str, int]]:
    """(encoder id, modality, number of embeddings), sorted by modality and id."""
    return connection.execute(
        "SELECT id, modality, (SELECT count(*) FROM embeddings WHERE encoder = key)"
        " FROM encoders ORDER BY modality DESC, id"
    ).fetchall()


def put_embeddings(
    connection: sqlite3.Connection,
    encoder_id: str,
    modality: str,
    revision: str,
    program_ids: Sequence[str],
    embeddings: np.ndarray,
) -> None:
    """Store one vector a program, all or none. Runs in the caller's transaction.

    Vectors of another revision of the encoder are dropped: two revisions are
    two spaces, and a corpus that mixed them would look whole.

    Raises
    ------
    EarshotError
        When the matrix has another shape than the ids or the encoder's earlier
        vectors, holds a value that is not finite, or an id is unknown.
    """
    vectors = _validate_embeddings(encoder_id, program_ids, embeddings)
    row = find_encoder(connection, encoder_id)
    if row and row.revision != revision:
        connection.execute("DELETE FROM embeddings WHERE encoder = ?", (row.key,))
        connection.execute("DELETE FROM encoders WHERE key = ?", (row.key,))
        row = None
    if row is None:
        connection.execute(
            "INSERT INTO encoders (id, modality, revision, dim) VALUES (?, ?, ?, ?)",
            (encoder_id, modality, revision, vectors.shape[1]),
        )
        row = find_encoder(connection, encoder_id)
    if row.dim != vectors.shape[1]:
        raise EarshotError(
            f"Vectors of {encoder_id} have {row.dim} dimensions in this corpus,"
            f" these have {vectors.shape[1]}."
        )
    connection.executemany(
        "INSERT OR REPLACE INTO embeddings (encoder, program, vector) VALUES (?, ?, ?)",
        [
            (row.key, position, vector.tobytes())
            for position, vector in zip(find_program_positions(connection, program_ids), vectors)
        ],
    )


def _validate_embeddings(encoder_id: str, program_ids: Sequence[str], embeddings: np.ndarray) -> np.ndarray:
    vectors = np.asarray(embeddings)
    if vectors.ndim != 2 or len(vectors) != len(program_ids) or vectors.shape[1] == 0:
        raise EarshotError(
            f"{encoder_id} gave an array of shape {list(vectors.shape)}"
            f" for {len(program_ids)} programs, not one vector a program."
        )
    if vectors.dtype.kind != "f":
        raise EarshotError(f"{encoder_id} gave {vectors.dtype} values, not floats.")
    with np.errstate(over="ignore"):
        vectors = np.ascontiguousarray(vectors, dtype=_VECTOR_DTYPE)
    finite = np.isfinite(vectors).all(axis=1)
    if not finite.all():
        bad = int(np.argmin(finite))
        raise NonFiniteEmbeddingError(
            f"{encoder_id} gave a vector with values that are not finite"
            f" for {int((~finite).sum())} of {len(vectors)} programs.",
            where=f"program {program_ids[bad]}",
        )
    return vectors


def find_program_positions(connection: sqlite3.Connection, program_ids: Sequence[str]) -> list[int]:
    """Database positions of programs, in the order of `program_ids`.

    Raises
    ------
    EarshotError
        When an id is given twice or the corpus holds no such program.
    """
    if len(set(program_ids)) != len(program_ids):
        raise EarshotError("The same program is given twice.")
    found: dict[str, int] = {}
    for start in range(0, len(program_ids), 500):
        some = list(program_ids[start : start + 500])
        marks = ",".join("?" * len(some))
        found.update(
            connection.execute(f"SELECT id, position FROM programs WHERE id IN ({marks})", some)
        )
    unknown = [program_id for program_id in program_ids if program_id not in found]
    if unknown:
        raise EarshotError(
            f"The corpus holds no program {unknown[0]!r}"
            + (f" nor {len(unknown) - 1} others that were asked for." if unknown[1:] else ".")
        )
    return [found[program_id] for program_id in program_ids]


def list_missing_embeddings(
    connection: sqlite3.Connection, encoder_id: str, modality: str, revision: str | None
) -> list[str]:
    """Ids of programs without this encoder's vector, in insertion order.

    For an audio encoder only programs that have a clip count.
    """
    rows = _find_encoder_parts(connection, encoder_id) or [None]
    revisions = [revision] * len(rows)
    if revision is not None and len(rows) > 1:
        revisions = concat.split_revision(revision)
    keys = [
        row.key if row and wanted in (None, row.revision) else -1
        for row, wanted in zip(rows, revisions, strict=True)
    ]
    heard = " JOIN clips ON clips.program = position AND clips.state = 'ok'"
    there = " AND ".join(
        f"EXISTS (SELECT 1 FROM embeddings WHERE encoder = {key:d} AND program = position)"
        for key in keys
    )
    return [
        program_id
        for (program_id,) in connection.execute(
            f"SELECT id FROM programs{heard if modality == 'audio' else ''}"
            f" WHERE NOT ({there}) ORDER BY position"
        )
    ]


def read_embeddings(
    connection: sqlite3.Connection, encoder_id: str, program_ids: Sequence[str] | None
) -> tuple[list[str], np.ndarray]:
    """An encoder's vectors, as `Corpus.embeddings` returns them."""
    parts = [(row, _read_vectors_by_position(connection, row)) for row in _require_encoder_parts(connection, encoder_id)]
    positions = dict(
        (position, program_id)
        for position, program_id in connection.execute(
            "SELECT position, id FROM programs ORDER BY position"
        )
        if all(position in vectors for _, vectors in parts)
    )
    if program_ids is not None:
        place = {program_id: position for position, program_id in positions.items()}
        lacking = [program_id for program_id in program_ids if program_id not in place]
        if lacking:
            raise EarshotError(
                f"{len(lacking)} of {len(program_ids)} programs have no embedding"
                f" by {encoder_id}, {lacking[0]} for one."
            )
        positions = {place[program_id]: program_id for program_id in program_ids}
    return list(positions.values()), _build_embedding_matrix(parts, list(positions))


def read_embedding_pairs(connection: sqlite3.Connection, code_encoder: str, audio_encoder: str) -> EmbeddingPairs:
    """Code and sound side by side, as `Corpus.pairs` returns them."""
    sides = []
    for encoder_id, modality in ((code_encoder, "code"), (audio_encoder, "audio")):
        rows = _require_encoder_parts(connection, encoder_id)
        for row in rows:
            if row.modality != modality:
                raise EarshotError(f"{row.id} embeds {row.modality}, not {modality}.")
        # One encoder after the other: their vectors lie apart in the file.
        sides.append([(row, _read_vectors_by_position(connection, row)) for row in rows])
    programs = [
        (position, program_id, part)
        for position, program_id, part in connection.execute(
            "SELECT position, id, split FROM programs"
            " JOIN clips ON program = position AND state = 'ok' ORDER BY position"
        )
        if all(position in vectors for side in sides for _, vectors in side)
    ]
    code, audio = (_build_embedding_matrix(side, [position for position, _, _ in programs]) for side in sides)
    return EmbeddingPairs(
        program_ids=[program_id for _, program_id, _ in programs],
        code_embeddings=code,
        audio_embeddings=audio,
        splits=np.array([part for _, _, part in programs], dtype="U10"),
    )


def _find_encoder_parts(connection: sqlite3.Connection, encoder_id: str) -> list[EncoderRow]:
    """The encoders that an id joins, or that id's own; empty when the corpus lacks one of them."""
    single = find_encoder(connection, encoder_id)  # a folder's path may hold the sign that joins
    names = [encoder_id] if single else concat.split_encoder_id(encoder_id)
    found = [find_encoder(connection, name) for name in names]
    return [] if None in found else found


def _require_encoder_parts(connection: sqlite3.Connection, encoder_id: str) -> list[EncoderRow]:
    found = _find_encoder_parts(connection, encoder_id)
    if not found:
        known = ", ".join(name for name, _, _ in count_embeddings(connection)) or "none yet"
        raise EarshotError(
            f"Nothing in this corpus is embedded by {encoder_id!r}; encoders used: {known}."
        )
    return found


def _read_vectors_by_position(connection: sqlite3.Connection, encoder_row: EncoderRow) -> dict[int, bytes]:
    query = "SELECT program, vector FROM embeddings WHERE encoder = ?"
    return dict(connection.execute(query, (encoder_row.key,)))


def _build_embedding_matrix(
    encoder_parts: Sequence[tuple[EncoderRow, dict[int, bytes]]], positions: Sequence[int]
) -> np.ndarray:
    """Vectors of programs, float32 [n, dim]; those of several encoders joined."""
    matrices = []
    for row, vectors in encoder_parts:
        blobs = bytearray().join(vectors[position] for position in positions)
        if len(blobs) != len(positions) * row.dim * _VECTOR_DTYPE.itemsize:
            raise EarshotError(f"A vector of {row.id} has a wrong length: the corpus is damaged.")
        # Over a bytearray, for an array over bytes would be read-only.
        matrix = np.frombuffer(blobs, _VECTOR_DTYPE).reshape(len(positions), row.dim)
        matrices.append(matrix.astype(np.float32, copy=False))
    return matrices[0] if len(matrices) == 1 else concat.concatenate_embeddings(matrices)
