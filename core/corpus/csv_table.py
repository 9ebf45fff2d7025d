"""A CSV table from outside, row by row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

from core.errors import EarshotError

# The module's limit, 128 KiB a field, is below what a program or a vector may take. It is the
# whole process's, so it is set once and for all: files are limited in size before they are read.
csv.field_size_limit(1 << 30)


def read_csv_table(text: str, file_name: str) -> tuple[list[str], Iterator[Mapping[str, Any]]]:
    """The columns of a table and its rows, which are read as they are asked for.

    Parameters
    ----------
    text : str
        The whole file.
    file_name : str
        The file's name, for messages.

    Raises
    ------
    EarshotError
        When it is no table, at once or when the row is reached.
    """
    table = csv.DictReader(io.StringIO(text, newline=""), strict=True)

    def iterate_rows() -> Iterator[Mapping[str, Any]]:
        try:
            yield from table
        except csv.Error as error:
            raise _make_damaged_table_error(file_name, error) from error

    try:
        return list(table.fieldnames or ()), iterate_rows()
    except csv.Error as error:
        raise _make_damaged_table_error(file_name, error) from error


def _make_damaged_table_error(file_name: str, error: csv.Error) -> EarshotError:
    return EarshotError(f"The table is damaged ({error}).", where=file_name)
