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

DELIMITERS = (",", ";", "\t")
SURPLUS_FIELDS = "\0surplus fields"
"""Key of a row's number of fields without a column. No column has it: headers contain no NUL."""


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
        Values by column. A row is parsed when it is reached. `describe_surplus_fields` returns
        whether it has more fields than the table has columns.

    The delimiter is a comma, semicolon or tab, whichever the first line has most often.

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
    delimiter = _detect_delimiter(text)
    table = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)

    def iterate_csv_rows() -> Iterator[Mapping[str, Any]]:
        try:
            for row in table:
                extra_fields = row.pop(None, None)
                yield {**row, SURPLUS_FIELDS: len(extra_fields)} if extra_fields else row
        except csv.Error as error:
            raise _make_damaged_table_error(file_name, error) from error

    try:
        return list(table.fieldnames or ()), iterate_csv_rows()
    except csv.Error as error:
        raise _make_damaged_table_error(file_name, error) from error


def describe_surplus_fields(row: Mapping[str, Any]) -> str | None:
    """Return why a row with more fields than columns cannot be used; None for any other row."""
    count = row.get(SURPLUS_FIELDS)
    if not count:
        return None
    return (
        f"it has {count} more {'field' if count == 1 else 'fields'} than the table has columns;"
        ' put values that contain the delimiter in quotes: "play 60, release: 2"'
    )


def _detect_delimiter(text: str) -> str:
    """Return the delimiter of the first line: a comma, else a semicolon or a tab."""
    header = text.partition("\n")[0]
    counts = {delimiter: header.count(delimiter) for delimiter in DELIMITERS}
    return max(DELIMITERS, key=lambda delimiter: counts[delimiter])


def _make_damaged_table_error(file_name: str, error: csv.Error) -> EarshotError:
    return EarshotError(f"The table is damaged ({error}).", where=file_name)
