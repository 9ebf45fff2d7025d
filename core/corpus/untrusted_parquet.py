"""Read untrusted Parquet tables in a process of their own, row by row and within limits.

A Parquet file of some kilobytes can describe a table of any size, and a damaged file can abort the
process that reads it. The reader (`core.corpus.parquet_reader_process`) checks sizes before it
reads rows, and its death is an error like any other here.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from core.errors import EarshotError

MAX_TEXT_BYTES = 8 << 20  # A vector of 16,384 numbers that is written as text takes a quarter.
PARQUET_MAGIC = b"PAR1"
READER_PROGRAM = Path(__file__).with_name("parquet_reader_process.py")
MAX_READER_OUTPUT_CHARS = 300  # of what a failed reader printed, in an error message


def read_parquet_columns(content: bytes, file_name: str) -> list[str]:
    """Return the names of a table's columns.

    Parameters
    ----------
    content : bytes
    file_name : str
        The name of the file, for messages.

    Raises
    ------
    EarshotError
        When it is not a Parquet table.
    """
    request = {"columns": None, "max_rows": 0, "max_bytes": 0, "max_text_bytes": 0}
    with contextlib.closing(_run_parquet_reader(request, content, file_name)) as frames:
        return [str(name) for name in next(frames)[0]["columns"]]


def iterate_parquet_rows(
    content: bytes, file_name: str, columns: Sequence[str], max_rows: int, max_bytes: int
) -> Iterator[dict[str, Any]]:
    """Yield the rows of some of a table's columns.

    Parameters
    ----------
    content : bytes
    file_name : str
        The name of the file, for messages.
    columns : sequence of str
        Columns that the table has.
    max_rows : int
        Largest accepted number of rows.
    max_bytes : int
        Largest accepted size of these columns, in bytes after decompression. Repeated texts count
        once.

    Yields
    ------
    dict of str to object
        The values by column: str, int, float, bool, or float64 array for a list of numbers. A
        text of more than 8 MiB, a missing value and a value of any other type is None.

    Raises
    ------
    EarshotError
        When the table is damaged or exceeds a limit.
    """
    request = {
        "columns": list(columns),
        "max_rows": max_rows,
        "max_bytes": max_bytes,
        "max_text_bytes": MAX_TEXT_BYTES,
    }
    with contextlib.closing(_run_parquet_reader(request, content, file_name)) as frames:
        for frame, blob in frames:
            values = _decode_row_batch_columns(frame, blob)
            for row in range(frame["row_count"]):
                yield {name: values[name][row] if name in values else None for name in columns}


def _decode_row_batch_columns(frame: Mapping[str, Any], blob: bytes) -> dict[str, Sequence[Any]]:
    """Return the values of each column of a batch of rows."""
    values: dict[str, Sequence[Any]] = dict(frame["numbers"])
    for name, texts in frame["texts"].items():
        values[name] = [
            None if index is None else texts["values"][index] for index in texts["indices"]
        ]
    numbers = np.frombuffer(blob, dtype=np.float64)
    start = 0
    for name, lengths in frame["lists"].items():
        arrays: list[np.ndarray | None] = []
        for length in lengths:
            arrays.append(None if length is None else numbers[start : start + length])
            start += length or 0
        values[name] = arrays
    return values


def _run_parquet_reader(
    request: Mapping[str, Any], content: bytes, file_name: str
) -> Generator[tuple[dict[str, Any], bytes], None, None]:
    """Run the reader and yield its frames; closing the iterator ends the reader."""
    if not content.startswith(PARQUET_MAGIC) or not content.endswith(PARQUET_MAGIC):
        raise EarshotError("The table is damaged (it is not a Parquet file).", where=file_name)
    with tempfile.TemporaryFile() as reader_input, tempfile.TemporaryFile() as reader_errors:
        reader_input.write(json.dumps(request).encode() + b"\n")
        reader_input.write(content)
        reader_input.seek(0)
        with subprocess.Popen(
            # -P: modules of this folder must not hide those that pyarrow imports.
            [sys.executable, "-P", str(READER_PROGRAM)],
            stdin=reader_input,
            stdout=subprocess.PIPE,
            stderr=reader_errors,
        ) as reader:
            assert reader.stdout is not None  # stdout=PIPE
            try:
                while (frame := _read_frame_from_reader_process(reader.stdout)) is not None:
                    if "error" in frame[0]:
                        raise EarshotError(
                            frame[0]["error"], where=file_name, remedy=frame[0]["remedy"]
                        )
                    if "end" in frame[0]:
                        return
                    yield frame
                status = reader.wait()
            finally:
                reader.kill()
        raise _make_parquet_reader_error(status, reader_errors, file_name)


def _read_frame_from_reader_process(output: IO[bytes]) -> tuple[dict[str, Any], bytes] | None:
    """Return the next frame; None when the reader has died."""
    line = output.readline()
    if not line.endswith(b"\n"):
        return None
    frame = json.loads(line)
    blob = output.read(frame["blob_bytes"])
    return (frame, blob) if len(blob) == frame["blob_bytes"] else None


def _make_parquet_reader_error(status: int, reader_errors: IO[bytes], file_name: str) -> Exception:
    if status < 0:  # A signal ended it: pyarrow's abort, a crash, no memory, too much time.
        return EarshotError(
            f"The table is damaged or too large (its reader was ended by signal {-status}).",
            where=file_name,
            remedy="Write it again with another program, or import it in parts.",
        )
    reader_errors.seek(0)
    output = reader_errors.read().decode("utf-8", "replace").strip()
    return RuntimeError(f"The Parquet reader failed: {output[-MAX_READER_OUTPUT_CHARS:]}")
