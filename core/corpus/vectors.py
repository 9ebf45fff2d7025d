"""Embeddings in the database: float32 in, the same float32 out."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Sequence

import numpy as np

from core.errors import EarshotError

_FLOAT = np.dtype("<f4")


class BadVectors(EarshotError):
    """An encoder gave values that are not finite: the fault of single items."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Programs whose code and sound are both embedded, row by row.

    Attributes
    ----------
    programs : list of str
        Program ids, in the order in which they were added.
    code : float32 [n, d1]
    audio : float32 [n, d2]
    split : str [n]
        "train", "validation" or "test".
    """

    programs: list[str]
    code: np.ndarray
    audio: np.ndarray
    split: np.ndarray

    def __len__(self) -> int:
        return len(self.programs)


@dataclass(frozen=True)
class EncoderRow:
    """An encoder that has embedded something in this corpus."""

    key: int
    id: str
    modality: str
    revision: str
    dim: int


def encoder(connection: sqlite3.Connection, encoder_id: str) -> EncoderRow | None:
    """What the corpus knows of an encoder; None when it holds nothing of it."""
    row = connection.execute(
        "SELECT key, id, modality, revision, dim FROM encoders WHERE id = ?", (encoder_id,)
    ).fetchone()
    return EncoderRow(*row) if row else None


def counts(connection: sqlite3.Connection) -> list[tuple[str, str, int]]:
    """(encoder id, modality, number of embeddings), sorted by modality and id."""
    return connection.execute(
        "SELECT id, modality, (SELECT count(*) FROM embeddings WHERE encoder = key)"
        " FROM encoders ORDER BY modality DESC, id"
    ).fetchall()


def put(
    connection: sqlite3.Connection,
    encoder_id: str,
    modality: str,
    revision: str,
    program_ids: Sequence[str],
    matrix: np.ndarray,
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
    vectors = _checked(encoder_id, program_ids, matrix)
    row = encoder(connection, encoder_id)
    if row and row.revision != revision:
        connection.execute("DELETE FROM embeddings WHERE encoder = ?", (row.key,))
        connection.execute("DELETE FROM encoders WHERE key = ?", (row.key,))
        row = None
    if row is None:
        connection.execute(
            "INSERT INTO encoders (id, modality, revision, dim) VALUES (?, ?, ?, ?)",
            (encoder_id, modality, revision, vectors.shape[1]),
        )
        row = encoder(connection, encoder_id)
    if row.dim != vectors.shape[1]:
        raise EarshotError(
            f"Vectors of {encoder_id} have {row.dim} dimensions in this corpus,"
            f" these have {vectors.shape[1]}."
        )
    connection.executemany(
        "INSERT OR REPLACE INTO embeddings (encoder, program, vector) VALUES (?, ?, ?)",
        [
            (row.key, position, vector.tobytes())
            for position, vector in zip(positions(connection, program_ids), vectors)
        ],
    )


def _checked(encoder_id: str, program_ids: Sequence[str], matrix: np.ndarray) -> np.ndarray:
    vectors = np.asarray(matrix)
    if vectors.ndim != 2 or len(vectors) != len(program_ids) or vectors.shape[1] == 0:
        raise EarshotError(
            f"{encoder_id} gave an array of shape {list(vectors.shape)}"
            f" for {len(program_ids)} programs, not one vector a program."
        )
    if vectors.dtype.kind != "f":
        raise EarshotError(f"{encoder_id} gave {vectors.dtype} values, not floats.")
    with np.errstate(over="ignore"):
        vectors = np.ascontiguousarray(vectors, dtype=_FLOAT)
    finite = np.isfinite(vectors).all(axis=1)
    if not finite.all():
        bad = int(np.argmin(finite))
        raise BadVectors(
            f"{encoder_id} gave a vector with values that are not finite"
            f" for {int((~finite).sum())} of {len(vectors)} programs.",
            where=f"program {program_ids[bad]}",
        )
    return vectors


def positions(connection: sqlite3.Connection, program_ids: Sequence[str]) -> list[int]:
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


def missing(
    connection: sqlite3.Connection, encoder_id: str, modality: str, revision: str | None
) -> list[str]:
    """Ids of programs without this encoder's vector, in insertion order.

    For an audio encoder only programs that have a clip count.
    """
    row = encoder(connection, encoder_id)
    key = row.key if row and revision in (None, row.revision) else -1
    heard = " JOIN clips ON clips.program = position AND clips.state = 'ok'"
    return [
        program_id
        for program_id, in connection.execute(
            f"SELECT id FROM programs{heard if modality == 'audio' else ''}"
            " WHERE NOT EXISTS (SELECT 1 FROM embeddings WHERE encoder = ? AND program = position)"
            " ORDER BY position",
            (key,),
        )
    ]


def read(
    connection: sqlite3.Connection, encoder_id: str, program_ids: Sequence[str] | None
) -> tuple[list[str], np.ndarray]:
    """An encoder's vectors, as `Corpus.embeddings` returns them."""
    row = _known(connection, encoder_id)
    found = connection.execute(
        "SELECT id, vector FROM embeddings JOIN programs ON position = program"
        " WHERE encoder = ? ORDER BY position",
        (row.key,),
    ).fetchall()
    if program_ids is not None:
        by_id = dict(found)
        lacking = [program_id for program_id in program_ids if program_id not in by_id]
        if lacking:
            raise EarshotError(
                f"{len(lacking)} of {len(program_ids)} programs have no embedding"
                f" by {encoder_id}, {lacking[0]} for one."
            )
        found = [(program_id, by_id[program_id]) for program_id in program_ids]
    return [program_id for program_id, _ in found], _matrix([v for _, v in found], row)


