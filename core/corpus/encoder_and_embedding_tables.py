"""The tables of encoders and their embeddings: float32 in, the same float32 out."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.encoders import concatenated_encoders
from core.encoders.encoder_spec import split_concat_revision
from core.encoders.encoder_spec_lookup import find_concat_weights
from core.errors import EarshotError

VECTOR_DTYPE = np.dtype("<f4")
_MAX_IDS_PER_QUERY = 500
_MISSING_ENCODER_KEY = -1  # No row of the table has it.


class NonFiniteEmbeddingError(EarshotError):
    """An encoder returned values that are not finite for some of its items."""


@dataclass(frozen=True, eq=False)
class EmbeddingPairs:
    """Code and audio embeddings of the programs that have both, row by row.

    Attributes
    ----------
    program_ids : list of str
        In the order in which the programs were added.
    code_embeddings : array, float32 [n, d1]
    audio_embeddings : array, float32 [n, d2]
    splits : array of str [n]
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
    """An encoder that has embeddings in the corpus."""

    key: int
    id: str
    modality: str
    revision: str
    dim: int


# An encoder, or a part of a concatenation, with its vectors by program position.
_EncoderVectors = tuple[EncoderRow, dict[int, bytes]]


def find_encoder_row(connection: sqlite3.Connection, encoder_id: str) -> EncoderRow | None:
    """Return the row of an encoder; None if the corpus has no embeddings by it."""
    row = connection.execute(
        "SELECT key, id, modality, revision, dim FROM encoders WHERE id = ?", (encoder_id,)
    ).fetchone()
    return EncoderRow(*row) if row else None


def count_embeddings_by_encoder(connection: sqlite3.Connection) -> list[tuple[str, str, int]]:
    """Return (encoder id, modality, number of embeddings), sorted by modality and id."""
    return connection.execute(
        "SELECT id, modality, (SELECT count(*) FROM embeddings WHERE encoder = key)"
        " FROM encoders ORDER BY modality DESC, id"
    ).fetchall()


def store_embeddings(
    connection: sqlite3.Connection,
    encoder_id: str,
    modality: str,
    revision: str,
    program_ids: Sequence[str],
    embeddings: np.ndarray,
) -> None:
    """Store one embedding per program, all or none, in the caller's transaction.

    Embeddings of another revision of the encoder are deleted: two revisions have two different
    spaces, and nothing would show that a corpus mixes them.

    Raises
    ------
    EarshotError
        If the number or dimension of the embeddings does not fit, a value is not finite, or a
        program is unknown or given twice.
    """
    vectors = _validate_embeddings(encoder_id, program_ids, embeddings)
    row = find_encoder_row(connection, encoder_id)
    if row and row.revision != revision:
        delete_encoder(connection, row)
        row = None
    if row is None:
        row = _insert_encoder_row(connection, encoder_id, modality, revision, vectors.shape[1])
    if row.dim != vectors.shape[1]:
        raise EarshotError(
            f"Embeddings by {encoder_id} have {row.dim} dimensions in this corpus,"
            f" these have {vectors.shape[1]}."
        )
    positions = find_program_positions(connection, program_ids)
    connection.executemany(
        "INSERT OR REPLACE INTO embeddings (encoder, program, vector) VALUES (?, ?, ?)",
        [(row.key, position, vector.tobytes()) for position, vector in zip(positions, vectors)],
    )


def delete_encoder(connection: sqlite3.Connection, row: EncoderRow) -> None:
    """Delete an encoder and its embeddings, in the caller's transaction."""
    connection.execute("DELETE FROM embeddings WHERE encoder = ?", (row.key,))
    connection.execute("DELETE FROM encoders WHERE key = ?", (row.key,))


def _insert_encoder_row(
    connection: sqlite3.Connection, encoder_id: str, modality: str, revision: str, dim: int
) -> EncoderRow:
    cursor = connection.execute(
        "INSERT INTO encoders (id, modality, revision, dim) VALUES (?, ?, ?, ?)",
        (encoder_id, modality, revision, dim),
    )
    assert cursor.lastrowid is not None  # The key is the table's INTEGER PRIMARY KEY.
    return EncoderRow(cursor.lastrowid, encoder_id, modality, revision, dim)


