"""Writing of exported tables as Parquet files that describe their own columns."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pandas as pd
import soundfile

from core.corpus import get_local_clip_file
from core.errors import EarshotError
from core.file_locks_and_atomic_writes import atomic_write
from core.pipeline.exported_program_table import describe_columns
from core.pipeline.exported_vector_columns import VectorColumn
from core.sonicpi.audio_clip_and_render_result import Clip

if TYPE_CHECKING:
    import pyarrow

WRITE_BATCH_SIZE = 500
"""Rows of a Parquet file that are written at a time."""
ReportRows = Callable[[int, int], None]
"""Takes the number of rows written and the number of all rows."""


def write_export_parquet(
    path: Path,
    table: pd.DataFrame,
    vector_columns: Sequence[VectorColumn],
    card_json: str,
    report_rows: ReportRows,
) -> None:
    """Write programs with their vectors.

    Parameters
    ----------
    path : Path
        Written completely or not at all.
    table : DataFrame
        As `core.pipeline.exported_program_table.build_export_table` returns it.
    vector_columns : sequence of VectorColumn
    card_json : str
        The data card, which becomes the file's metadata "earshot".
    report_rows : callable
    """
    # pyarrow takes a tenth of a second to import, and only these files need it.
    import pyarrow

    vector_types = {
        column.name: pyarrow.list_(pyarrow.float32(), column.dim) for column in vector_columns
    }

    def read_batch(batch: pd.DataFrame) -> dict[str, list[Any]]:
        return {
            column.name: [column.vector_by_program.get(name) for name in batch["program"]]
            for column in vector_columns
        }

    _write_parquet_in_batches(
        path, table, _BatchColumns(vector_types, read_batch), card_json, report_rows
    )


def write_atlas_parquet(
    path: Path, table: pd.DataFrame, card_json: str, report_rows: ReportRows
) -> None:
    """Write the table for `embedding-atlas`, with the bytes of each clip.

    Parameters
    ----------
    path : Path
        Written completely or not at all.
    table : DataFrame
        As `core.pipeline.embedding_atlas_export.build_atlas_table` returns it.
    card_json : str
        The data card, which becomes the file's metadata "earshot".
    report_rows : callable
    """
    import pyarrow

    audio_type = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    neighbour_type = pyarrow.struct(
        [("ids", pyarrow.list_(pyarrow.int64())), ("distances", pyarrow.list_(pyarrow.float32()))]
    )
    plain_table = table.drop(columns=["clip_path", "neighbours"])

    def read_batch(batch: pd.DataFrame) -> dict[str, list[Any]]:
        rows = table.loc[batch.index]
        return {
            "neighbours": rows["neighbours"].tolist(),
            "audio": [
                {"bytes": _read_clip_as_ogg(clip_path), "path": f"{Path(audio_file).stem}.ogg"}
                for clip_path, audio_file in zip(rows["clip_path"], rows["audio_file"])
            ],
        }

    types = {"neighbours": neighbour_type, "audio": audio_type}
    _write_parquet_in_batches(
        path, plain_table, _BatchColumns(types, read_batch), card_json, report_rows
    )


def open_clip_file(path: str) -> IO[bytes]:
    """Open a clip of the corpus for reading, fetched from its audio store if needed.

    Raises
    ------
    EarshotError
        If it cannot be read.
    """
    try:
        return open(get_local_clip_file(path), "rb")
    except OSError as error:
        raise EarshotError(
            f"A clip cannot be read ({error.strerror}).",
            where=path,
            remedy="./run check CORPUS --repair repairs it.",
        ) from error


@dataclass(frozen=True)
class _BatchColumns:
    """Columns whose values are read when their rows are written, because they fill memory."""

    types: dict[str, pyarrow.DataType]
    read_batch: Callable[[pd.DataFrame], dict[str, list[Any]]]


def _write_parquet_in_batches(
    path: Path,
    table: pd.DataFrame,
    batch_columns: _BatchColumns,
    card_json: str,
    report_rows: ReportRows,
) -> None:
    import pyarrow
    from pyarrow import parquet

    plain_schema = _make_plain_schema(table)
    descriptions = describe_columns([*plain_schema.names, *batch_columns.types])
    fields = [*plain_schema, *(pyarrow.field(*item) for item in batch_columns.types.items())]
    schema = pyarrow.schema(
        [field.with_metadata({"description": descriptions[field.name]}) for field in fields],
        {"earshot": card_json, "columns": json.dumps(descriptions, ensure_ascii=False)},
    )
    with (
        atomic_write(path) as handle,
        parquet.ParquetWriter(handle, schema, compression="zstd") as writer,
    ):
        for start in range(0, len(table), WRITE_BATCH_SIZE):
            batch = table.iloc[start : start + WRITE_BATCH_SIZE]
            arrow_table = pyarrow.Table.from_pandas(
                batch, schema=plain_schema, preserve_index=False
            )
            for name, values in batch_columns.read_batch(batch).items():
                array = pyarrow.array(values, batch_columns.types[name])
                arrow_table = arrow_table.append_column(schema.field(name), array)
            writer.write_table(arrow_table.cast(schema))
            report_rows(start + len(batch), len(table))


def _make_plain_schema(table: pd.DataFrame) -> pyarrow.Schema:
    import pyarrow

    schema = pyarrow.Schema.from_pandas(table, preserve_index=False).remove_metadata()
    for index, field in enumerate(schema):
        if pyarrow.types.is_null(field.type):  # The type of an empty column is unknown.
            schema = schema.set(index, pyarrow.field(field.name, pyarrow.string()))
    return schema


def _read_clip_as_ogg(path: str) -> bytes:
    """Return a clip as Ogg Vorbis, because FLAC takes six times the space in a browser."""
    with open_clip_file(path) as file:
        content = file.read()
    if path.endswith(".ogg"):
        return content
    samples, sample_rate = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
    return Clip(samples, sample_rate).encode_audio_file(".ogg")
