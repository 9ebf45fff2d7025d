"""Data that all retrieval methods share: queries, base programs and their embeddings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from core.corpus import Corpus
from core.encoders.concatenated_encoders import concatenate_embeddings, split_encoder_id
from core.encoders.encoder_spec_lookup import find_concat_weights
from core.evaluation.array_validation_and_normalization import normalize_rows
from core.progress_callback import Progress
from core.studies.retrieval_queries import QuerySet
from core.studies.study_clip_rendering import embed_program_sources

# Takes rows of queries, int [m]; returns the similarity of each base clip, float [m, n].
QueryScorer = Callable[[np.ndarray], np.ndarray]


@dataclass
class RetrievalStudyData:
    """Queries and the base that is searched, with embeddings that are loaded once.

    Attributes
    ----------
    corpus : Corpus
    query_set : QuerySet
    audio_encoder : str
        Id of the training audio encoder.
    base_audio : array, float [n, d]
        Raw audio embeddings of the base by that encoder.
    seed : int
    progress : Progress
    augmented_code : dict
        Code embeddings of changed programs, which several methods of an ablation share.
    """

    corpus: Corpus
    query_set: QuerySet
    audio_encoder: str
    base_audio: np.ndarray
    seed: int
    progress: Progress
    augmented_code: dict[tuple[str, int, bytes], np.ndarray] = field(default_factory=dict)
    _code_embeddings: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    @property
    def validation_program_mask(self) -> np.ndarray:
        """Programs of the base that are for early stopping only: bool [n]."""
        return (self.query_set.base["split"] == "validation").to_numpy()

    def get_base_and_query_code_embeddings(self, encoder_id: str) -> tuple[np.ndarray, np.ndarray]:
        """Return code embeddings of the base [n, d] and of the queries [m, d].

        Base programs without an embedding by this encoder are NaN.
        """
        parts = [
            self._load_base_and_query_embeddings(part) for part in split_encoder_id(encoder_id)
        ]
        if len(parts) == 1:
            return parts[0]
        weights = find_concat_weights(split_encoder_id(encoder_id))
        return (
            concatenate_embeddings([base for base, _ in parts], weights),
            concatenate_embeddings([queries for _, queries in parts], weights),
        )

    def load_base_embeddings(self, encoder_id: str) -> np.ndarray:
        """Return the embeddings of the base by any encoder [n, d], NaN where there is none."""
        return self._load_embeddings_or_nan_rows(encoder_id, self.query_set.base)

    def list_incomplete_code_encoders(self) -> list[tuple[str, int]]:
        """Return (encoder id, embedded programs) of used encoders that lack some of the base."""
        counts = {
            encoder_id: int((~np.isnan(base[:, 0])).sum())
            for encoder_id, (base, _) in self._code_embeddings.items()
        }
        base_count = len(self.query_set.base)
        return [(encoder_id, count) for encoder_id, count in counts.items() if count < base_count]

    def _load_base_and_query_embeddings(self, encoder_id: str) -> tuple[np.ndarray, np.ndarray]:
        if encoder_id not in self._code_embeddings:
            queries = self.query_set.queries
            base_code = self._load_embeddings_or_nan_rows(encoder_id, self.query_set.base)
            if "program" in queries:
                query_code = self._load_embeddings_or_nan_rows(encoder_id, queries)
            else:
                query_code = np.full((len(queries), base_code.shape[1]), np.nan, np.float32)
            is_missing = np.isnan(query_code[:, 0])
            if is_missing.any():
                sources = list(queries["source"][is_missing])
                query_code[is_missing] = embed_program_sources(encoder_id, sources, self.progress)
            self._code_embeddings[encoder_id] = base_code, query_code
        return self._code_embeddings[encoder_id]

    def _load_embeddings_or_nan_rows(self, encoder_id: str, programs: pd.DataFrame) -> np.ndarray:
        program_ids, stored = self.corpus.load_embeddings(encoder_id)
        rows = pd.Index(program_ids).get_indexer(pd.Index(programs["program"]))
        embeddings = stored[rows]
        embeddings[rows < 0] = np.nan
        return embeddings


def make_cosine_scorer(
    embed_queries: Callable[[np.ndarray], np.ndarray], base_embeddings: np.ndarray
) -> QueryScorer:
    """Return a scorer by the cosine of ``embed_queries(rows)`` [m, d] and the base [n, d]."""
    base_rows = normalize_rows(base_embeddings).T  # [d, n]
    return lambda rows: (normalize_rows(embed_queries(rows)) @ base_rows).numpy()
