"""Placement of a snippet on a map that was computed without it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.errors import EarshotError
from core.search.aligned_corpus import AlignedCorpus
from core.search.nearest_neighbour_queries import Neighbour, find_neighbours

SOFTMAX_TEMPERATURE = 0.05
"""Difference of cosine similarity by which a neighbour's weight falls to 1/e."""


@dataclass(frozen=True)
class MapPlacement:
    """A snippet's position on a map.

    Attributes
    ----------
    before_position, after_position : tuple of float
        x and y before and after alignment: among programs with similar code, and among the clips
        that the snippet is predicted to sound like.
    neighbours : list of Neighbour
        Those clips, nearest first.
    """

    before_position: tuple[float, float]
    after_position: tuple[float, float]
    neighbours: list[Neighbour]


def place_snippet_on_map(
    aligned_corpus: AlignedCorpus, snippet: str, points: pd.DataFrame, k: int = 5
) -> MapPlacement:
    """Place a snippet on a map at the weighted mean of its neighbours' positions.

    Adding a point with UMAP itself takes a minute. The neighbours are exact, the position is an
    approximation.

    Parameters
    ----------
    aligned_corpus : AlignedCorpus
    snippet : str
    points : DataFrame
        The alignment's map, as `compute_alignment_map` returns it.
    k : int
        Number of neighbours, at least 1.

    Raises
    ------
    SilentSnippetError
        When nothing in the snippet would sound.
    EarshotError
        When `core.search.find_neighbours` raises one, or no neighbour is on the map.
    """
    code_neighbours = find_neighbours(aligned_corpus, snippet, k, "code->code")
    audio_neighbours = find_neighbours(aligned_corpus, snippet, k, "code->audio")
    return MapPlacement(
        _average_neighbour_positions(
            points[points["modality"] == "code"], code_neighbours, "before"
        ),
        _average_neighbour_positions(
            points[points["modality"] == "audio"], audio_neighbours, "after"
        ),
        audio_neighbours,
    )


def _average_neighbour_positions(
    points: pd.DataFrame, neighbours: list[Neighbour], panel: str
) -> tuple[float, float]:
    """Return the mean position of neighbours, weighted by a softmax of their similarities."""
    positions = points.set_index("program")[[f"{panel}_x", f"{panel}_y"]]
    on_map = [neighbour for neighbour in neighbours if neighbour.program_id in positions.index]
    if not on_map:
        raise EarshotError(
            "None of the snippet's neighbours is on this map.",
            remedy="They were added after this alignment: train again.",
        )
    similarities = np.array([neighbour.similarity for neighbour in on_map])
    weights = np.exp((similarities - similarities.max()) / SOFTMAX_TEMPERATURE)
    xy = positions.loc[[neighbour.program_id for neighbour in on_map]].to_numpy(float)
    x, y = weights @ xy / weights.sum()
    return float(x), float(y)
