"""What the ways to foretell are given, and what they have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from core.corpus import Corpus
from core.encoders.concat import concatenate_embeddings, split_encoder_id
from core.evaluation.validation import normalize_rows
from core.progress import Progress
from core.studies.retrieval_queries import QuerySet
from core.studies.study_clips import embed_code

# Says of programs that are asked about, by place [m], how near each clip is: float [m, n].
QueryScorer = Callable[[np.ndarray], np.ndarray]


@dataclass
class RetrievalContext:
    """What every way is given: programs to search, programs asked about, what is heard.

    Attributes
    ----------
    corpus : Corpus
    query_set : Asked
    audio_encoder : str
        The audio encoder that is trained on.
    base_audio : array, float [n, d]
        Raw audio embeddings of the programs searched, by that encoder.
    seed : int
    progress : Progress
    augmented_code : dict
        Embeddings of programs that were written otherwise or changed, for the next way.
    """

    corpus: Corpus
    query_set: QuerySet
    audio_encoder: str
    base_audio: np.ndarray
    seed: int
    progress: Progress
    augmented_code: dict[tuple, np.ndarray] = field(default_factory=dict)
    _code_embeddings: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    def get_code_embeddings(self, encoder_id: str) -> tuple[np.ndarray, np.ndarray]:
        """Embeddings of code, of what is searched [n, d] and of what is asked [m, d].

        Of programs that aren't embedded by it, nan.
        """
        parts = [self._load_encoder_embeddings(part) for part in split_encoder_id(encoder_id)]
        if len(parts) == 1:
            return parts[0]
        return concatenate_embeddings([known for known, _ in parts]), concatenate_embeddings([own for _, own in parts])

    def _load_encoder_embeddings(self, encoder_id: str) -> tuple[np.ndarray, np.ndarray]:
        if encoder_id not in self._code_embeddings:
            base, queries = self.query_set.base, self.query_set.queries
            known = self._read_stored_embeddings(encoder_id, base)
            if "program" in queries:
                own = self._read_stored_embeddings(encoder_id, queries)
            else:
                own = np.full((len(queries), known.shape[1]), np.nan, np.float32)
            lacking = np.isnan(own[:, 0])
            if lacking.any():
                sources = list(queries["source"][lacking])
                own[lacking] = embed_code(encoder_id, sources, self.progress)
            self._code_embeddings[encoder_id] = known, own
        return self._code_embeddings[encoder_id]

    def list_partial_encoders(self) -> list[tuple[str, int]]:
        """Encoders used so far by which not all that is searched is embedded; by how much."""
        counts = {
            name: int((~np.isnan(known[:, 0])).sum()) for name, (known, _) in self._code_embeddings.items()
        }
        return [(name, n) for name, n in counts.items() if n < len(self.query_set.base)]

    def _read_stored_embeddings(self, encoder_id: str, programs: pd.DataFrame) -> np.ndarray:
        names, vectors = self.corpus.load_embeddings(encoder_id)
        places = pd.Index(names).get_indexer(programs["program"])
        found = vectors[places]
        found[places < 0] = np.nan
        return found


def make_cosine_scorer(embed_queries: Callable[[np.ndarray], np.ndarray], base_embeddings: np.ndarray) -> QueryScorer:
    """Say how near clips are by the cosine of `base_embeddings` [n, d] to `project(places)` [m, d]."""
    rows = normalize_rows(base_embeddings).T  # [d, n]
    return lambda places: (normalize_rows(embed_queries(places)) @ rows).numpy()
