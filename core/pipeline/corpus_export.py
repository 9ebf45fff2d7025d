"""Export of a corpus as Parquet, zip, Hugging Face audio folder, or for embedding-atlas."""

from __future__ import annotations

import hashlib
import io
import shutil
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

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
from core.pipeline.corpus_data_card import DataCard, make_data_card
from core.pipeline.embedding_atlas_export import build_atlas_table
from core.pipeline.export_parquet import open_clip_file, write_atlas_parquet, write_export_parquet
from core.pipeline.exported_program_table import (
    build_export_table,
    describe_columns,
    format_column_dictionary,
    make_audio_file_paths,
    make_program_file_names,
)
from core.pipeline.exported_vector_columns import load_vector_columns
from core.pipeline.hugging_face_dataset_card import (
    choose_licence_tag,
    format_dataset_card,
    format_stated_licence,
)
from core.progress_callback import Progress, ignore_progress
from core.search.sound_property_forecast_columns import forecast_corpus_programs

PROGRESS_STEP = "Exporting programs"
# The same for every file, so that the same corpus gives the same bytes.
ARCHIVE_TIMESTAMP = (1980, 1, 1, 0, 0, 0)
FORMAT_SUFFIXES = {
    "parquet": ".parquet",
    "zip": ".zip",
    "audiofolder": "",
    "atlas": ".atlas.parquet",
}
CHECKSUM_FILE = "SHA256SUMS"
"""Of the clips of an audio folder, as `sha256sum --check` reads it."""
FAILURE_COLUMNS = ("state", "error_kind", "error_message", "error_line")


@dataclass(frozen=True)
class ExportOptions:
    """What an export contains besides the programs.

    Attributes
    ----------
    program_ids : sequence of str or None
        Ids of the programs to export; None for all.
    alignment_id : str or None
        Alignment whose vectors, or map, the export contains; None for the one made for
        prediction, if there is one.
    licence : str or None
        Licence tag of the dataset card, such as "cc-by-4.0"; None to derive it from the sources.
    """

    program_ids: Sequence[str] | None = None
    alignment_id: str | None = None
    licence: str | None = None


DEFAULT_OPTIONS = ExportOptions()


