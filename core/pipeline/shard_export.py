"""Export of a corpus as tar shards in the layout of WebDataset, to a folder or an fsspec URL."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath
from typing import IO, Any

import pandas as pd

from core.corpus import Corpus
from core.errors import EarshotError
from core.pipeline.corpus_data_card import DataCard, make_data_card
from core.pipeline.corpus_export import (
    DEFAULT_OPTIONS,
    FAILURE_COLUMNS,
    PROGRESS_STEP,
    ExportOptions,
    select_exported_programs,
)
from core.pipeline.export_parquet import open_clip_file
from core.pipeline.exported_program_table import build_export_table
from core.pipeline.hugging_face_dataset_card import choose_licence_tag, format_dataset_card
from core.pipeline.shard_folder import INDEX_FILE, HashingWriter, ShardFolder, open_shard_folder
from core.progress_callback import Progress, ignore_progress
from core.search.sound_property_forecast_columns import forecast_corpus_programs

BYTES_PER_MB = 1_000_000
DEFAULT_SHARD_MB = 256
MIN_SHARD_MB, MAX_SHARD_MB = 1, 100_000
JSON_BATCH_ROWS = 1_000
"""Rows whose JSON is held in memory at a time."""
LOADING_SECTION = """
## Loading

```python
from pathlib import Path

import webdataset  # pip install webdataset

shards = sorted(str(path) for path in Path("this folder").glob("*-train-*.tar"))
for sample in webdataset.WebDataset(shards, shardshuffle=False):
    sample["__key__"], sample["rb"], sample["flac"], sample["json"]  # bytes, except the key
```

