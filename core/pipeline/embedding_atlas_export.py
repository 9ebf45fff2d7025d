"""The table of a corpus that Apple's `embedding-atlas` opens: projection, neighbours and audio."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from core.corpus import Corpus
from core.errors import EarshotError
from core.evaluation.nearest_neighbours import find_nearest_other_rows
from core.pipeline.alignment_map_computation import compute_alignment_map
from core.pipeline.exported_program_table import build_export_table
from core.progress_callback import Progress, ignore_progress
from core.search.aligned_corpus import AlignedCorpus, open_aligned_corpus
from core.search.default_alignment_choice import choose_default_alignment, make_no_alignment_error

ATLAS_NEIGHBOUR_COUNT = 15
"""As many as embedding-atlas computes itself."""
ATLAS_COLUMNS = (
    "program",
    "name",
    "template",
    "role",
    "seed",
    "variant",
    "parameters",
    "split",
    "seconds",
    "rms",
    "peak",
    "audio_file",
    "source",
)


def build_atlas_table(
    corpus: Corpus,
    programs: pd.DataFrame,
    alignment_id: str | None = None,
    progress: Progress = ignore_progress,
) -> pd.DataFrame:
    """Return the programs with a clip, their positions on a map and their neighbours.

    Parameters
    ----------
    corpus : Corpus
    programs : DataFrame
        As `core.corpus.Corpus.load_programs` returns it.
    alignment_id : str, optional
        Default: the alignment made for the map. Its saved map is used if there is one.
    progress : Progress

    Returns
    -------
    DataFrame
        One row per program: columns of `build_export_table`, then projection_x, projection_y,
        code_x, code_y, similarity, neighbours (dict of ids and distances) and clip_path.

    Raises
    ------
    EarshotError
        If the corpus has no alignment, or no program of `programs` is on its map.
    """
    if alignment_id is None:
        choice = choose_default_alignment(corpus, "map")
        if choice is None:
            raise make_no_alignment_error(corpus)
        alignment_id = choice.alignment_id
    aligned_corpus = open_aligned_corpus(corpus, alignment_id)
    points = aligned_corpus.record.load_alignment_map_points()
    if points is None:
        points = compute_alignment_map(aligned_corpus.heads, aligned_corpus.pairs, progress)
    mapped_ids = set(points["program"]) & set(aligned_corpus.pairs.program_ids)
    rows = programs[programs["program"].isin(mapped_ids)].reset_index(drop=True)
    if rows.empty:
        raise EarshotError(f"Corpus '{corpus.name}' has no program on a map to export.")
    table = build_export_table(rows)[list(ATLAS_COLUMNS)]
    _add_map_positions_to_table(table, points)
    neighbours = _find_row_neighbours(aligned_corpus, rows["program"].tolist())
    table["neighbours"] = pd.Series(neighbours, dtype=object)
    table["clip_path"] = rows["audio"]
    return table


def format_atlas_command(file_name: str) -> str:
    """Return the command that opens an export in embedding-atlas.

    Examples
    --------
    >>> format_atlas_command("starter.atlas.parquet")  # doctest: +ELLIPSIS
    'embedding-atlas starter.atlas.parquet --x projection_x --y projection_y --neighbors ...'
    """
    return (
        f"embedding-atlas {file_name} --x projection_x --y projection_y --neighbors neighbours"
        " --text source"
    )


def _add_map_positions_to_table(table: pd.DataFrame, points: pd.DataFrame) -> None:
    by_modality = {
        modality: rows.set_index("program").loc[table["program"]]
        for modality, rows in points.groupby("modality")
    }
    audio, code = by_modality["audio"], by_modality["code"]
    table["projection_x"] = audio["after_x"].to_numpy()
    table["projection_y"] = audio["after_y"].to_numpy()
    table["code_x"] = code["after_x"].to_numpy()
    table["code_y"] = code["after_y"].to_numpy()
    table["similarity"] = code["similarity"].to_numpy()


def _find_row_neighbours(
    aligned_corpus: AlignedCorpus, program_ids: list[str]
) -> list[dict[str, Any]]:
    """Return the nearest other clips of each row, as embedding-atlas reads them."""
    pair_rows = [aligned_corpus.row_by_program[program_id] for program_id in program_ids]
    audio_embeddings = aligned_corpus.pairs.audio_embeddings[np.array(pair_rows)]
    audio = aligned_corpus.project_audio_embeddings(audio_embeddings)
    indices, similarities = find_nearest_other_rows(audio, ATLAS_NEIGHBOUR_COUNT)
    return [
        {"ids": ids.tolist(), "distances": (1 - cosines).tolist()}
        for ids, cosines in zip(indices, similarities)
    ]
