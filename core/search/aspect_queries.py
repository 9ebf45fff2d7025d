"""Nearest-neighbour queries whose similarity is weighted by aspect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.errors import EarshotError
from core.search.aligned_corpus import AlignedCorpus
from core.search.aspect_similarity import (
    WHOLE_SOUND,
    AspectMatch,
    get_aspect_index,
    match_clips_by_aspect,
    predict_aspects,
)
from core.search.nearest_neighbour_queries import Neighbour, find_neighbours


@dataclass(frozen=True)
class AspectNeighbour:
    """A neighbour, and in which aspects its clip matches the prediction.

    Attributes
    ----------
    neighbour : Neighbour
    score : float
        Weighted mean of the similarities, each in standard deviations over the corpus's clips.
    match : AspectMatch or None
        None if its clip is not measured.
    """

    neighbour: Neighbour
    score: float
    match: AspectMatch | None


def find_neighbours_by_aspects(
    aligned_corpora: Sequence[AlignedCorpus], snippet: str, weights: Mapping[str, float], k: int = 5
) -> list[AspectNeighbour]:
    """Find the programs whose clips a snippet will sound like in weighted aspects.

    Parameters
    ----------
    aligned_corpora : sequence of AlignedCorpus
        As `core.search.multi_corpus_search.open_corpora_with_one_alignment` opens them.
    snippet : str
    weights : mapping of str to float
        By `core.search.aspect_similarity.WEIGHT_NAMES`: weight of the similarity by the alignment
        ("whole") and in each aspect. Missing ones are 0.
    k : int

    Returns
    -------
    list of AspectNeighbour
        Best score first. A program that several corpora hold is returned once.

    Raises
    ------
    SilentSnippetError
        When nothing in the snippet would sound.
    EarshotError
        When the clips of a corpus are not measured, or as `find_neighbours`.

    Examples
    --------
    >>> from core.corpus import Corpus
    >>> from core.search import open_aligned_corpus
    >>> aligned_corpus = open_aligned_corpus(Corpus.open("starter"))
    >>> weights = {"rhythm": 1.0}
    >>> neighbours = find_neighbours_by_aspects([aligned_corpus], "sample :loop_amen", weights, 3)
    >>> [item.neighbour.rank for item in neighbours]
    [1, 2, 3]
    """
    if k < 1:
        raise EarshotError(f"k is {k}.", remedy="Ask for at least 1 neighbour.")
    best_by_program: dict[str, AspectNeighbour] = {}
    for aligned_corpus in aligned_corpora:
        for item in _find_aspect_neighbours_in_one_corpus(aligned_corpus, snippet, weights, k):
            best_by_program.setdefault(item.neighbour.program_id, item)
    best = sorted(best_by_program.values(), key=lambda item: -item.score)[:k]
    return [
        replace(item, neighbour=replace(item.neighbour, rank=rank))
        for rank, item in enumerate(best, 1)
    ]


def add_aspect_matches(
    aligned_corpora: Sequence[AlignedCorpus], snippet: str, neighbours: Sequence[Neighbour]
) -> list[AspectNeighbour]:
    """Return neighbours with the aspects in which each matches, and their similarity as score.

    Parameters
    ----------
    aligned_corpora : sequence of AlignedCorpus
        The corpora in which they were found. Without measured clips, there are no matches.
    snippet : str
        What they were found for.
    neighbours : sequence of Neighbour
    """
    matches: dict[str, AspectMatch | None] = {}
    for aligned_corpus in aligned_corpora:
        name = aligned_corpus.corpus.name
        program_ids = [item.program_id for item in neighbours if item.corpus_name == name]
        if program_ids and aligned_corpus.clip_aspect_search_index is not None:
            matches |= zip(program_ids, match_clips_by_aspect(aligned_corpus, snippet, program_ids))
    return [
        AspectNeighbour(item, item.similarity, matches.get(item.program_id)) for item in neighbours
    ]


def _find_aspect_neighbours_in_one_corpus(
    aligned_corpus: AlignedCorpus, snippet: str, weights: Mapping[str, float], k: int
) -> list[AspectNeighbour]:
    index = get_aspect_index(aligned_corpus)
    # All programs, because the weighted order may be any other.
    neighbours = [
        neighbour
        for neighbour in find_neighbours(aligned_corpus, snippet, len(aligned_corpus.pairs))
        if neighbour.program_id in index.row_by_program
    ]
    rows = [index.row_by_program[neighbour.program_id] for neighbour in neighbours]
    similarities = np.array([neighbour.similarity for neighbour in neighbours])
    scores = weights.get(WHOLE_SOUND, 0.0) * _standardize_similarities(similarities)
    for name, vectors in predict_aspects(aligned_corpus, [snippet]).items():
        if weight := weights.get(name, 0.0):
            cosines = index.unit_vectors[name][rows] @ vectors[0]
            scores = scores + weight * _standardize_similarities(cosines)
    scores = scores / sum(weights.values())
    order = np.argsort(-scores, kind="stable")[:k]
    chosen = [neighbours[position] for position in order]
    matches = match_clips_by_aspect(aligned_corpus, snippet, [item.program_id for item in chosen])
    return [
        AspectNeighbour(neighbour, float(scores[position]), match)
        for neighbour, position, match in zip(chosen, order, matches)
    ]


def _standardize_similarities(similarities: np.ndarray) -> np.ndarray:
    """Return similarities in standard deviations from their mean, so that weights compare."""
    standardized: np.ndarray = (similarities - similarities.mean()) / (similarities.std() + 1e-9)
    return standardized
