"""Program that reads an untrusted Parquet table and writes its rows as frames.

`core.corpus.untrusted_parquet` runs this file in a process of its own, because a damaged file can
abort the process that reads it inside pyarrow. It imports nothing of this project, so that it
starts fast.

The first line of standard input is the request, a JSON object; the table follows. Each frame of
standard output is one line of JSON and the ``blob_bytes`` raw bytes that the line announces:

``{"columns": [...]}``
    Names of the table's columns. The answer to a request without ``columns``.
``{"row_count": n, "texts": {...}, "numbers": {...}, "lists": {...}}``
    A batch of rows, by column name. A text column has its distinct texts and the index of each
    row's text. A list column has each row's number of values; the values are in the blob, float64,
    column after column. A missing value is null.
``{"error": message, "remedy": text or null}``
    The table is damaged or too large.
``{"end": true}``
    The last frame.
"""

from __future__ import annotations

import io
import json
import resource
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

import pyarrow
from pyarrow import compute, parquet, types

ROW_BATCH_SIZE = 64
MAX_CPU_SECONDS = 600  # A damaged file may also keep pyarrow busy forever.

Frame = tuple[dict[str, Any], bytes]


class TableRefusedError(Exception):
    """A table that cannot be imported as it is."""

    def __init__(self, message: str, remedy: str | None = None):
        super().__init__(message)
        self.message, self.remedy = message, remedy


