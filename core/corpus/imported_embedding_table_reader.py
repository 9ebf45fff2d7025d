"""Read untrusted tables of embeddings, one row per program.

A column "program" (id), "source" or "name", the first of them that the table has, names the program
of each row. Another column holds the embedding: a list of numbers, in a CSV file as text like
[0.1, 0.2].
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from core.corpus.csv_row_reader import describe_surplus_fields, parse_csv_text
from core.corpus.imported_program_file_reader import (
    MAX_IMPORT_BYTES,
    MAX_IMPORT_PROGRAMS,
    make_import_too_large_error,
)
from core.corpus.legacy_saved_names import translate_legacy_grammar_name
from core.corpus.untrusted_parquet import iterate_parquet_rows, read_parquet_columns
from core.corpus.untrusted_text_decoding import decode_csv_bytes, decode_text_bytes
from core.errors import EarshotError
from core.programs.program import Program

KEY_COLUMNS = ("program", "source", "name")
DEFAULT_VECTOR_COLUMNS = ("vector", "embedding")
EXPORTED_COLUMN_PREFIX = "embedding:"  # followed by the encoder's id
MAX_VECTOR_DIMENSIONS = 16_384
_MAX_LISTED_COLUMNS = 20


@dataclass
class VectorTable:
    """The embeddings of a table.

    Attributes
    ----------
    key_kind : {"program", "name"}
        What `vectors` is keyed by. The key of a source is the id of its program.
    vectors : dict of str to array, float32 [dim]
    skipped : dict of str to str
        The reason for each row that holds no valid embedding.
    locations : dict of str to str
        The row of each vector, for messages.
    """

    key_kind: str
    vectors: dict[str, np.ndarray] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    locations: dict[str, str] = field(default_factory=dict)


def read_imported_embeddings(
    content: bytes, file_name: str, vector_column: str | None = None
) -> VectorTable:
    r"""Read a CSV or Parquet table of embeddings.

    Parameters
    ----------
    content : bytes
    file_name : str
        Name of the file. Its suffix decides how it is read.
    vector_column : str, optional
        The column of the embeddings. Default: "vector", "embedding", or the only column that starts
        with "embedding:", as Earshot exports them.

    Raises
    ------
    EarshotError
        If it is not such a table, is damaged, or exceeds the limits.

    Examples
    --------
    >>> table = read_imported_embeddings(b'name,vector\nbeeps,"[0.5, 1]"\n', "vectors.csv")
    >>> {name: vector.tolist() for name, vector in table.vectors.items()}
    {'beeps': [0.5, 1.0]}
    """
    if len(content) > MAX_IMPORT_BYTES:
        raise make_import_too_large_error(file_name)
    suffix = PurePosixPath(file_name.replace("\\", "/")).suffix.lower()
    rows: Iterable[Mapping[str, Any]]
    if suffix in (".csv", ".tsv"):
        columns, rows = parse_csv_text(decode_csv_bytes(content, file_name)[0], file_name)
        key_column, vector_column = _select_key_and_vector_columns(
            columns, vector_column, file_name
        )
    elif suffix == ".parquet":
        columns = read_parquet_columns(content, file_name)
        key_column, vector_column = _select_key_and_vector_columns(
            columns, vector_column, file_name
        )
        rows = iterate_parquet_rows(
            content, file_name, [key_column, vector_column], MAX_IMPORT_PROGRAMS, MAX_IMPORT_BYTES
        )
    else:
        raise EarshotError(
            f"No embeddings can be read from {file_name[:80]!r}.",
            remedy="Give a .parquet, .csv or .tsv table.",
        )
    table = VectorTable("name" if key_column == "name" else "program")
    for number, row in enumerate(rows, 1):
        if number > MAX_IMPORT_PROGRAMS:
            raise make_import_too_large_error(file_name)
        try:
            if problem := describe_surplus_fields(row):
                raise ValueError(problem)
            program_key = _read_program_key(table, row.get(key_column), key_column)
            table.vectors[program_key] = _parse_embedding_vector(row.get(vector_column))
            table.locations[program_key] = f"{file_name}, row {number}"
        except ValueError as error:
            table.skipped[f"{file_name}, row {number}"] = f"{error}."
    _skip_vectors_of_rare_dimension(table)
    return table


def _skip_vectors_of_rare_dimension(table: VectorTable) -> None:
    """Keep the vectors of the most frequent number of dimensions; of two, the one met first."""
    counts = Counter(len(vector) for vector in table.vectors.values())
    if len(counts) < 2:
        return
    dimensions = max(counts, key=lambda dimension: counts[dimension])
    for program_key, vector in list(table.vectors.items()):
        if len(vector) != dimensions:
            del table.vectors[program_key]
            table.skipped[table.locations[program_key]] = (
                f"its vector has {len(vector)} dimensions, most have {dimensions}."
            )


def _read_program_key(table: VectorTable, program_key: Any, key_column: str) -> str:
    if not isinstance(program_key, str) or not program_key.strip():
        raise ValueError(f"it has no {key_column}")
    if key_column == "source":
        program_key = Program(decode_text_bytes(program_key)[0], name="").id
    elif key_column == "name":
        program_key = translate_legacy_grammar_name(program_key)
    if program_key in table.vectors:
        raise ValueError("an earlier row is for the same program")
    return program_key


def _parse_embedding_vector(raw_vector: Any) -> np.ndarray:
    if raw_vector is None or (isinstance(raw_vector, str) and not raw_vector.strip()):
        raise ValueError("it has no vector")
    try:
        values = json.loads(raw_vector) if isinstance(raw_vector, str) else raw_vector
        vector = np.asarray(values, dtype=np.float64)
    except (ValueError, TypeError, RecursionError):
        raise ValueError("its vector is not a list of numbers") from None
    if vector.ndim != 1 or not len(vector):
        raise ValueError("its vector is not a list of numbers")
    if len(vector) > MAX_VECTOR_DIMENSIONS:
        raise ValueError(f"its vector has more than {MAX_VECTOR_DIMENSIONS:,} dimensions")
    with np.errstate(over="ignore"):  # An overflow is infinite and is reported as such.
        vector = vector.astype(np.float32)
    if not np.isfinite(vector).all():
        raise ValueError("its vector has values that are not finite")
    return vector


def _select_key_and_vector_columns(
    columns: Sequence[str], requested_column: str | None, file_name: str
) -> tuple[str, str]:
    """Return the column that names the programs and the column of the embeddings."""
    key_column = next((name for name in KEY_COLUMNS if name in columns), None)
    if key_column is None:
        raise EarshotError(
            "The table does not name the programs of its embeddings.",
            where=file_name,
            remedy=f"Give it a column {', '.join(KEY_COLUMNS[:-1])} or {KEY_COLUMNS[-1]}.",
        )
    return key_column, _select_vector_column(columns, requested_column, file_name)


def _select_vector_column(
    columns: Sequence[str], requested_column: str | None, file_name: str
) -> str:
    if requested_column is None:
        usual = [name for name in DEFAULT_VECTOR_COLUMNS if name in columns]
        exported = [name for name in columns if name.startswith(EXPORTED_COLUMN_PREFIX)]
        candidates = usual or (exported if len(exported) == 1 else [])
    else:
        names = (requested_column, f"{EXPORTED_COLUMN_PREFIX}{requested_column}")
        candidates = [name for name in names if name in columns]
    if not candidates:
        raise EarshotError(
            f"The table has no column {requested_column!r}."
            if requested_column
            else "It is not clear which column of the table holds the embeddings.",
            where=file_name,
            remedy="Name one of its columns: "
            + ", ".join(name[:80] for name in columns[:_MAX_LISTED_COLUMNS]),
        )
    return candidates[0]
