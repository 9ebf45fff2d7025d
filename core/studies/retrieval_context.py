"""What the ways to foretell are given, and what they have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from core.corpus import Corpus
from core.encoders.concat import join, part_ids
from core.evaluation.validation import unit_rows
from core.progress import Progress
from core.studies.retrieval_queries import Asked
from core.studies.study_clips import code_vectors

# Says of programs that are asked about, by place [m], how near each clip is: float [m, n].
Scorer = Callable[[np.ndarray], np.ndarray]


@dataclass
class Material:
    """What every way is given: programs to search, programs asked about, what is heard.

    Attributes
    ----------
    corpus : Corpus
    asked : Asked
    ear : str
        The audio encoder that is trained on.
    heard : array, float [n, d]
        Raw audio embeddings of the programs searched, by that encoder.
    seed : int
    progress : Progress
    changed : dict
        Embeddings of programs that were written otherwise or changed, for the next way.
    """

    corpus: Corpus
    asked: Asked
    ear: str
    heard: np.ndarray
    seed: int
    progress: Progress
    changed: dict[tuple, np.ndarray] = field(default_factory=dict)
    _vectors: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    def views(self, encoder_id: str) -> tuple[np.ndarray, np.ndarray]:
        """Embeddings of code, of what is searched [n, d] and of what is asked [m, d].

        Of programs that aren't embedded by it, nan.
        """
        parts = [self._view(part) for part in part_ids(encoder_id)]
        if len(parts) == 1:
            return parts[0]
        return join([known for known, _ in parts]), join([own for _, own in parts])

    def _view(self, encoder_id: str) -> tuple[np.ndarray, np.ndarray]:
        if encoder_id not in self._vectors:
            base, queries = self.asked.base, self.asked.queries
            known = self._stored(encoder_id, base)
            if "program" in queries:
                own = self._stored(encoder_id, queries)
            else:
                own = np.full((len(queries), known.shape[1]), np.nan, np.float32)
            lacking = np.isnan(own[:, 0])
            if lacking.any():
                sources = list(queries["source"][lacking])
                own[lacking] = code_vectors(encoder_id, sources, self.progress)
            self._vectors[encoder_id] = known, own
        return self._vectors[encoder_id]

    def partly(self) -> list[tuple[str, int]]:
        """Encoders used so far by which not all that is searched is embedded; by how much."""
        counts = {
            name: int((~np.isnan(known[:, 0])).sum()) for name, (known, _) in self._vectors.items()
        }
        return [(name, n) for name, n in counts.items() if n < len(self.asked.base)]

    def _stored(self, encoder_id: str, programs: pd.DataFrame) -> np.ndarray:
        names, vectors = self.corpus.embeddings(encoder_id)
        places = pd.Index(names).get_indexer(programs["program"])
        found = vectors[places]
        found[places < 0] = np.nan
        return found


def by_cosine(project: Callable[[np.ndarray], np.ndarray], base: np.ndarray) -> Scorer:
    """Say how near clips are by the cosine of `base` [n, d] to `project(places)` [m, d]."""
    rows = unit_rows(base).T  # [d, n]
    return lambda places: (unit_rows(project(places)) @ rows).numpy()
