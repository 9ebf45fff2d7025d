"""Take a corpus elsewhere: Parquet, a zip of files, or a Hugging Face audio folder."""

from __future__ import annotations

import fcntl
import io
import json
import os
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import IO, Any, Iterator, Sequence

import pandas as pd

from core.corpus import Corpus
from core.errors import EarshotError
from core.progress import Progress, ignore_progress
from core.pipeline.data_card import DataCard, make_data_card
from core.workspace import atomic_write, format_partial_prefix, remove_partial_files

PROGRESS_STEP = "Exporting programs"
WRITE_BATCH_SIZE = 500  # rows written at a time
# One moment for every file, so that the same corpus gives the same bytes.
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
    export_format: str,  # noqa: A002 - the command's own option
    output_path: str | Path,
    progress: Progress = ignore_progress,
    program_ids: Sequence[str] | None = None,
) -> Path:
    """Write a corpus, or some of its programs, into a file or folder of another kind.

    Parameters
    ----------
    corpus : Corpus
    export_format : {"parquet", "zip", "audiofolder"}
        "parquet": one table of all programs, their parameters (JSON), states and
        embeddings (a column ``embedding:ENCODER`` of float32 lists each).
        "zip": programs as .rb files and their clips, with a table of both.
        "audiofolder": a folder that ``datasets.load_dataset("audiofolder",
        data_dir=…)`` loads, with the splits; programs without a clip are left out.
        Each carries the data card.
    output_path : str or Path
        Where to; in an existing folder it is named after the corpus.
    progress : Progress
    program_ids : sequence of str, optional
        Only these. Default: all.

    Returns
    -------
    Path
        What was written, whole or not at all.

    Raises
    ------
    EarshotError
        When the format or a program is unknown, the place is taken, or it cannot
        be written there.
    """
    if export_format not in FORMAT_SUFFIXES:
        raise EarshotError(
            f"A corpus cannot be exported as {str(export_format)[:40]!r}.",
            remedy=f"Use {', '.join(FORMAT_SUFFIXES)}.",
        )
    rows = _select_programs(corpus, program_ids)
    target = _resolve_target(corpus.name, export_format, Path(output_path))
    write = {"parquet": _write_parquet, "zip": _write_zip, "audiofolder": _write_audiofolder}[export_format]
    try:
        remove_partial_files(target)
        write(corpus, rows, target, make_data_card(corpus), progress)
    except OSError as error:
        raise EarshotError(
            f"The export cannot be written ({error.strerror or error}).",
            where=str(target),
            remedy="Check that you may write there and that the disk is not full.",
        ) from error
    return target


def _select_programs(corpus: Corpus, program_ids: Sequence[str] | None) -> pd.DataFrame:
    rows = corpus.load_programs()
    if program_ids is not None:
        unknown = set(program_ids) - set(rows["program"])
        if unknown:
            raise EarshotError(f"The corpus holds no program {sorted(unknown)[0][:80]!r}.")
        rows = rows[rows["program"].isin(set(program_ids))]
    if rows.empty:
        raise EarshotError(f"Corpus '{corpus.name}' has no programs to export.")
    return rows.reset_index(drop=True)


def _resolve_target(corpus_name: str, export_format: str, output_path: Path) -> Path:  # noqa: A002
    if output_path.is_dir() and not (export_format == "audiofolder" and not any(output_path.iterdir())):
        suffix = FORMAT_SUFFIXES[export_format] or "-audiofolder"
        output_path = output_path / f"{corpus_name}{suffix}"
    if output_path.is_file() or (output_path.is_dir() and any(output_path.iterdir())):
        raise EarshotError(
            "Something lies there already.",
            where=str(output_path),
            remedy="Remove it, or choose another place.",
        )
    return output_path


def _make_export_table(rows: pd.DataFrame) -> pd.DataFrame:
    """The columns that every format has, as plain types."""
    table = rows[EXPORTED_COLUMNS].copy()
    for column in JSON_COLUMNS:
        table[column] = [json.dumps(value, ensure_ascii=False) for value in table[column]]
    for column in INTEGER_COLUMNS:
        table[column] = table[column].astype("Int64")
    return table


# -- Parquet -------------------------------------------------------------------------------


def _write_parquet(
    corpus: Corpus, rows: pd.DataFrame, target: Path, card: DataCard, progress: Progress
) -> None:
    import pyarrow
    from pyarrow import parquet

    embedded = [(name, *corpus.load_embeddings(name)) for name, _, number in corpus.list_encoders() if number]
    places = [
        (name, {program: at for at, program in enumerate(ids)}, matrix)
        for name, ids, matrix in embedded
    ]
    facts = _make_export_table(rows)
    schema = pyarrow.Schema.from_pandas(facts, preserve_index=False).remove_metadata()
    for column in ("error_kind", "error_message"):  # may be empty in all rows
        schema = schema.set(schema.get_field_index(column), pyarrow.field(column, pyarrow.string()))
    for name, _, matrix in embedded:
        kind = pyarrow.list_(pyarrow.float32(), matrix.shape[1])
        schema = schema.append(pyarrow.field(f"embedding:{name}", kind))
    schema = schema.with_metadata({"earshot": card.json})
    with atomic_write(target) as handle:
        with parquet.ParquetWriter(handle, schema, compression="zstd") as writer:
            for start in range(0, len(facts), WRITE_BATCH_SIZE):
                block = facts.iloc[start : start + WRITE_BATCH_SIZE]
                table = pyarrow.Table.from_pandas(
                    block, schema=pyarrow.schema(list(schema)[: len(EXPORTED_COLUMNS)]), preserve_index=False
                )
                for name, place, matrix in places:
                    vectors = [
                        matrix[place[each]] if each in place else None for each in block["program"]
                    ]
                    field = schema.field(f"embedding:{name}")
                    table = table.append_column(field, pyarrow.array(vectors, field.type))
                writer.write_table(table.cast(schema))
                progress(PROGRESS_STEP, start + len(block), len(facts))


