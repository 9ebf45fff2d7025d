"""Rows of a Parquet table from outside, a few at a time and none too large.

Parquet packs what repeats to nearly nothing: a file of some kilobytes may unfold to any size. So
texts stay the dictionary that the file has, and one is only made into a Python text if it isn't
too long; lists are only read if the file says that all of them together fit.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

from core.errors import EarshotError

ROW_BATCH_SIZE = 64
MAX_TEXT_BYTES = 8 << 20  # bytes; of vectors written as text 16,384 numbers take a quarter


def read_parquet_columns(content: bytes, file_name: str) -> list[str]:
    """Names of a table's columns.

    Raises
    ------
    EarshotError
        When it is no Parquet table.
    """
    import pyarrow

    try:
        return _open_parquet(content).schema_arrow.names
    except (pyarrow.ArrowException, OSError) as error:
        raise _make_damaged_table_error(error, file_name) from error


def iterate_parquet_rows(
    content: bytes, file_name: str, columns: Sequence[str], max_rows: int, max_bytes: int
) -> Iterator[dict[str, Any]]:
    """Rows of some of a table's columns.

    Parameters
    ----------
    content : bytes
    file_name : str
        The file's name, for messages.
    columns : sequence of str
        Those that the table has.
    max_rows, max_bytes : int
        Of the table; bytes unfolded, but for what repeats.

    Yields
    ------
    dict of column to value
        A text, a number or a truth; lists of numbers as arrays. A text of more than 8 MiB, and
        what is none of these, is None.

    Raises
    ------
    EarshotError
        When it is damaged or holds more than that.
    """
    import pyarrow

    try:
        schema = _open_parquet(content).schema_arrow
        twice = [each for each in columns if schema.names.count(each) > 1]
        if twice:
            raise EarshotError(f"The table has more than one column {twice[0][:80]!r}.", where=file_name)
        texts = [each for each in columns if _is_text_type(schema.field(each).type)]
        plain = [each for each in columns if _is_numeric_type(schema.field(each).type)]
        file = _open_parquet(content, texts)
        _check_size(file, texts + plain, file_name, max_rows, max_bytes)
        for batch in file.iter_batches(ROW_BATCH_SIZE, columns=texts + plain):
            values = {each: _convert_text_column(batch.column(each)) for each in texts}
            values |= {each: _convert_numeric_column(batch.column(each)) for each in plain}
            for row in range(batch.num_rows):
                yield {each: values[each][row] if each in values else None for each in columns}
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _make_damaged_table_error(error, file_name) from error


def _open_parquet(content: bytes, text_columns: Sequence[str] = ()):
    from pyarrow import parquet

    return parquet.ParquetFile(io.BytesIO(content), read_dictionary=list(text_columns))


def _check_size(parquet_file, columns: Sequence[str], file_name: str, max_rows: int, max_bytes: int) -> None:
    meta = parquet_file.metadata
    unfolded = numbers = 0
    for group in range(meta.num_row_groups):
        for place in range(meta.num_columns):
            column = meta.row_group(group).column(place)
            path = column.path_in_schema
            if any(path == each or path.startswith(each + ".") for each in columns):
                unfolded += column.total_uncompressed_size
                # Of lists all their values, however often they repeat.
                lists = meta.schema.column(place).max_repetition_level > 0
                numbers += column.num_values if lists else 0
    if meta.num_rows > max_rows or unfolded > max_bytes or numbers * 8 > max_bytes:
        raise EarshotError(
            f"It holds more than {max_rows:,} rows or {max_bytes >> 20} MiB.",
            where=file_name,
            remedy="Import it in parts.",
        )


def _is_text_type(arrow_type) -> bool:
    from pyarrow import types

    if types.is_dictionary(arrow_type):
        arrow_type = arrow_type.value_type
    return types.is_string(arrow_type) or types.is_large_string(arrow_type)


def _is_numeric_type(arrow_type) -> bool:
    """Whether it is a number, a truth, or a list of numbers; no list in a list."""
    from pyarrow import types

    if types.is_list(arrow_type) or types.is_large_list(arrow_type) or types.is_fixed_size_list(arrow_type):
        return types.is_integer(arrow_type.value_type) or types.is_floating(arrow_type.value_type)
    return types.is_boolean(arrow_type) or types.is_integer(arrow_type) or types.is_floating(arrow_type)


def _convert_numeric_column(column) -> Sequence[Any]:
    import pyarrow
    from pyarrow import compute, types

    if not types.is_nested(column.type):
        return column.to_pylist()
    return [
        compute.cast(each.values, pyarrow.float64()).to_numpy(zero_copy_only=False)
        if each.is_valid
        else None
        for each in column
    ]


def _convert_text_column(column) -> list[str | None]:
    from pyarrow import compute, types

    if not types.is_dictionary(column.type):
        column = column.dictionary_encode()
    lengths = compute.binary_length(column.dictionary).to_pylist()
    made: dict[int, str] = {}
    found: list[str | None] = []
    for place in column.indices.to_pylist():
        if place is None or (lengths[place] or 0) > MAX_TEXT_BYTES:
            found.append(None)
            continue
        if place not in made:
            made[place] = column.dictionary[place].as_py()
        found.append(made[place])
    return found


def _make_damaged_table_error(error: Exception, file_name: str) -> EarshotError:
    return EarshotError(f"The table is damaged ({error}).", where=file_name)
