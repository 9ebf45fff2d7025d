"""Where a snippet would lie on a map that was laid out without it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.errors import EarshotError
from core.search.query import Neighbour, neighbours

SHARPNESS = 0.05  # by so much less cosine a neighbour pulls e times less


@dataclass(frozen=True)
class Placed:
    """A snippet's place on a map.

    Attributes
    ----------
    before, after : tuple of float
        x and y among the programs written like it, and among the clips that it will
        sound like.
    near : list of Neighbour
        Those clips, nearest first.
    """

    before: tuple[float, float]
    after: tuple[float, float]
    near: list[Neighbour]


def placed(
    corpus_name: str,
    snippet: str,
    points: pd.DataFrame,
    k: int = 5,
    alignment_id: str | None = None,
) -> Placed:
    """Place a snippet among its neighbours.

    UMAP could add a point to a map, but that takes a minute; so it is put at the mean of its
    neighbours' places, of which the nearer pull more. Its neighbours are exact.

    Parameters
    ----------
    corpus_name : str
    snippet : str
    points : DataFrame
        Of the alignment's map, as of `core.pipeline.map.laid_out`.
    k : int
    alignment_id : str, optional
        Without it, the newest.

    Raises
    ------
    EarshotError
        As of `core.search.query.neighbours`, or when none of them is on the map.
    """
    written = neighbours(corpus_name, snippet, k, alignment_id, "code->code")
    heard = neighbours(corpus_name, snippet, k, alignment_id)
    return Placed(
        _mean(points[points["modality"] == "code"], written, "before"),
        _mean(points[points["modality"] == "audio"], heard, "after"),
        heard,
    )


def _mean(points: pd.DataFrame, near: list[Neighbour], panel: str) -> tuple[float, float]:
    at = points.set_index("program")[[f"{panel}_x", f"{panel}_y"]]
    there = [each for each in near if each.program in at.index]
    if not there:
        raise EarshotError(
            "None of the snippet's neighbours is on this map.",
            remedy="They came after this alignment: train again.",
        )
    similar = np.array([each.similarity for each in there])
    weights = np.exp((similar - similar.max()) / SHARPNESS)
    xy = at.loc[[each.program for each in there]].to_numpy(float)
    x, y = weights @ xy / weights.sum()
    return float(x), float(y)