def export_corpus(
    corpus: Corpus,
    export_format: str,
    output_path: str | Path,
    progress: Progress = ignore_progress,
    options: ExportOptions = DEFAULT_OPTIONS,
) -> Path:
    """Write a corpus, or some of its programs, to a file or folder.

    Parameters
    ----------
    corpus : Corpus
    export_format : {"parquet", "zip", "audiofolder", "atlas"}
        "parquet": one table of all programs with their parameters (JSON), states, embeddings (one
        column ``embedding:ENCODER`` of float32 lists per encoder) and vectors in the shared space.
        "zip": programs as .rb files and their clips, with a table of both. "audiofolder": a folder
        of the clips in the layout of Hugging Face's ``audiofolder``, with the splits but without
        programs that have no clip. "atlas": one table for `embedding-atlas`, with projection,
        neighbours and audio. Each contains the data card and a dictionary of columns.
    output_path : str or Path
        The file or folder to write; in an existing folder, a file named after the corpus.
    progress : Progress
    options : ExportOptions

    Returns
    -------
    Path
        The file or folder, which is written completely or not at all.

    Raises
    ------
    EarshotError
        When the format, a program or the alignment is unknown, the file exists, or it cannot be
        written.

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
    programs = select_exported_programs(corpus, options.program_ids)
    target = _choose_export_path(corpus.name, export_format, Path(output_path))
    writers = {
        "parquet": _write_parquet_export,
        "zip": _write_zip_export,
        "audiofolder": _write_audiofolder_export,
        "atlas": _write_atlas_export,
    }
    write = writers[export_format]
    card = make_data_card(corpus)
    choose_licence_tag(card.facts, options.licence)  # Checks it before anything is written.
    with convert_write_errors("The export", target):
        remove_partial_files(target)
        write(_ExportTask(corpus, programs, target, card, options, progress))
    return target


def make_export_path(corpus_name: str, export_format: str) -> Path:
    """Return the path of a new export in the workspace, named after the corpus and the time.

    Parameters
    ----------
    corpus_name : str
    export_format : {"parquet", "zip", "audiofolder", "atlas", "shards"}
    """
    suffix = FORMAT_SUFFIXES.get(export_format, "")  # A folder of shards has none.
    file_name = f"{corpus_name}-{time.strftime('%Y%m%d-%H%M%S')}{suffix}"
    return workspace.get_workspace_root() / "exports" / file_name


@dataclass(frozen=True)
class _ExportTask:
    """What the writer of a format needs."""

    corpus: Corpus
    programs: pd.DataFrame
    target: Path
    card: DataCard
    options: ExportOptions
    progress: Progress

    def build_program_and_forecast_table(self, programs: pd.DataFrame) -> pd.DataFrame:
        """Return the table of programs with their forecast."""
        forecast = forecast_corpus_programs(self.corpus, list(programs["program"]))
        return build_export_table(programs, forecast)

    def report_progress(self, done: int, total: int) -> None:
        """Report how many programs are written."""
        self.progress(PROGRESS_STEP, done, total)


def select_exported_programs(corpus: Corpus, program_ids: Sequence[str] | None) -> pd.DataFrame:
    """Return the programs of an export, as `Corpus.load_programs` does.

    Parameters
    ----------
    corpus : Corpus
    program_ids : sequence of str or None
        None for all programs.

    Raises
    ------
    EarshotError
        If one is unknown, or there are none.
    """
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


def _write_parquet_export(task: _ExportTask) -> None:
    columns = load_vector_columns(task.corpus, task.options.alignment_id)
    table = task.build_program_and_forecast_table(task.programs)
    write_export_parquet(task.target, table, columns, task.card.json_text, task.report_progress)


def _write_atlas_export(task: _ExportTask) -> None:
    table = build_atlas_table(task.corpus, task.programs, task.options.alignment_id, task.progress)
    write_atlas_parquet(task.target, table, task.card.json_text, task.report_progress)


def _write_zip_export(task: _ExportTask) -> None:
    programs, card = task.programs, task.card
    table = task.build_program_and_forecast_table(programs).drop(columns="source")
    dictionary = format_column_dictionary(describe_columns(table.columns))
    readme = card.markdown_text + format_stated_licence(task.options.licence) + dictionary
    with atomic_write(task.target) as handle, zipfile.ZipFile(handle, "w") as archive:
        _add_text_to_zip(archive, "README.md", readme)
        _add_text_to_zip(archive, "card.json", card.json_text)
        _add_text_to_zip(archive, "programs.csv", table.to_csv(index=False, lineterminator="\n"))
        for index, (source, clip_path) in enumerate(zip(programs["source"], programs["audio"])):
            _add_text_to_zip(archive, table["code_file"][index], source)
            if clip_path:
                with open_clip_file(clip_path) as clip:
                    audio_file = table["audio_file"][index]
                    _add_file_to_zip(archive, audio_file, clip, zipfile.ZIP_STORED)
            task.report_progress(index + 1, len(programs))


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


def _write_audiofolder_export(task: _ExportTask) -> None:
    programs = task.programs[task.programs["state"] == "ok"].reset_index(drop=True)
    if programs.empty:
        raise EarshotError(f"Corpus '{task.corpus.name}' has no clips to export.")
    files = make_audio_file_paths(programs, make_program_file_names(programs), "")
    table = task.build_program_and_forecast_table(programs)
    table = table.drop(columns=[*FAILURE_COLUMNS, "code_file", "audio_file"])
    table.insert(0, "file_name", files)
    with atomic_write_folder(task.target) as folder:
        readme = format_dataset_card(task.card, table.columns, task.options.licence)
        (folder / "README.md").write_text(readme, encoding="utf-8")
        (folder / "card.json").write_text(task.card.json_text, encoding="utf-8")
        checksums: list[str] = []
        for index, (split, clip_path) in enumerate(zip(programs["split"], programs["audio"])):
            path = folder / split / str(files[index])
            path.parent.mkdir(exist_ok=True)
            with open_clip_file(clip_path) as clip, open(path, "wb") as copy:
                shutil.copyfileobj(clip, copy)
            checksums.append(f"{_compute_sha256(path)}  {split}/{files[index]}\n")
            task.report_progress(index + 1, len(programs))
        (folder / CHECKSUM_FILE).write_text("".join(sorted(checksums)), encoding="utf-8")
        for split, rows in table.groupby("split"):
            rows.to_json(
                folder / str(split) / "metadata.jsonl",
                orient="records",
                lines=True,
                force_ascii=False,
            )


def _compute_sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
