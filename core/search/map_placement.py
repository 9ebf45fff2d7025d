"""Placement of a snippet on a map that was computed without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.errors import EarshotError
from core.evaluation.nearest_neighbours import find_k_nearest_rows
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


def place_sources_on_map(
    aligned_corpus: AlignedCorpus, sources: Sequence[str], points: pd.DataFrame, k: int = 5
) -> dict[str, np.ndarray]:
    """Predict the positions of programs on a map that was computed without them.

    Parameters
    ----------
    aligned_corpus : AlignedCorpus
    sources : sequence of str
        Code that was found to sound, such as variants of templates.
    points : DataFrame
        As for `place_snippet_on_map`.
    k : int
        Number of neighbours, at least 1.

    Returns
    -------
    dict of str to float64 [n, 2]
        By panel: "before" among programs with similar code, "after" among the clips that the
        programs are predicted to sound like.

    Raises
    ------
    EarshotError
        When no program of the corpus is on the map.
    """
    encoder = aligned_corpus.code_encoder.load_recorded_encoder()
    code = np.asarray(encoder.embed(list(sources)), dtype=np.float32)
    base = find_map_base(aligned_corpus, points)
    shared_audio = aligned_corpus.project_audio_embeddings(
        aligned_corpus.pairs.audio_embeddings[base.rows]
    )
    return {
        "before": average_nearest_positions(
            code,
            aligned_corpus.pairs.code_embeddings[base.rows],
            base.positions["code", "before"],
            k,
        ),
        "after": average_nearest_positions(
            aligned_corpus.project_code_embeddings(code),
            shared_audio,
            base.positions["audio", "after"],
            k,
        ),
    }


@dataclass(frozen=True)
class MapBase:
    """The programs that are both on a map and in an opened corpus.

    Attributes
    ----------
    rows : array, int [n]
        Their rows of the corpus's pairs.
    positions : dict of (str, str) to float64 [n, 2]
        Their positions by modality ("code", "audio") and panel ("before", "after").
    """

    rows: np.ndarray
    positions: dict[tuple[str, str], np.ndarray]


def find_map_base(aligned_corpus: AlignedCorpus, points: pd.DataFrame) -> MapBase:
    """Return the programs that are on a map and in the corpus, with their positions.

    Raises
    ------
    EarshotError
        When there is none.
    """
    points_by_modality = {
        modality: points[points["modality"] == modality].set_index("program")
        for modality in ("code", "audio")
    }
    ids = [
        program_id
        for program_id in points_by_modality["code"].index
        if program_id in aligned_corpus.row_by_program
    ]
    if not ids:
        raise EarshotError(
            "No program of the corpus is on this map.",
            remedy="Train again to compute another one.",
        )
    positions = {
        (modality, panel): frame.loc[ids, [f"{panel}_x", f"{panel}_y"]].to_numpy(float)
        for modality, frame in points_by_modality.items()
        for panel in ("before", "after")
    }
    return MapBase(np.array([aligned_corpus.row_by_program[i] for i in ids]), positions)


def average_nearest_positions(
    queries: np.ndarray, base: np.ndarray, positions: np.ndarray, k: int
) -> np.ndarray:
    """Place vectors at the weighted mean of the positions of their nearest neighbours.

    Parameters
    ----------
    queries : array, float [m, d]
    base : array, float [n, d]
    positions : array, float [n, 2]
        Positions of the rows of `base`.
    k : int

    Returns
    -------
    float64 [m, 2]
        Weights are a softmax of the cosine similarities.
    """
    rows, similarities = find_k_nearest_rows(queries, base, k)  # 2 x [m, k]
    weights = np.exp((similarities - similarities[:, :1]) / SOFTMAX_TEMPERATURE)
    means: np.ndarray = np.einsum("mk,mkd->md", weights, positions[rows])
    return means / weights.sum(axis=1, keepdims=True)


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