def _validate_embeddings(
    encoder_id: str, program_ids: Sequence[str], embeddings: np.ndarray
) -> np.ndarray:
    vectors = np.asarray(embeddings)
    if vectors.ndim != 2 or len(vectors) != len(program_ids) or vectors.shape[1] == 0:
        raise EarshotError(
            f"{encoder_id} returned an array of shape {list(vectors.shape)}"
            f" for {len(program_ids)} programs, not one vector per program."
        )
    if vectors.dtype.kind != "f":
        raise EarshotError(f"{encoder_id} returned {vectors.dtype} values, not floats.")
    with np.errstate(over="ignore"):  # An overflow is infinite and is reported as such.
        vectors = np.ascontiguousarray(vectors, dtype=VECTOR_DTYPE)
    is_finite = np.isfinite(vectors).all(axis=1)
    if not is_finite.all():
        first_bad_row = int(np.argmin(is_finite))
        raise NonFiniteEmbeddingError(
            f"{encoder_id} returned a vector with values that are not finite"
            f" for {int((~is_finite).sum())} of {len(vectors)} programs.",
            where=f"program {program_ids[first_bad_row]}",
        )
    return vectors


def find_program_positions(connection: sqlite3.Connection, program_ids: Sequence[str]) -> list[int]:
    """Return the positions of programs in the database, in the order of `program_ids`.

    Raises
    ------
    EarshotError
        If an id is given twice or the corpus has no such program.
    """
    if len(set(program_ids)) != len(program_ids):
        raise EarshotError("The same program is given twice.")
    positions: dict[str, int] = {}
    for start in range(0, len(program_ids), _MAX_IDS_PER_QUERY):
        batch = list(program_ids[start : start + _MAX_IDS_PER_QUERY])
        marks = ",".join("?" * len(batch))
        positions.update(
            connection.execute(f"SELECT id, position FROM programs WHERE id IN ({marks})", batch)
        )
    unknown_ids = [program_id for program_id in program_ids if program_id not in positions]
    if unknown_ids:
        raise EarshotError(
            f"The corpus holds no program {unknown_ids[0]!r}"
            + (f" and none of {len(unknown_ids) - 1} others." if unknown_ids[1:] else ".")
        )
    return [positions[program_id] for program_id in program_ids]


def list_programs_without_embedding(
    connection: sqlite3.Connection, encoder_id: str, modality: str, revision: str | None
) -> list[str]:
    """Return the ids of programs that an encoder has not embedded, in insertion order.

    An audio encoder embeds programs that have a clip only.

    Parameters
    ----------
    connection : Connection
    encoder_id : str
        For a concatenation of encoders, programs that lack any of its parts.
    modality : {"code", "audio"}
    revision : str or None
        Embeddings of another revision count as missing; None accepts any.
    """
    parts = _find_component_encoder_rows(connection, encoder_id)
    if not parts:
        keys = [_MISSING_ENCODER_KEY]
    else:
        revisions: Sequence[str | None] = [revision] * len(parts)
        if revision is not None and len(parts) > 1:
            revisions = split_concat_revision(revision)
        keys = [
            part.key if expected in (None, part.revision) else _MISSING_ENCODER_KEY
            for part, expected in zip(parts, revisions, strict=True)
        ]
    clip_join = " JOIN clips ON clips.program = position AND clips.state = 'ok'"
    is_embedded = " AND ".join(
        f"EXISTS (SELECT 1 FROM embeddings WHERE encoder = {key:d} AND program = position)"
        for key in keys
    )
    rows = connection.execute(
        f"SELECT id FROM programs{clip_join if modality == 'audio' else ''}"
        f" WHERE NOT ({is_embedded}) ORDER BY position"
    )
    return [program_id for (program_id,) in rows]


def read_embeddings(
    connection: sqlite3.Connection, encoder_id: str, program_ids: Sequence[str] | None
) -> tuple[list[str], np.ndarray]:
    """Return an encoder's embeddings, as `core.corpus.Corpus.load_embeddings` documents them."""
    parts = [
        (row, _read_encoder_vectors(connection, row))
        for row in _require_component_encoder_rows(connection, encoder_id)
    ]
    rows = connection.execute("SELECT position, id FROM programs ORDER BY position")
    id_by_position: dict[int, str] = {
        position: program_id
        for position, program_id in rows
        if all(position in vectors for _, vectors in parts)
    }
    if program_ids is not None:
        position_by_id = {program_id: position for position, program_id in id_by_position.items()}
        missing_ids = [program_id for program_id in program_ids if program_id not in position_by_id]
        if missing_ids:
            raise EarshotError(
                f"{len(missing_ids)} of {len(program_ids)} programs have no embedding"
                f" by {encoder_id}, for example {missing_ids[0]}."
            )
        id_by_position = {position_by_id[program_id]: program_id for program_id in program_ids}
    return list(id_by_position.values()), _build_embedding_matrix(parts, list(id_by_position))


