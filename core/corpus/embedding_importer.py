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

from core.corpus.csv_table import csv_table
from core.corpus.program_importer import MOST_BYTES, MOST_PROGRAMS, text_of, too_much
from core.corpus.parquet import columns_of, rows_of
from core.errors import EarshotError
from core.programs.program import Program

KEYS = ("program", "source", "name")  # columns that say whose a row is
USUAL = ("vector", "embedding")  # what a column of vectors is called, if nobody says
MOST_DIMENSIONS = 16_384


@dataclass
class VectorTable:
    """What a table holds.

    Attributes
    ----------
    key : {"program", "name"}
        What `vectors` is keyed by; a source is turned into the id that it has.
    vectors : dict of str to float32 [dim]
    skipped : dict of where to str
        Rows that could not be taken, and why.
    """

    key: str
    vectors: dict[str, np.ndarray] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)


def read_vectors(content: bytes, name: str, column: str | None = None) -> VectorTable:
    """Read a CSV or Parquet table of vectors.

    Parameters
    ----------
    content : bytes
    name : str
        The file's name; its suffix says what it is.
    column : str, optional
        Where the vectors are. Default: "vector", "embedding", or the only column that
        begins with "embedding:", as Earshot exports them.

    Raises
    ------
    EarshotError
        When it is no such table, is damaged, or holds more than the limits.
    """
    if len(content) > MOST_BYTES:
        raise too_much(name)
    suffix = PurePosixPath(name.replace("\\", "/")).suffix.lower()
    if suffix == ".csv":
        columns, rows = _csv(content, name)
    elif suffix == ".parquet":
        columns, rows = columns_of(content, name), None
    else:
        raise EarshotError(
            f"No vectors can be read from {name[:80]!r}.", remedy="Give a .parquet or .csv table."
        )
    key = next((each for each in KEYS if each in columns), None)
    if key is None:
        raise EarshotError(
            "The table doesn't say whose its vectors are.",
            where=name,
            remedy=f"Give it a column {', '.join(KEYS[:-1])} or {KEYS[-1]}.",
        )
    column = _vector_column(columns, column, name)
    if rows is None:
        rows = rows_of(content, name, [key, column], MOST_PROGRAMS, MOST_BYTES)
    found = VectorTable("name" if key == "name" else "program")
    for number, row in enumerate(rows, 1):
        if number > MOST_PROGRAMS:
            raise too_much(name)
        try:
            _take(found, row.get(key), key, row.get(column))
        except ValueError as error:
            found.skipped[f"{name}, row {number}"] = f"{error}."
    return found


def _take(found: VectorTable, whose: Any, key: str, given: Any) -> None:
    if not isinstance(whose, str) or not whose.strip():
        raise ValueError(f"it has no {key}")
    if key == "source":
        whose = Program(text_of(whose)[0], name="").id
    if whose in found.vectors:
        raise ValueError("an earlier row is of the same program")
    vector = _vector(given)
    first = next(iter(found.vectors.values()), vector)
    if len(vector) != len(first):
        raise ValueError(f"its vector has {len(vector)} dimensions, the first has {len(first)}")
    found.vectors[whose] = vector


def _vector(given: Any) -> np.ndarray:
    if given is None or (isinstance(given, str) and not given.strip()):
        raise ValueError("it has no vector")
    try:
        values = json.loads(given) if isinstance(given, str) else given
        vector = np.asarray(values, dtype=np.float64)
    except (ValueError, TypeError, RecursionError):
        raise ValueError("its vector is no list of numbers") from None
    if vector.ndim != 1 or not len(vector):
        raise ValueError("its vector is no list of numbers")
    if len(vector) > MOST_DIMENSIONS:
        raise ValueError(f"its vector has more than {MOST_DIMENSIONS:,} dimensions")
    with np.errstate(over="ignore"):
        vector = vector.astype(np.float32)
    if not np.isfinite(vector).all():
        raise ValueError("its vector has values that are not finite")
    return vector


def _vector_column(columns: list[str], wanted: str | None, name: str) -> str:
    exported = [each for each in columns if each.startswith("embedding:")]
    if wanted is None:
        usual = [each for each in USUAL if each in columns]
        candidates = usual[:1] or (exported if len(exported) == 1 else [])
    else:
        candidates = [each for each in (wanted, f"embedding:{wanted}") if each in columns]
    if not candidates:
        raise EarshotError(
            f"The table has no column {wanted!r}."
            if wanted
            else "The table doesn't say which column holds the vectors.",
            where=name,
            remedy="Name one of its columns: " + ", ".join(each[:80] for each in columns[:20]),
        )
    return candidates[0]


def _csv(content: bytes, name: str) -> tuple[list[str], Iterator[Mapping[str, Any]]]:
    try:
        text, _ = text_of(content)
    except ValueError as error:
        raise EarshotError(f"The table cannot be read: {error}.", where=name) from error
    return csv_table(text, name)
