"""Predicted sound of many candidates at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.search.silent_snippet_check import SilentSnippetError, read_audible_snippet
from core.suggest.candidates import Candidate

if TYPE_CHECKING:
    from core.search.aligned_corpus import AlignedCorpus

DUPLICATE_DISTANCE = 1e-6
"""Cosine distance below which two candidates are predicted to sound the same."""


@dataclass(frozen=True, eq=False)
class PredictedCandidates:
    """Candidates that sound, with their predictions.

    Attributes
    ----------
    candidates : list of Candidate
    code_embeddings : float32 [n, d1]
    vectors : float32 [n, d]
        Unit vectors in the shared space.
    current_source : str
    current_embedding : float32 [1, d1]
    current_vector : float32 [d]
        Of the program itself.
    unparsable_count, silent_count : int
        Candidates that were left out because they do not parse, or make no sound.
    """

    candidates: list[Candidate]
    code_embeddings: np.ndarray
    vectors: np.ndarray
    current_source: str
    current_embedding: np.ndarray
    current_vector: np.ndarray
    unparsable_count: int = 0
    silent_count: int = 0

    @property
    def distances_from_program(self) -> np.ndarray:
        """Cosine distance of each candidate from the program, float [n]."""
        return 1 - self.vectors @ self.current_vector


def predict_candidates(
    aligned_corpus: AlignedCorpus, source: str, candidates: Iterable[Candidate], count: int
) -> PredictedCandidates:
    """Predict up to a number of candidates that parse and sound.

    Parameters
    ----------
    aligned_corpus : AlignedCorpus
    source : str
        The program that they are variants of.
    candidates : iterable of Candidate
        Read until `count` of them are usable.
    count : int
    """
    usable: list[Candidate] = []
    embeddings = [aligned_corpus.embed_snippet(source)]
    unparsable_count = silent_count = 0
    for candidate in candidates:
        try:
            is_whole = read_audible_snippet(candidate.source).line is None
        except SilentSnippetError as error:
            unparsable_count += error.line is not None
            silent_count += error.line is None
            continue
        if not is_whole:
            unparsable_count += 1
            continue
        usable.append(candidate)
        embeddings.append(aligned_corpus.embed_snippet(candidate.source))
        if len(usable) == count:
            break
    code_embeddings = np.concatenate(embeddings)
    vectors = aligned_corpus.project_code_embeddings(code_embeddings)
    return PredictedCandidates(
        usable,
        code_embeddings[1:],
        vectors[1:],
        source,
        code_embeddings[:1],
        vectors[0],
        unparsable_count,
        silent_count,
    )
