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
from core.progress import Progress, silent
from core.pipeline.data_card import DataCard, data_card
from core.workspace import atomic_write, partial, sweep

STEP = "Exporting programs"
BLOCK = 500  # rows written at a time
# One moment for every file, so that the same corpus gives the same bytes.
MOMENT = (1980, 1, 1, 0, 0, 0)
SUFFIXES = {"parquet": ".parquet", "zip": ".zip", "audiofolder": ""}
FACTS = [
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
LOADING = """
## Loading

```python
from datasets import load_dataset  # pip install datasets torchcodec; torchcodec needs FFmpeg

corpus = load_dataset("audiofolder", data_dir="this folder")
```

Without decoding the sound: `corpus.cast_column("audio", datasets.Audio(decode=False))`.
"""
JSON_COLUMNS = ("parameters", "warnings")
INTEGERS = ("seed", "error_line")


def export(
    corpus_name: str,
    format: str,  # noqa: A002 - the command's own option
    out: str | Path,
    progress: Progress = silent,
    program_ids: Sequence[str] | None = None,
) -> Path:
    """Write a corpus, or some of its programs, into a file or folder of another kind.

    Parameters
    ----------
    corpus_name : str
    format : {"parquet", "zip", "audiofolder"}
        "parquet": one table of all programs, their parameters (JSON), states and
        embeddings (a column ``embedding:ENCODER`` of float32 lists each).
        "zip": programs as .rb files and their clips, with a table of both.
        "audiofolder": a folder that ``datasets.load_dataset("audiofolder",
        data_dir=…)`` loads, with the splits; programs without a clip are left out.
        Each carries the data card.
    out : str or Path
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
    if format not in SUFFIXES:
        raise EarshotError(
            f"A corpus cannot be exported as {str(format)[:40]!r}.",
            remedy=f"Use {', '.join(SUFFIXES)}.",
        )
    corpus = Corpus.open(corpus_name)
    rows = _chosen(corpus, program_ids)
    target = _target(corpus_name, format, Path(out))
    write = {"parquet": _parquet, "zip": _zip, "audiofolder": _audiofolder}[format]
    try:
        sweep(target)
        write(corpus, rows, target, data_card(corpus_name), progress)
    except OSError as error:
        raise EarshotError(
            f"The export cannot be written ({error.strerror or error}).",
            where=str(target),
            remedy="Check that you may write there and that the disk is not full.",
        ) from error
    return target


def _chosen(corpus: Corpus, program_ids: Sequence[str] | None) -> pd.DataFrame:
    rows = corpus.programs()
    if program_ids is not None:
        unknown = set(program_ids) - set(rows["program"])
        if unknown:
            raise EarshotError(f"The corpus holds no program {sorted(unknown)[0][:80]!r}.")
        rows = rows[rows["program"].isin(set(program_ids))]
    if rows.empty:
        raise EarshotError(f"Corpus '{corpus.name}' has no programs to export.")
    return rows.reset_index(drop=True)


def _target(corpus_name: str, format: str, out: Path) -> Path:  # noqa: A002
    if out.is_dir() and not (format == "audiofolder" and not any(out.iterdir())):
        suffix = SUFFIXES[format] or "-audiofolder"
        out = out / f"{corpus_name}{suffix}"
    if out.is_file() or (out.is_dir() and any(out.iterdir())):
        raise EarshotError(
            "Something lies there already.",
            where=str(out),
            remedy="Remove it, or choose another place.",
        )
    return out


def _facts(rows: pd.DataFrame) -> pd.DataFrame:
    """The columns that every format has, as plain types."""
    table = rows[FACTS].copy()
    for column in JSON_COLUMNS:
        table[column] = [json.dumps(value, ensure_ascii=False) for value in table[column]]
    for column in INTEGERS:
        table[column] = table[column].astype("Int64")
    return table


# -- Parquet -------------------------------------------------------------------------------


def _parquet(
    corpus: Corpus, rows: pd.DataFrame, target: Path, card: DataCard, progress: Progress
) -> None:
    import pyarrow
    from pyarrow import parquet

    embedded = [(name, *corpus.embeddings(name)) for name, _, number in corpus.encoders() if number]
    places = [
        (name, {program: at for at, program in enumerate(ids)}, matrix)
        for name, ids, matrix in embedded
    ]
    facts = _facts(rows)
    schema = pyarrow.Schema.from_pandas(facts, preserve_index=False).remove_metadata()
    for column in ("error_kind", "error_message"):  # may be empty in all rows
        schema = schema.set(schema.get_field_index(column), pyarrow.field(column, pyarrow.string()))
    for name, _, matrix in embedded:
        kind = pyarrow.list_(pyarrow.float32(), matrix.shape[1])
        schema = schema.append(pyarrow.field(f"embedding:{name}", kind))
    schema = schema.with_metadata({"earshot": card.json})
    with atomic_write(target) as handle:
        with parquet.ParquetWriter(handle, schema, compression="zstd") as writer:
            for start in range(0, len(facts), BLOCK):
                block = facts.iloc[start : start + BLOCK]
                table = pyarrow.Table.from_pandas(
                    block, schema=pyarrow.schema(list(schema)[: len(FACTS)]), preserve_index=False
                )
                for name, place, matrix in places:
                    vectors = [
                        matrix[place[each]] if each in place else None for each in block["program"]
                    ]
                    field = schema.field(f"embedding:{name}")
                    table = table.append_column(field, pyarrow.array(vectors, field.type))
                writer.write_table(table.cast(schema))
                progress(STEP, start + len(block), len(facts))


# -- Files ---------------------------------------------------------------------------------


def _zip(
    corpus: Corpus, rows: pd.DataFrame, target: Path, card: DataCard, progress: Progress
) -> None:
    names = _file_names(rows)
    table = _facts(rows).drop(columns="source")
    table.insert(2, "code_file", [f"programs/{name}.rb" for name in names])
    table.insert(3, "audio_file", list(_audio_names(rows, names, "audio/")))
    with atomic_write(target) as handle, zipfile.ZipFile(handle, "w") as archive:

        def text(path: str, content: str) -> None:
            _store(archive, path, io.BytesIO(content.encode("utf-8")), zipfile.ZIP_DEFLATED)

        text("README.md", card.markdown)
        text("card.json", card.json)
        text("programs.csv", table.to_csv(index=False, lineterminator="\n"))
        for at, row in enumerate(rows.itertuples(), 1):
            text(table["code_file"][at - 1], row.source)
            if row.audio is not None:
                with _opened(row.audio) as clip:
                    _store(archive, table["audio_file"][at - 1], clip, zipfile.ZIP_STORED)
            progress(STEP, at, len(rows))


def _store(archive: zipfile.ZipFile, path: str, content: IO[bytes], compression: int) -> None:
    entry = zipfile.ZipInfo(path, MOMENT)
    entry.compress_type = compression
    entry.external_attr = 0o644 << 16
    with archive.open(entry, "w", force_zip64=True) as handle:
        shutil.copyfileobj(content, handle)


def _opened(path: str) -> IO[bytes]:
    try:
        return open(path, "rb")
    except OSError as error:
        raise EarshotError(
            f"A clip cannot be read ({error.strerror}).",
            where=path,
            remedy="./run check CORPUS --repair mends it.",
        ) from error


def _audiofolder(
    corpus: Corpus, rows: pd.DataFrame, target: Path, card: DataCard, progress: Progress
) -> None:
    rows = rows[rows["state"] == "ok"].reset_index(drop=True)
    if rows.empty:
        raise EarshotError(f"Corpus '{corpus.name}' has no clips to export.")
    names = _file_names(rows)
    files = list(_audio_names(rows, names, ""))
    with _beside(target) as folder:
        readme = _front_matter(card) + card.markdown + LOADING
        (folder / "README.md").write_text(readme, encoding="utf-8")
        (folder / "card.json").write_text(card.json, encoding="utf-8")
        for at, row in enumerate(rows.itertuples()):
            place = folder / row.split / files[at]
            place.parent.mkdir(exist_ok=True)
            with _opened(row.audio) as clip, open(place, "wb") as copy:
                shutil.copyfileobj(clip, copy)
            progress(STEP, at + 1, len(rows))
        facts = _facts(rows).drop(columns=["state", "error_kind", "error_message", "error_line"])
        facts.insert(0, "file_name", files)
        for part, some in facts.groupby("split"):
            some.to_json(
                folder / str(part) / "metadata.jsonl",
                orient="records",
                lines=True,
                force_ascii=False,
            )


def _front_matter(card: DataCard) -> str:
    """What the Hugging Face hub reads of a data card."""
    counts = card.facts["split"]
    return (
        f"---\npretty_name: {json.dumps(card.facts['corpus'])}\n"
        "tags:\n- audio\n- code\n- sonic-pi\n"
        f"size_categories:\n- {_size_category(sum(counts.values()))}\n---\n\n"
    )


def _size_category(number: int) -> str:
    for most, name in ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K")):
        if number < most:
            return name
    return "100K<n<1M"


def _file_names(rows: pd.DataFrame) -> list[str]:
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


def _audio_names(rows: pd.DataFrame, names: list[str], folder: str) -> Iterator[str | None]:
    for name, audio in zip(names, rows["audio"]):
        yield f"{folder}{name}{Path(audio).suffix}" if audio else None


class _beside:
    """A folder that appears at its place when the block is through, and never before."""

    def __init__(self, target: Path):
        self._target = target

    def __enter__(self) -> Path:
        parent = self._target.absolute().parent
        parent.mkdir(parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(prefix=partial(self._target), dir=parent))
        self._descriptor = os.open(self._folder, os.O_RDONLY)
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)  # see `core.workspace.sweep`
        return self._folder

    def __exit__(self, kind: type | None, *_: Any) -> None:
        try:
            if kind is None:
                os.chmod(self._folder, 0o755)
                os.replace(self._folder, self._target)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
            os.close(self._descriptor)
