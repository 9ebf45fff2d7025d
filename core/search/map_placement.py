"""Where a snippet would lie on a map that was laid out without it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.errors import EarshotError
from core.search.query import Neighbour, find_neighbours

SOFTMAX_TEMPERATURE = 0.05  # by so much less cosine a neighbour pulls e times less


@dataclass(frozen=True)
class MapPlacement:
    """A snippet's place on a map.

    Attributes
    ----------
    before_position, after_position : tuple of float
        x and y among the programs written like it, and among the clips that it will
        sound like.
    neighbours : list of Neighbour
        Those clips, nearest first.
    """

    before_position: tuple[float, float]
    after_position: tuple[float, float]
    neighbours: list[Neighbour]


def place_on_map(
    corpus_name: str,
    snippet: str,
    points: pd.DataFrame,
    k: int = 5,
    alignment_id: str | None = None,
) -> MapPlacement:
    """Place a snippet among its neighbours.

    UMAP could add a point to a map, but that takes a minute; so it is put at the mean of its
    neighbours' places, of which the nearer pull more. Its neighbours are exact.

    Parameters
    ----------
    corpus_name : str
    snippet : str
    points : DataFrame
        Of the alignment's map, as of `core.pipeline.map.compute_map`.
    k : int
    alignment_id : str, optional
        Without it, the newest.

    Raises
    ------
    EarshotError
        As of `core.search.query.find_neighbours`, or when none of them is on the map.
    """
    written = find_neighbours(corpus_name, snippet, k, alignment_id, "code->code")
    heard = find_neighbours(corpus_name, snippet, k, alignment_id)
    return MapPlacement(
        _average_position(points[points["modality"] == "code"], written, "before"),
        _average_position(points[points["modality"] == "audio"], heard, "after"),
        heard,
    )


def _average_position(points: pd.DataFrame, neighbours: list[Neighbour], panel: str) -> tuple[float, float]:
    at = points.set_index("program")[[f"{panel}_x", f"{panel}_y"]]
    there = [each for each in neighbours if each.program_id in at.index]
    if not there:
        raise EarshotError(
            "None of the snippet's neighbours is on this map.",
            remedy="They came after this alignment: train again.",
        )
    similar = np.array([each.similarity for each in there])
    weights = np.exp((similar - similar.max()) / SOFTMAX_TEMPERATURE)
    xy = at.loc[[each.program_id for each in there]].to_numpy(float)
    x, y = weights @ xy / weights.sum()
    return float(x), float(y)
