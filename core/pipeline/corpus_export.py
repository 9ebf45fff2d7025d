"""Export of a corpus as Parquet, as a zip of files, or as a Hugging Face audio folder."""

from __future__ import annotations

import io
import json
import shutil
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd

from core import workspace
from core.corpus import Corpus
from core.errors import EarshotError
from core.file_errors import convert_write_errors
from core.file_locks_and_atomic_writes import (
    atomic_write,
    atomic_write_folder,
    remove_partial_files,
)
from core.pipeline.data_card import DataCard, make_data_card
from core.pipeline.unique_file_names import make_names_unique
from core.progress_callback import Progress, ignore_progress

PROGRESS_STEP = "Exporting programs"
WRITE_BATCH_SIZE = 500
"""Rows of a Parquet file that are written at a time."""
# The same for every file, so that the same corpus gives the same bytes.
ARCHIVE_TIMESTAMP = (1980, 1, 1, 0, 0, 0)
FORMAT_SUFFIXES = {"parquet": ".parquet", "zip": ".zip", "audiofolder": ""}
EXPORTED_COLUMNS = [
    "program",
    "name",
    "template",
    "role",
    "seed",
    "parameters",
    "split",
    "state",
    "seconds",
    "rms",
    "peak",
    "warnings",
    "error_kind",
    "error_message",
    "error_line",
    "source",
]
README_LOADING_SECTION = """
## Loading

```python
from datasets import load_dataset  # pip install datasets torchcodec; torchcodec needs FFmpeg

corpus = load_dataset("audiofolder", data_dir="this folder")
```

Without decoding the sound: `corpus.cast_column("audio", datasets.Audio(decode=False))`.
"""
JSON_COLUMNS = ("parameters", "warnings")
INTEGER_COLUMNS = ("seed", "error_line")


def export_corpus(
    corpus: Corpus,
    export_format: str,
    output_path: str | Path,
    progress: Progress = ignore_progress,
    program_ids: Sequence[str] | None = None,
) -> Path:
    """Write a corpus, or some of its programs, to a file or folder.

    Parameters
    ----------
    corpus : Corpus
    export_format : {"parquet", "zip", "audiofolder"}
        "parquet": one table of all programs with their parameters (JSON), states and embeddings
        (one column ``embedding:ENCODER`` of float32 lists per encoder). "zip": programs as .rb
        files and their clips, with a table of both. "audiofolder": a folder that
        ``datasets.load_dataset("audiofolder", data_dir=…)`` loads, with the splits but without
        programs that have no clip. Each contains the data card.
    output_path : str or Path
        The file or folder to write; in an existing folder, a file named after the corpus.
    progress : Progress
    program_ids : sequence of str, optional
        Ids of the programs to export. Default: all.

    Returns
    -------
    Path
        The file or folder, which is written completely or not at all.

    Raises
    ------
    EarshotError
        When the format or a program is unknown, the file exists, or it cannot be written.

    Examples
    --------
    >>> export_corpus(Corpus.open("starter"), "parquet", "starter.parquet")
    PosixPath('starter.parquet')
    """
    if export_format not in FORMAT_SUFFIXES:
        raise EarshotError(
            f"A corpus cannot be exported as {str(export_format)[:40]!r}.",
            remedy=f"Use {', '.join(FORMAT_SUFFIXES)}.",
        )
    programs = _select_exported_programs(corpus, program_ids)
    target = _choose_export_path(corpus.name, export_format, Path(output_path))
    writers = {
        "parquet": _write_parquet_export,
        "zip": _write_zip_export,
        "audiofolder": _write_audiofolder_export,
    }
    write = writers[export_format]
    with convert_write_errors("The export", target):
        remove_partial_files(target)
        write(corpus, programs, target, make_data_card(corpus), progress)
    return target


def make_export_path(corpus_name: str, export_format: str) -> Path:
    """Return the path of a new export in the workspace, named after the corpus and the time.

    Parameters
    ----------
    corpus_name : str
    export_format : {"parquet", "zip", "audiofolder"}
    """
    file_name = f"{corpus_name}-{time.strftime('%Y%m%d-%H%M%S')}{FORMAT_SUFFIXES[export_format]}"
    return workspace.get_workspace_root() / "exports" / file_name