def read_embedding_pairs(
    connection: sqlite3.Connection, code_encoder: str, audio_encoder: str
) -> EmbeddingPairs:
    """Return code and audio embeddings row by row.

    As `core.corpus.Corpus.load_embedding_pairs` documents them.
    """
    code_parts = _read_modality_vectors(connection, code_encoder, "code")
    audio_parts = _read_modality_vectors(connection, audio_encoder, "audio")
    rows = connection.execute(
        "SELECT position, id, split FROM programs"
        " JOIN clips ON program = position AND state = 'ok' ORDER BY position"
    )
    programs = [
        (position, program_id, split)
        for position, program_id, split in rows
        if all(position in vectors for _, vectors in (*code_parts, *audio_parts))
    ]
    positions = [position for position, _, _ in programs]
    return EmbeddingPairs(
        program_ids=[program_id for _, program_id, _ in programs],
        code_embeddings=_build_embedding_matrix(code_parts, positions),
        audio_embeddings=_build_embedding_matrix(audio_parts, positions),
        splits=np.array([split for _, _, split in programs], dtype="U10"),
    )


def _read_modality_vectors(
    connection: sqlite3.Connection, encoder_id: str, modality: str
) -> list[_EncoderVectors]:
    rows = _require_component_encoder_rows(connection, encoder_id)
    for row in rows:
        if row.modality != modality:
            raise EarshotError(f"{row.id} embeds {row.modality}, not {modality}.")
    # One encoder after the other, because their vectors are in different pages of the file.
    return [(row, _read_encoder_vectors(connection, row)) for row in rows]


def _find_component_encoder_rows(
    connection: sqlite3.Connection, encoder_id: str
) -> list[EncoderRow]:
    """Return the encoders that an id concatenates, or the one that it names.

    Returns an empty list if the corpus has no embeddings by one of them.
    """
    # A folder's path may contain the separator of a concatenation.
    whole = find_encoder_row(connection, encoder_id)
    if whole is not None:
        return [whole]
    parts = [
        find_encoder_row(connection, part)
        for part in concatenated_encoders.split_encoder_id(encoder_id)
    ]
    found_parts = [part for part in parts if part is not None]
    return found_parts if len(found_parts) == len(parts) else []


def _require_component_encoder_rows(
    connection: sqlite3.Connection, encoder_id: str
) -> list[EncoderRow]:
    parts = _find_component_encoder_rows(connection, encoder_id)
    if not parts:
        used = (
            ", ".join(name for name, _, _ in count_embeddings_by_encoder(connection)) or "none yet"
        )
        raise EarshotError(
            f"The corpus has no embeddings by {encoder_id!r}; encoders used: {used}."
        )
    return parts


def _read_encoder_vectors(
    connection: sqlite3.Connection, encoder_row: EncoderRow
) -> dict[int, bytes]:
    query = "SELECT program, vector FROM embeddings WHERE encoder = ?"
    return dict(connection.execute(query, (encoder_row.key,)))


def _build_embedding_matrix(
    encoder_parts: Sequence[_EncoderVectors], positions: Sequence[int]
) -> np.ndarray:
    """Return the embeddings of programs, float32 [n, dim]; those of several parts concatenated."""
    matrices = []
    for row, vectors in encoder_parts:
        # A bytearray, because an array over bytes would be read-only.
        content = bytearray().join(vectors[position] for position in positions)
        if len(content) != len(positions) * row.dim * VECTOR_DTYPE.itemsize:
            raise EarshotError(
                f"An embedding by {row.id} has a wrong length: the corpus is damaged."
            )
        matrix = np.frombuffer(content, VECTOR_DTYPE).reshape(len(positions), row.dim)
        matrices.append(matrix.astype(np.float32, copy=False))
    if len(matrices) == 1:
        return matrices[0]
    weights = find_concat_weights([row.id for row, _ in encoder_parts])
    return concatenated_encoders.concatenate_embeddings(matrices, weights)