def answer_table_request_from_stdin() -> None:
    """Answer the request on standard input."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_SECONDS, MAX_CPU_SECONDS))
    request = json.loads(sys.stdin.buffer.readline())
    content = sys.stdin.buffer.read()
    output = sys.stdout.buffer
    for frame, blob in answer_table_request(request, content):
        _write_message_frame(output, {**frame, "blob_bytes": len(blob)}, blob)
    _write_message_frame(output, {"end": True, "blob_bytes": 0}, b"")


def answer_table_request(request: Mapping[str, Any], content: bytes) -> Iterator[Frame]:
    """Yield the frames that answer a request, the last one excepted.

    Parameters
    ----------
    request : mapping
        "columns" (None for the names of all columns), "max_rows", "max_bytes" and
        "max_text_bytes", as `core.corpus.untrusted_parquet.iterate_parquet_rows` documents them.
    content : bytes
        The Parquet table.
    """
    try:
        if request["columns"] is None:
            yield {"columns": _open_parquet_table(content).schema_arrow.names}, b""
        else:
            yield from _iterate_table_row_batches(request, content)
    except TableRefusedError as error:
        yield {"error": error.message, "remedy": error.remedy}, b""
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        yield {"error": f"The table is damaged ({error}).", "remedy": None}, b""


def _write_message_frame(output: IO[bytes], frame: Mapping[str, Any], blob: bytes) -> None:
    output.write(json.dumps(frame).encode() + b"\n" + blob)
    output.flush()


def _iterate_table_row_batches(request: Mapping[str, Any], content: bytes) -> Iterator[Frame]:
    columns = request["columns"]
    schema = _open_parquet_table(content).schema_arrow
    repeated = [name for name in columns if schema.names.count(name) > 1]
    if repeated:
        raise TableRefusedError(f"The table has more than one column {repeated[0][:80]!r}.")
    fields = {name: schema.field(name).type for name in columns}
    texts = [name for name in columns if _is_arrow_text_type(fields[name])]
    lists = [name for name in columns if _is_arrow_number_list_type(fields[name])]
    numbers = [name for name in columns if _is_arrow_number_type(fields[name])]
    # A text stays an entry of the file's dictionary until it is known not to be too long.
    table = _open_parquet_table(content, dictionary_columns=texts)
    readable = [*texts, *lists, *numbers]
    _raise_if_table_too_large(table.metadata, readable, request["max_rows"], request["max_bytes"])
    for batch in table.iter_batches(ROW_BATCH_SIZE, columns=readable):
        batch.validate(full=True)  # A damaged index may point outside the dictionary.
        list_lengths, blob = {}, b""
        for name in lists:
            list_lengths[name], values = _encode_list_column_as_float_bytes(batch.column(name))
            blob += values
        frame = {
            "row_count": batch.num_rows,
            "texts": {
                name: _encode_text_column(batch.column(name), request["max_text_bytes"])
                for name in texts
            },
            "numbers": {name: batch.column(name).to_pylist() for name in numbers},
            "lists": list_lengths,
        }
        yield frame, blob


def _open_parquet_table(content: bytes, dictionary_columns: Sequence[str] = ()) -> Any:
    return parquet.ParquetFile(io.BytesIO(content), read_dictionary=list(dictionary_columns))


def _raise_if_table_too_large(
    metadata: Any, columns: Sequence[str], max_rows: int, max_bytes: int
) -> None:
    total_bytes = list_value_count = 0
    for group_index in range(metadata.num_row_groups):
        group = metadata.row_group(group_index)
        for column_index in range(metadata.num_columns):
            chunk = group.column(column_index)
            path = chunk.path_in_schema
            if any(path == name or path.startswith(name + ".") for name in columns):
                total_bytes += chunk.total_uncompressed_size
                # A dictionary makes repeated values small in the file, but not in a list.
                if metadata.schema.column(column_index).max_repetition_level > 0:
                    list_value_count += chunk.num_values
    if metadata.num_rows > max_rows or max(total_bytes, list_value_count * 8) > max_bytes:
        raise TableRefusedError(
            f"It holds more than {max_rows:,} rows or {max_bytes >> 20} MiB.",
            "Import it in parts.",
        )


def _is_arrow_text_type(arrow_type: Any) -> bool:
    if types.is_dictionary(arrow_type):
        arrow_type = arrow_type.value_type
    return bool(
        types.is_string(arrow_type)
        or types.is_large_string(arrow_type)
        or types.is_string_view(arrow_type)
        or types.is_binary(arrow_type)
        or types.is_large_binary(arrow_type)
        or types.is_binary_view(arrow_type)
    )


def _is_arrow_number_list_type(arrow_type: Any) -> bool:
    """Return whether values are lists of numbers; a list of lists is not."""
    is_list = (
        types.is_list(arrow_type)
        or types.is_large_list(arrow_type)
        or types.is_fixed_size_list(arrow_type)
    )
    return is_list and (
        types.is_integer(arrow_type.value_type) or types.is_floating(arrow_type.value_type)
    )


def _is_arrow_number_type(arrow_type: Any) -> bool:
    return bool(
        types.is_boolean(arrow_type)
        or types.is_integer(arrow_type)
        or types.is_floating(arrow_type)
    )


def _encode_list_column_as_float_bytes(column: Any) -> tuple[list[int | None], bytes]:
    """Return the length of each row's list, and all values as float64."""
    lists = [
        compute.cast(row.values, pyarrow.float64()) if row.is_valid else None for row in column
    ]
    lengths = [None if values is None else len(values) for values in lists]
    return lengths, b"".join(
        values.to_numpy(zero_copy_only=False).tobytes() for values in lists if values is not None
    )


def _encode_text_column(column: Any, max_text_bytes: int) -> dict[str, list[Any]]:
    """Return the distinct texts, and for each row the index of its text.

    A text that is longer than `max_text_bytes` counts as missing.
    """
    value_type = column.type.value_type if types.is_dictionary(column.type) else column.type
    if not (types.is_string(value_type) or types.is_large_string(value_type)):
        # Not every operation supports a view, and bytes have to be valid UTF-8.
        try:
            column = column.cast(pyarrow.large_string())
        except pyarrow.ArrowInvalid:
            raise TableRefusedError(
                "A text column holds bytes that are not UTF-8.", "Store it as text."
            ) from None
    if not types.is_dictionary(column.type):
        column = column.dictionary_encode()
    byte_counts = compute.binary_length(column.dictionary).to_pylist()
    values: list[str | None] = []
    index_by_entry: dict[int, int] = {}
    indices: list[int | None] = []
    for entry in column.indices.to_pylist():
        if entry is None or (byte_counts[entry] or 0) > max_text_bytes:
            indices.append(None)
            continue
        if entry not in index_by_entry:
            index_by_entry[entry] = len(values)
            values.append(column.dictionary[entry].as_py())
        indices.append(index_by_entry[entry])
    return {"values": values, "indices": indices}


if __name__ == "__main__":
    answer_table_request_from_stdin()
