"""Some programs of a map, chosen by hand: as a table, and as a file to take along."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection
from pathlib import Path

import pandas as pd

from core.corpus import Corpus
from core.errors import EarshotError
from core.pipeline.export import FORMAT_SUFFIXES, export_corpus

SIMILARITY_COLUMNS = ("similarity", "overlap_before", "overlap_after")
COORDINATE_COLUMNS = ("before_x", "before_y", "after_x", "after_y")
MAX_DOWNLOAD_PROGRAMS = 500  # programs with their clips in one file that goes through memory


def build_selection_table(
    points: pd.DataFrame, programs: pd.DataFrame, program_ids: Collection[str]
) -> pd.DataFrame:
    """What is known of chosen programs.

    Parameters
    ----------
    points : DataFrame
        As of `core.pipeline.map.compute_map`.
    programs : DataFrame
        As of `core.corpus.Corpus.programs`.
    program_ids : collection of str
        Program ids; those that are not on the map are left out.

    Returns
    -------
    DataFrame
        A row a program, in the corpus's order: program, name, template, role, split,
        similarity, overlap_before, overlap_after; code_ and audio_ before each of
        before_x, before_y, after_x, after_y; parameters (JSON), source.
    """
    sides = {
        side: points[points["modality"] == side].set_index("program") for side in ("code", "audio")
    }
    rows = programs[programs["program"].isin(set(program_ids) & set(sides["code"].index))]
    found = rows[["program", "name", "template", "role", "split"]].reset_index(drop=True)
    ids = found["program"]
    for name in SIMILARITY_COLUMNS:
        found[name] = sides["code"][name].reindex(ids).to_numpy()
    for side, at in sides.items():
        for name in COORDINATE_COLUMNS:
            found[f"{side}_{name}"] = at[name].reindex(ids).to_numpy()
    found["parameters"] = [json.dumps(each, ensure_ascii=False) for each in rows["parameters"]]
    found["source"] = rows["source"].to_numpy()
    return found


def export_selection(corpus: Corpus, program_ids: Collection[str], export_format: str) -> bytes:  # noqa: A002
    """Chosen programs as a zip of code and sounds, or as a Parquet table with embeddings.

    Raises
    ------
    EarshotError
        When there are more than 500 of them, or as of `core.pipeline.export.export_corpus`.
    """
    if len(program_ids) > MAX_DOWNLOAD_PROGRAMS:
        raise EarshotError(
            f"{len(program_ids):,} programs are too many for a download; {MAX_DOWNLOAD_PROGRAMS} is the most.",
            remedy=f"Choose fewer, or take all: ./run export {corpus.name} --format {export_format}",
        )
    with tempfile.TemporaryDirectory(prefix="earshot-") as folder:
        out = Path(folder) / f"{corpus.name}{FORMAT_SUFFIXES[export_format]}"
        return export_corpus(corpus, export_format, out, program_ids=sorted(program_ids)).read_bytes()