def pairs(connection: sqlite3.Connection, code_encoder: str, audio_encoder: str) -> Pairs:
    """Code and sound side by side, as `Corpus.pairs` returns them."""
    code, audio = _known(connection, code_encoder), _known(connection, audio_encoder)
    for row, modality in ((code, "code"), (audio, "audio")):
        if row.modality != modality:
            raise EarshotError(f"{row.id} embeds {row.modality}, not {modality}.")
    # One encoder after the other: their vectors lie apart in the file.
    code_vectors, audio_vectors = (
        dict(
            connection.execute(
                "SELECT program, vector FROM embeddings WHERE encoder = ?", (row.key,)
            )
        )
        for row in (code, audio)
    )
    programs = [
        (position, program_id, part)
        for position, program_id, part in connection.execute(
            "SELECT position, id, split FROM programs"
            " JOIN clips ON program = position AND state = 'ok' ORDER BY position"
        )
        if position in code_vectors and position in audio_vectors
    ]
    return Pairs(
        programs=[program_id for _, program_id, _ in programs],
        code=_matrix([code_vectors[position] for position, _, _ in programs], code),
        audio=_matrix([audio_vectors[position] for position, _, _ in programs], audio),
        split=np.array([part for _, _, part in programs], dtype="U10"),
    )


def _known(connection: sqlite3.Connection, encoder_id: str) -> EncoderRow:
    row = encoder(connection, encoder_id)
    if row is None:
        known = ", ".join(name for name, _, _ in counts(connection)) or "none yet"
        raise EarshotError(
            f"Nothing in this corpus is embedded by {encoder_id!r}; encoders used: {known}."
        )
    return row


def _matrix(blobs: Sequence[bytes], row: EncoderRow) -> np.ndarray:
    joined = bytearray().join(blobs)  # an array over bytes would be read-only
    if len(joined) != len(blobs) * row.dim * _FLOAT.itemsize:
        raise EarshotError(f"A vector of {row.id} has a wrong length: the corpus is damaged.")
    matrix = np.frombuffer(joined, _FLOAT).reshape(len(blobs), row.dim)
    return matrix.astype(np.float32, copy=False)
