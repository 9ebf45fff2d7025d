"""Some programs of a map, chosen by hand: as a table, and as a file to take along."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection
from pathlib import Path

import pandas as pd

from core.corpus import Corpus
from core.errors import EarshotError
from core.pipeline.export import SUFFIXES, export

MEASURED = ("similarity", "overlap_before", "overlap_after")
PLACES = ("before_x", "before_y", "after_x", "after_y")
MOST = 500  # programs with their clips in one file that goes through memory


def chosen_table(
    points: pd.DataFrame, programs: pd.DataFrame, chosen: Collection[str]
) -> pd.DataFrame:
    """What is known of chosen programs.

    Parameters
    ----------
    points : DataFrame
        As of `core.pipeline.map.laid_out`.
    programs : DataFrame
        As of `core.corpus.Corpus.programs`.
    chosen : collection of str
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
    rows = programs[programs["program"].isin(set(chosen) & set(sides["code"].index))]
    found = rows[["program", "name", "template", "role", "split"]].reset_index(drop=True)
    ids = found["program"]
    for name in MEASURED:
        found[name] = sides["code"][name].reindex(ids).to_numpy()
    for side, at in sides.items():
        for name in PLACES:
            found[f"{side}_{name}"] = at[name].reindex(ids).to_numpy()
    found["parameters"] = [json.dumps(each, ensure_ascii=False) for each in rows["parameters"]]
    found["source"] = rows["source"].to_numpy()
    return found


def chosen_file(corpus: Corpus, chosen: Collection[str], format: str) -> bytes:  # noqa: A002
    """Chosen programs as a zip of code and sounds, or as a Parquet table with embeddings.

    Raises
    ------
    EarshotError
        When there are more than 500 of them, or as of `core.pipeline.export.export`.
    """
    if len(chosen) > MOST:
        raise EarshotError(
            f"{len(chosen):,} programs are too many for a download; {MOST} is the most.",
            remedy=f"Choose fewer, or take all: ./run export {corpus.name} --format {format}",
        )
    with tempfile.TemporaryDirectory(prefix="earshot-") as folder:
        out = Path(folder) / f"{corpus.name}{SUFFIXES[format]}"
        return export(corpus.name, format, out, program_ids=sorted(chosen)).read_bytes()
