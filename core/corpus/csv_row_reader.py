"""Read untrusted CSV tables row by row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

from core.errors import EarshotError

# The default limit, 128 KiB per field, is too small for a program or a vector. The limit is global
# to the process, so it is set once. The size of a file is checked before it is read.
csv.field_size_limit(1 << 30)


def parse_csv_text(text: str, file_name: str) -> tuple[list[str], Iterator[Mapping[str, Any]]]:
    r"""Return the columns of a table and an iterator over its rows.

    Parameters
    ----------
    text : str
        Content of the file.
    file_name : str
        The name of the file, for messages.

    Returns
    -------
    columns : list of str
    rows : iterator of mapping
        Values by column. A row is parsed when it is reached.

    Raises
    ------
    EarshotError
        If the text is not a CSV table, at once or when a damaged row is reached.

    Examples
    --------
    >>> columns, rows = parse_csv_text("name,seed\nbeeps,1\n", "programs.csv")
    >>> columns, list(rows)
    (['name', 'seed'], [{'name': 'beeps', 'seed': '1'}])
    """
    table = csv.DictReader(io.StringIO(text, newline=""), strict=True)

    def iterate_csv_rows() -> Iterator[Mapping[str, Any]]:
        try:
            yield from table
        except csv.Error as error:
            raise _make_damaged_table_error(file_name, error) from error

    try:
        return list(table.fieldnames or ()), iterate_csv_rows()
    except csv.Error as error:
        raise _make_damaged_table_error(file_name, error) from error


def _make_damaged_table_error(file_name: str, error: csv.Error) -> EarshotError:
    return EarshotError(f"The table is damaged ({error}).", where=file_name)