# -- Files ---------------------------------------------------------------------------------


def _write_zip(
    corpus: Corpus, rows: pd.DataFrame, target: Path, card: DataCard, progress: Progress
) -> None:
    names = _make_file_names(rows)
    table = _make_export_table(rows).drop(columns="source")
    table.insert(2, "code_file", [f"programs/{name}.rb" for name in names])
    table.insert(3, "audio_file", list(_make_audio_names(rows, names, "audio/")))
    with atomic_write(target) as handle, zipfile.ZipFile(handle, "w") as archive:

        def store_text(path: str, content: str) -> None:
            _store_entry(archive, path, io.BytesIO(content.encode("utf-8")), zipfile.ZIP_DEFLATED)

        store_text("README.md", card.markdown)
        store_text("card.json", card.json)
        store_text("programs.csv", table.to_csv(index=False, lineterminator="\n"))
        for at, row in enumerate(rows.itertuples(), 1):
            store_text(table["code_file"][at - 1], row.source)
            if row.audio is not None:
                with _open_clip(row.audio) as clip:
                    _store_entry(archive, table["audio_file"][at - 1], clip, zipfile.ZIP_STORED)
            progress(PROGRESS_STEP, at, len(rows))


def _store_entry(archive: zipfile.ZipFile, entry_path: str, content: IO[bytes], compression: int) -> None:
    entry = zipfile.ZipInfo(entry_path, ARCHIVE_TIMESTAMP)
    entry.compress_type = compression
    entry.external_attr = 0o644 << 16
    with archive.open(entry, "w", force_zip64=True) as handle:
        shutil.copyfileobj(content, handle)


def _open_clip(path: str) -> IO[bytes]:
    try:
        return open(path, "rb")
    except OSError as error:
        raise EarshotError(
            f"A clip cannot be read ({error.strerror}).",
            where=path,
            remedy="./run check CORPUS --repair mends it.",
        ) from error


def _write_audiofolder(
    corpus: Corpus, rows: pd.DataFrame, target: Path, card: DataCard, progress: Progress
) -> None:
    rows = rows[rows["state"] == "ok"].reset_index(drop=True)
    if rows.empty:
        raise EarshotError(f"Corpus '{corpus.name}' has no clips to export.")
    names = _make_file_names(rows)
    files = list(_make_audio_names(rows, names, ""))
    with _AtomicFolder(target) as folder:
        readme = _format_front_matter(card) + card.markdown + README_LOADING_SECTION
        (folder / "README.md").write_text(readme, encoding="utf-8")
        (folder / "card.json").write_text(card.json, encoding="utf-8")
        for at, row in enumerate(rows.itertuples()):
            place = folder / row.split / files[at]
            place.parent.mkdir(exist_ok=True)
            with _open_clip(row.audio) as clip, open(place, "wb") as copy:
                shutil.copyfileobj(clip, copy)
            progress(PROGRESS_STEP, at + 1, len(rows))
        facts = _make_export_table(rows).drop(columns=["state", "error_kind", "error_message", "error_line"])
        facts.insert(0, "file_name", files)
        for part, some in facts.groupby("split"):
            some.to_json(
                folder / str(part) / "metadata.jsonl",
                orient="records",
                lines=True,
                force_ascii=False,
            )


def _format_front_matter(card: DataCard) -> str:
    """What the Hugging Face hub reads of a data card."""
    counts = card.facts["split"]
    return (
        f"---\npretty_name: {json.dumps(card.facts['corpus'])}\n"
        "tags:\n- audio\n- code\n- sonic-pi\n"
        f"size_categories:\n- {_choose_size_category(sum(counts.values()))}\n---\n\n"
    )


def _choose_size_category(program_count: int) -> str:
    for most, name in ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K")):
        if program_count < most:
            return name
    return "100K<n<1M"


def _make_file_names(rows: pd.DataFrame) -> list[str]:
    """A file name without suffix for each program, no two alike on any file system."""
    taken: set[str] = set()
    names = []
    for name in rows["name"]:
        safe = "".join(c if c.isalnum() or c in "-_. " else "_" for c in name).strip(" .") or "_"
        free, number = safe, 2
        while free.casefold() in taken:
            free, number = f"{safe}-{number}", number + 1
        taken.add(free.casefold())
        names.append(free)
    return names


def _make_audio_names(rows: pd.DataFrame, file_names: list[str], folder: str) -> Iterator[str | None]:
    for name, audio in zip(file_names, rows["audio"]):
        yield f"{folder}{name}{Path(audio).suffix}" if audio else None


class _AtomicFolder:
    """A folder that appears at its place when the block is through, and never before."""

    def __init__(self, target: Path):
        self._target = target

    def __enter__(self) -> Path:
        parent = self._target.absolute().parent
        parent.mkdir(parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(prefix=format_partial_prefix(self._target), dir=parent))
        self._descriptor = os.open(self._folder, os.O_RDONLY)
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)  # see `core.workspace.remove_partial_files`
        return self._folder

    def __exit__(self, exception_type: type | None, *_: Any) -> None:
        try:
            if exception_type is None:
                os.chmod(self._folder, 0o755)
                os.replace(self._folder, self._target)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
            os.close(self._descriptor)