def _select_exported_programs(corpus: Corpus, program_ids: Sequence[str] | None) -> pd.DataFrame:
    programs = corpus.load_programs()
    if program_ids is not None:
        unknown = set(program_ids) - set(programs["program"])
        if unknown:
            raise EarshotError(f"The corpus holds no program {sorted(unknown)[0][:80]!r}.")
        programs = programs[programs["program"].isin(set(program_ids))]
    if programs.empty:
        raise EarshotError(f"Corpus '{corpus.name}' has no programs to export.")
    return programs.reset_index(drop=True)


def _choose_export_path(corpus_name: str, export_format: str, output_path: Path) -> Path:
    is_usable_folder = export_format == "audiofolder" and _is_empty_folder(output_path)
    if output_path.is_dir() and not is_usable_folder:
        suffix = FORMAT_SUFFIXES[export_format] or "-audiofolder"
        output_path = output_path / f"{corpus_name}{suffix}"
    if output_path.exists() and not _is_empty_folder(output_path):
        raise EarshotError(
            "There is something at that path already.",
            where=str(output_path),
            remedy="Remove it, or choose another path.",
        )
    return output_path


def _is_empty_folder(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def _make_export_table(programs: pd.DataFrame) -> pd.DataFrame:
    """Return the columns that every format has, as plain types."""
    table = programs[EXPORTED_COLUMNS].copy()
    for column in JSON_COLUMNS:
        table[column] = [json.dumps(value, ensure_ascii=False) for value in table[column]]
    for column in INTEGER_COLUMNS:
        table[column] = table[column].astype("Int64")
    return table


# -- Parquet -------------------------------------------------------------------------------


def _write_parquet_export(
    corpus: Corpus, programs: pd.DataFrame, target: Path, card: DataCard, progress: Progress
) -> None:
    # pyarrow takes a tenth of a second to import, and only this format needs it.
    import pyarrow
    from pyarrow import parquet

    table = _make_export_table(programs)
    schema = pyarrow.Schema.from_pandas(table, preserve_index=False).remove_metadata()
    for column in ("error_kind", "error_message"):  # The type of an empty column is unknown.
        schema = schema.set(schema.get_field_index(column), pyarrow.field(column, pyarrow.string()))
    program_schema = schema
    embeddings_by_column: dict[str, dict[str, np.ndarray]] = {}
    for encoder_id, _, count in corpus.count_embeddings_by_encoder():
        if count:
            program_ids, embeddings = corpus.load_embeddings(encoder_id)
            column = f"embedding:{encoder_id}"
            embeddings_by_column[column] = dict(zip(program_ids, embeddings))
            vector_type = pyarrow.list_(pyarrow.float32(), embeddings.shape[1])
            schema = schema.append(pyarrow.field(column, vector_type))
    schema = schema.with_metadata({"earshot": card.json})
    with (
        atomic_write(target) as handle,
        parquet.ParquetWriter(handle, schema, compression="zstd") as writer,
    ):
        for start in range(0, len(table), WRITE_BATCH_SIZE):
            batch = table.iloc[start : start + WRITE_BATCH_SIZE]
            arrow_table = pyarrow.Table.from_pandas(
                batch, schema=program_schema, preserve_index=False
            )
            for column, embeddings_by_program in embeddings_by_column.items():
                field = schema.field(column)
                vectors = [embeddings_by_program.get(name) for name in batch["program"]]
                arrow_table = arrow_table.append_column(field, pyarrow.array(vectors, field.type))
            writer.write_table(arrow_table.cast(schema))
            progress(PROGRESS_STEP, start + len(batch), len(table))


# -- Files ---------------------------------------------------------------------------------


def _write_zip_export(
    _corpus: Corpus, programs: pd.DataFrame, target: Path, card: DataCard, progress: Progress
) -> None:
    names = _make_program_file_names(programs)
    code_files = [f"programs/{name}.rb" for name in names]
    audio_files = _make_exported_audio_paths(programs, names, "audio/")
    table = _make_export_table(programs).drop(columns="source")
    table.insert(2, "code_file", code_files)
    table.insert(3, "audio_file", audio_files)
    with atomic_write(target) as handle, zipfile.ZipFile(handle, "w") as archive:
        _add_text_to_zip(archive, "README.md", card.markdown)
        _add_text_to_zip(archive, "card.json", card.json)
        _add_text_to_zip(archive, "programs.csv", table.to_csv(index=False, lineterminator="\n"))
        for index, (source, clip_path) in enumerate(zip(programs["source"], programs["audio"])):
            _add_text_to_zip(archive, code_files[index], source)
            audio_file = audio_files[index]
            if audio_file is not None:
                with _open_clip_file(clip_path) as clip:
                    _add_file_to_zip(archive, audio_file, clip, zipfile.ZIP_STORED)
            progress(PROGRESS_STEP, index + 1, len(programs))


def _add_text_to_zip(archive: zipfile.ZipFile, entry_path: str, content: str) -> None:
    encoded = io.BytesIO(content.encode("utf-8"))
    _add_file_to_zip(archive, entry_path, encoded, zipfile.ZIP_DEFLATED)


def _add_file_to_zip(
    archive: zipfile.ZipFile, entry_path: str, content: IO[bytes], compression: int
) -> None:
    entry = zipfile.ZipInfo(entry_path, ARCHIVE_TIMESTAMP)
    entry.compress_type = compression
    entry.external_attr = 0o644 << 16
    with archive.open(entry, "w", force_zip64=True) as handle:
        shutil.copyfileobj(content, handle)


def _open_clip_file(path: str) -> IO[bytes]:
    try:
        return open(path, "rb")
    except OSError as error:
        raise EarshotError(
            f"A clip cannot be read ({error.strerror}).",
            where=path,
            remedy="./run check CORPUS --repair repairs it.",
        ) from error


def _write_audiofolder_export(
    corpus: Corpus, programs: pd.DataFrame, target: Path, card: DataCard, progress: Progress
) -> None:
    programs = programs[programs["state"] == "ok"].reset_index(drop=True)
    if programs.empty:
        raise EarshotError(f"Corpus '{corpus.name}' has no clips to export.")
    files = _make_exported_audio_paths(programs, _make_program_file_names(programs), "")
    with atomic_write_folder(target) as folder:
        readme = _format_dataset_card_header(card) + card.markdown + README_LOADING_SECTION
        (folder / "README.md").write_text(readme, encoding="utf-8")
        (folder / "card.json").write_text(card.json, encoding="utf-8")
        for index, (split, clip_path) in enumerate(zip(programs["split"], programs["audio"])):
            path = folder / split / str(files[index])
            path.parent.mkdir(exist_ok=True)
            with _open_clip_file(clip_path) as clip, open(path, "wb") as copy:
                shutil.copyfileobj(clip, copy)
            progress(PROGRESS_STEP, index + 1, len(programs))
        table = _make_export_table(programs)
        table = table.drop(columns=["state", "error_kind", "error_message", "error_line"])
        table.insert(0, "file_name", files)
        for split, rows in table.groupby("split"):
            rows.to_json(
                folder / str(split) / "metadata.jsonl",
                orient="records",
                lines=True,
                force_ascii=False,
            )


def _format_dataset_card_header(card: DataCard) -> str:
    """Return the YAML header that the Hugging Face hub reads."""
    counts = card.facts["split"]
    return (
        f"---\npretty_name: {json.dumps(card.facts['corpus'])}\n"
        "tags:\n- audio\n- code\n- sonic-pi\n"
        f"size_categories:\n- {_choose_size_category(sum(counts.values()))}\n---\n\n"
    )


def _choose_size_category(program_count: int) -> str:
    for limit, category in ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K")):
        if program_count < limit:
            return category
    return "100K<n<1M"


def _make_program_file_names(programs: pd.DataFrame) -> list[str]:
    """Return a file name without suffix for each program; they differ on any file system."""
    safe_names = (
        "".join(char if char.isalnum() or char in "-_. " else "_" for char in name).strip(" .")
        or "_"
        for name in programs["name"]
    )
    return make_names_unique(safe_names, str.casefold)


def _make_exported_audio_paths(
    programs: pd.DataFrame, file_names: list[str], folder: str
) -> list[str | None]:
    return [
        f"{folder}{name}{Path(clip_path).suffix}" if clip_path else None
        for name, clip_path in zip(file_names, programs["audio"])
    ]