A sample is the program (`.rb`), its clip as it is stored (`.flac` or `.ogg`) and the columns below
(`.json`). Its key is the program's id. Samples are sorted by it, which is a hash, so a shard is a
random sample of its split. `index.json` has the SHA-256 of each shard.
"""


@dataclass(frozen=True)
class Shard:
    """Name of a shard, and the rows of the table of samples that it contains."""

    name: str
    rows: range


def export_corpus_shards(
    corpus: Corpus,
    output: str,
    progress: Progress = ignore_progress,
    options: ExportOptions = DEFAULT_OPTIONS,
    shard_mb: int = DEFAULT_SHARD_MB,
) -> str:
    """Write the programs that have a clip as tar shards, per split, with an index.

    The same corpus gives the same bytes. Each file appears whole or not at all, and the index is
    the last one: an export without it is unfinished. The same call completes it, and keeps the
    shards that it would write again.

    Parameters
    ----------
    corpus : Corpus
    output : str
        Folder, or URL of one that fsspec can write, such as "s3://bucket/folder". In an existing
        folder with other files, a folder named after the corpus.
    progress : Progress
    options : ExportOptions
        Its alignment is not used: shards have no vectors.
    shard_mb : int
        Largest size of a shard in MB (10^6 bytes), 1 to 100,000. A sample that is larger is a
        shard of its own.

    Returns
    -------
    str
        The folder or URL, without a user or password in it.

    Raises
    ------
    EarshotError
        If an option is out of range, no program has a clip, there is something else at that
        place, or it cannot be written.

    Examples
    --------
    >>> export_corpus_shards(Corpus.open("starter"), "s3://bucket/starter")  # doctest: +SKIP
    's3://bucket/starter'
    """
    if not MIN_SHARD_MB <= shard_mb <= MAX_SHARD_MB:
        raise EarshotError(
            f"A shard cannot have {shard_mb:,} MB.",
            remedy=f"Use {MIN_SHARD_MB} to {MAX_SHARD_MB:,}.",
        )
    card = make_data_card(corpus)
    choose_licence_tag(card.facts, options.licence)  # Checks it before anything is written.
    programs = select_exported_programs(corpus, options.program_ids)
    samples = _build_sample_table(corpus, programs)
    folder = open_shard_folder(output, corpus.name)
    with folder.convert_file_system_errors():
        folder.create_and_remove_partial_files()
        index = _write_shards(folder, corpus.name, samples, shard_mb, progress)
        index["programs_without_clip"] = len(programs) - len(samples)
        _write_descriptions(folder, card, samples, options)
        folder.remove_other_shards({shard["url"] for shard in index["shardlist"]})
        folder.write_file(INDEX_FILE, _format_json(index))
    return folder.address


def distribute_samples_over_shards(
    corpus_name: str, splits: Sequence[str], sample_bytes: Sequence[int], max_bytes: int
) -> list[Shard]:
    """Distribute samples over shards of a bounded size.

    Parameters
    ----------
    corpus_name : str
    splits : sequence of str
        Split of each sample; the samples of a split are consecutive.
    sample_bytes : sequence of int
        Size of each sample in a tar file, with its headers.
    max_bytes : int
        Largest size of a shard.

    Returns
    -------
    list of Shard
        "CORPUS-SPLIT-000000.tar" and so on, in the order of the samples.

    Examples
    --------
    >>> distribute_samples_over_shards("a", ["test", "train", "train"], [1024] * 3, 10240)[1]
    Shard(name='a-train-000000.tar', rows=range(1, 3))
    """
    shards: list[Shard] = []
    for split in dict.fromkeys(splits):
        first = splits.index(split)
        boundaries, total = [first], 0
        for row in range(first, first + splits.count(split)):
            total += sample_bytes[row]
            if row > boundaries[-1] and _compute_tar_size(total) > max_bytes:
                boundaries.append(row)
                total = sample_bytes[row]
        boundaries.append(first + splits.count(split))
        for number, (start, stop) in enumerate(pairwise(boundaries)):
            shards.append(Shard(f"{corpus_name}-{split}-{number:06d}.tar", range(start, stop)))
    return shards


def _build_sample_table(corpus: Corpus, programs: pd.DataFrame) -> pd.DataFrame:
    """Return the exported columns of all programs with a clip, and `clip_path`, sorted."""
    programs = programs[programs["state"] == "ok"]
    if programs.empty:
        raise EarshotError(f"Corpus '{corpus.name}' has no clips to export.")
    programs = programs.sort_values(["split", "program"]).reset_index(drop=True)
    forecast = forecast_corpus_programs(corpus, list(programs["program"]))
    table = build_export_table(programs, forecast)
    table = table.drop(columns=[*FAILURE_COLUMNS, "code_file", "audio_file"])
    table["clip_path"] = programs["audio"]
    return table


def _write_shards(
    folder: ShardFolder,
    corpus_name: str,
    samples: pd.DataFrame,
    shard_mb: int,
    progress: Progress,
) -> dict[str, Any]:
    """Write all shards; return the content of the index, with the keys of a wids index."""
    sizes = list(_iterate_tar_sample_sizes(samples))
    shards = distribute_samples_over_shards(
        corpus_name, list(samples["split"]), sizes, shard_mb * BYTES_PER_MB
    )
    existing_names = folder.list_names()
    entries = []
    for shard in shards:
        rows = samples.iloc[shard.rows.start : shard.rows.stop]
        written = None
        if shard.name in existing_names:
            written = _compute_shard_hash(rows)
            if folder.compute_file_hash(shard.name) != written.sha256:
                written = None
        if written is None:
            with folder.open_atomic_writer(shard.name) as written:
                _write_tar(written, rows)
        entries.append(
            {
                "url": shard.name,
                "split": str(rows["split"].iloc[0]),
                "nsamples": len(rows),
                "filesize": written.size,
                "sha256": written.sha256,
            }
        )
        progress(PROGRESS_STEP, shard.rows.stop, len(samples))
    return {
        "__kind__": "wids-shard-index-v1",
        "wids_version": 1,
        "name": corpus_name,
        "samples": len(samples),
        "shardlist": entries,
    }


def _compute_shard_hash(rows: pd.DataFrame) -> HashingWriter:
    writer = HashingWriter(None)
    _write_tar(writer, rows)
    return writer


def _write_tar(writer: HashingWriter, rows: pd.DataFrame) -> None:
    # The stream mode only writes and never seeks, so that an object store can take it.
    with tarfile.open(  # type: ignore[call-overload]  # asks for a file that also reads
        fileobj=writer, mode="w|", format=tarfile.USTAR_FORMAT
    ) as archive:
        for (_, row), line in zip(rows.iterrows(), _iterate_json_lines(rows)):
            key = str(row["program"])
            _add_bytes_to_tar(archive, f"{key}.json", line)
            _add_bytes_to_tar(archive, f"{key}.rb", str(row["source"]).encode("utf-8"))
            with open_clip_file(row["clip_path"]) as clip:
                suffix = PurePosixPath(row["clip_path"]).suffix
                _add_bytes_to_tar(archive, f"{key}{suffix}", clip.read())


def _add_bytes_to_tar(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)  # Time 0, no owner, mode 0644.
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def _iterate_json_lines(samples: pd.DataFrame) -> Iterator[bytes]:
    columns = samples.drop(columns="clip_path")
    for start in range(0, len(columns), JSON_BATCH_ROWS):
        batch = columns.iloc[start : start + JSON_BATCH_ROWS]
        text = batch.to_json(orient="records", lines=True, force_ascii=False)
        # Not `splitlines`: it would split at the line separators of Unicode in a program.
        yield from (line.encode("utf-8") for line in text.rstrip("\n").split("\n"))


def _iterate_tar_sample_sizes(samples: pd.DataFrame) -> Iterator[int]:
    """Yield the size of each sample in a tar file, with headers."""
    files = zip(_iterate_json_lines(samples), samples["source"], samples["clip_path"])
    for line, source, clip_path in files:
        with open_clip_file(clip_path) as clip:
            clip_bytes = _measure_file_bytes(clip)
        contents = (len(line), len(source.encode("utf-8")), clip_bytes)
        yield sum(
            tarfile.BLOCKSIZE + _round_up_to_multiple(size, tarfile.BLOCKSIZE) for size in contents
        )


def _measure_file_bytes(file: IO[bytes]) -> int:
    return file.seek(0, io.SEEK_END)


def _compute_tar_size(content_bytes: int) -> int:
    """Return the size of a tar file: its end is two empty blocks and a whole record."""
    return _round_up_to_multiple(content_bytes + 2 * tarfile.BLOCKSIZE, tarfile.RECORDSIZE)


def _round_up_to_multiple(size: int, unit: int) -> int:
    return -(-size // unit) * unit


def _write_descriptions(
    folder: ShardFolder, card: DataCard, samples: pd.DataFrame, options: ExportOptions
) -> None:
    columns = samples.columns.drop("clip_path")
    readme = format_dataset_card(card, columns, options.licence, LOADING_SECTION)
    folder.write_file("README.md", readme.encode("utf-8"))
    folder.write_file("card.json", card.json_text.encode("utf-8"))


def _format_json(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode("utf-8")
