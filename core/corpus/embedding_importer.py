"""Vectors from outside: a table with a row a program, read with suspicion.

Each row says whose it is by a column "program" (id), "source" or "name", the first of them that
the table has. Its vector is a list of numbers in one column, in a CSV written like [0.1, 0.2].
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from core.corpus.csv_table import read_csv_table
from core.corpus.program_importer import (
    MAX_IMPORT_BYTES,
    MAX_IMPORT_PROGRAMS,
    decode_text,
    make_too_large_error,
)
from core.corpus.parquet import read_parquet_columns, iterate_parquet_rows
from core.errors import EarshotError
from core.programs.program import Program

KEY_COLUMNS = ("program", "source", "name")  # columns that say whose a row is
DEFAULT_VECTOR_COLUMNS = (
    "vector",
    "embedding",
)  # what a column of vectors is called, if nobody says
MAX_VECTOR_DIMENSIONS = 16_384


@dataclass
class VectorTable:
    """What a table holds.

    Attributes
    ----------
    key_kind : {"program", "name"}
        What `vectors` is keyed by; a source is turned into the id that it has.
    vectors : dict of str to float32 [dim]
    skipped : dict of where to str
        Rows that could not be taken, and why.
    """

    key_kind: str
    vectors: dict[str, np.ndarray] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)


def read_vectors(content: bytes, file_name: str, vector_column: str | None = None) -> VectorTable:
    """Read a CSV or Parquet table of vectors.

    Parameters
    ----------
    content : bytes
    file_name : str
        The file's name; its suffix says what it is.
    vector_column : str, optional
        Where the vectors are. Default: "vector", "embedding", or the only column that
        begins with "embedding:", as Earshot exports them.

    Raises
    ------
    EarshotError
        When it is no such table, is damaged, or holds more than the limits.
    """
    if len(content) > MAX_IMPORT_BYTES:
        raise make_too_large_error(file_name)
    suffix = PurePosixPath(file_name.replace("\\", "/")).suffix.lower()
    if suffix == ".csv":
        columns, rows = _read_csv(content, file_name)
    elif suffix == ".parquet":
        columns, rows = read_parquet_columns(content, file_name), None
    else:
        raise EarshotError(
            f"No vectors can be read from {file_name[:80]!r}.",
            remedy="Give a .parquet or .csv table.",
        )
    key = next((each for each in KEY_COLUMNS if each in columns), None)
    if key is None:
        raise EarshotError(
            "The table doesn't say whose its vectors are.",
            where=file_name,
            remedy=f"Give it a column {', '.join(KEY_COLUMNS[:-1])} or {KEY_COLUMNS[-1]}.",
        )
    vector_column = _select_vector_column(columns, vector_column, file_name)
    if rows is None:
        rows = iterate_parquet_rows(
            content, file_name, [key, vector_column], MAX_IMPORT_PROGRAMS, MAX_IMPORT_BYTES
        )
    found = VectorTable("name" if key == "name" else "program")
    for number, row in enumerate(rows, 1):
        if number > MAX_IMPORT_PROGRAMS:
            raise make_too_large_error(file_name)
        try:
            _add_vector(found, row.get(key), key, row.get(vector_column))
        except ValueError as error:
            found.skipped[f"{file_name}, row {number}"] = f"{error}."
    return found


def _add_vector(table: VectorTable, program_key: Any, key_column: str, raw_vector: Any) -> None:
    if not isinstance(program_key, str) or not program_key.strip():
        raise ValueError(f"it has no {key_column}")
    if key_column == "source":
        program_key = Program(decode_text(program_key)[0], name="").id
    if program_key in table.vectors:
        raise ValueError("an earlier row is of the same program")
    vector = _parse_vector(raw_vector)
    first = next(iter(table.vectors.values()), vector)
    if len(vector) != len(first):
        raise ValueError(f"its vector has {len(vector)} dimensions, the first has {len(first)}")
    table.vectors[program_key] = vector


def _parse_vector(raw_vector: Any) -> np.ndarray:
    if raw_vector is None or (isinstance(raw_vector, str) and not raw_vector.strip()):
        raise ValueError("it has no vector")
    try:
        values = json.loads(raw_vector) if isinstance(raw_vector, str) else raw_vector
        vector = np.asarray(values, dtype=np.float64)
    except (ValueError, TypeError, RecursionError):
        raise ValueError("its vector is no list of numbers") from None
    if vector.ndim != 1 or not len(vector):
        raise ValueError("its vector is no list of numbers")
    if len(vector) > MAX_VECTOR_DIMENSIONS:
        raise ValueError(f"its vector has more than {MAX_VECTOR_DIMENSIONS:,} dimensions")
    with np.errstate(over="ignore"):
        vector = vector.astype(np.float32)
    if not np.isfinite(vector).all():
        raise ValueError("its vector has values that are not finite")
    return vector


def _select_vector_column(columns: list[str], requested_column: str | None, file_name: str) -> str:
    exported = [each for each in columns if each.startswith("embedding:")]
    if requested_column is None:
        usual = [each for each in DEFAULT_VECTOR_COLUMNS if each in columns]
        candidates = usual[:1] or (exported if len(exported) == 1 else [])
    else:
        candidates = [
            each for each in (requested_column, f"embedding:{requested_column}") if each in columns
        ]
    if not candidates:
        raise EarshotError(
            f"The table has no column {requested_column!r}."
            if requested_column
            else "The table doesn't say which column holds the vectors.",
            where=file_name,
            remedy="Name one of its columns: " + ", ".join(each[:80] for each in columns[:20]),
        )
    return candidates[0]


def _read_csv(content: bytes, file_name: str) -> tuple[list[str], Iterator[Mapping[str, Any]]]:
    try:
        text, _ = decode_text(content)
    except ValueError as error:
        raise EarshotError(f"The table cannot be read: {error}.", where=file_name) from error
    return read_csv_table(text, file_name)
