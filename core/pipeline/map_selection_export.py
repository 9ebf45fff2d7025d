"""Programs selected on a map, as a table and as a file to download."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection
from pathlib import Path

import pandas as pd

from core.corpus import Corpus
from core.errors import EarshotError
from core.pipeline.corpus_export import FORMAT_SUFFIXES, ExportOptions, export_corpus

SIMILARITY_COLUMNS = ("similarity", "overlap_before", "overlap_after")
COORDINATE_COLUMNS = ("before_x", "before_y", "after_x", "after_y")
MAX_DOWNLOAD_PROGRAMS = 500
"""Programs that one download may contain with their clips: the file is held in memory."""


def build_selection_table(
    points: pd.DataFrame, programs: pd.DataFrame, program_ids: Collection[str]
) -> pd.DataFrame:
    """Return the properties and map positions of selected programs.

    Parameters
    ----------
    points : DataFrame
        A map, as `core.pipeline.alignment_map_computation.compute_alignment_map` returns it.
    programs : DataFrame
        As `core.corpus.Corpus.load_programs` returns it.
    program_ids : collection of str
        Programs that are not on the map are left out.

    Returns
    -------
    DataFrame
        One row per program, in the corpus's order: program, name, template, role, split,
        similarity, overlap_before, overlap_after; before_x, before_y, after_x and after_y, each
        with the prefixes code_ and audio_; parameters (JSON), source.
    """
    points_by_modality = {
        modality: points[points["modality"] == modality].set_index("program")
        for modality in ("code", "audio")
    }
    code_points = points_by_modality["code"]
    rows = programs[programs["program"].isin(set(program_ids) & set(code_points.index))]
    table = rows[["program", "name", "template", "role", "split"]].reset_index(drop=True)
    selected_ids = table["program"]
    for column in SIMILARITY_COLUMNS:
        table[column] = code_points[column].reindex(selected_ids).to_numpy()
    for modality, modality_points in points_by_modality.items():
        for column in COORDINATE_COLUMNS:
            positions = modality_points[column].reindex(selected_ids)
            table[f"{modality}_{column}"] = positions.to_numpy()
    table["parameters"] = [json.dumps(values, ensure_ascii=False) for values in rows["parameters"]]
    table["source"] = rows["source"].to_numpy()
    return table


def export_selection(corpus: Corpus, program_ids: Collection[str], export_format: str) -> bytes:
    """Return selected programs as a zip of code and clips, or as a Parquet table with embeddings.

    Parameters
    ----------
    corpus : Corpus
    program_ids : collection of str
        At most 500 ids.
    export_format : {"zip", "parquet"}

    Raises
    ------
    EarshotError
        When there are too many programs, or as `core.pipeline.corpus_export.export_corpus`.
    """
    if len(program_ids) > MAX_DOWNLOAD_PROGRAMS:
        raise EarshotError(
            f"{len(program_ids):,} programs are too many for a download; the maximum is"
            f" {MAX_DOWNLOAD_PROGRAMS}.",
            remedy="Select fewer, or export all:"
            f" ./run export {corpus.name} --format {export_format}",
        )
    with tempfile.TemporaryDirectory(prefix="earshot-") as folder:
        path = Path(folder) / f"{corpus.name}{FORMAT_SUFFIXES[export_format]}"
        options = ExportOptions(program_ids=sorted(program_ids))
        exported = export_corpus(corpus, export_format, path, options=options)
        return exported.read_bytes()
