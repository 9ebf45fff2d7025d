"""Nearest neighbours among more than a million embeddings, by Faiss with exact re-ranking."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from core.errors import EarshotError
from core.evaluation.array_validation_and_normalization import COSINE_STEPS_PER_UNIT
from core.evaluation.nearest_neighbours import CosineIndex
from core.file_locks_and_atomic_writes import atomic_write
from core.workspace import is_workspace_read_only

if TYPE_CHECKING:
    import faiss

MAX_EXACT_ROWS = 1_000_000
"""Rows up to which `open_cosine_index` compares a query with every row."""
MIN_RECALL = 0.99
"""Recall@5 that an index reaches on its calibration queries; 0.98 is promised for others."""
RECALL_NEIGHBOURS = 5
MAX_CALIBRATION_QUERIES = 200
CANDIDATES_PER_NEIGHBOUR = 20
"""Rows by quantized similarity, per neighbour asked for, that are compared again exactly."""
MIN_CANDIDATES = 100
TRAINING_ROWS_PER_CELL = 40
CELLS_PER_SQUARE_ROOT = 4
MIN_PROBED_CELLS = 8
ASSIGNMENT_SEED = 1234
INDEX_FOLDER = "neighbour_indices"
MAX_STORED_INDICES = 4
"""Index files kept per corpus: four directions of one alignment."""


class ApproximateCosineIndex(CosineIndex):
    """Unit rows for repeated searches that compare a query with a part of the rows only.

    An inverted file with 8-bit scalar quantization: the rows are clustered, a query is compared
    with the quantized rows of the nearest clusters, and the best of them again with the exact
    rows. The number of clusters is raised until recall@5 on the calibration queries is at least
    0.99.

    Parameters
    ----------
    base : array or Tensor, float [n, d]
        The rows to search.
    calibration_queries : array, float [m, d]
        Queries as they will be asked; at most 200, evenly spaced, are used.
    path : Path, optional
        File that keeps the index. An unreadable one is written again.

    Notes
    -----
    Jégou, Douze & Schmid, "Product quantization for nearest neighbor search", IEEE TPAMI 2011, for
    inverted files; Douze et al., "The Faiss library", 2024 (arXiv 2401.08281).
    """

    def __init__(
        self,
        base: np.ndarray | Tensor,
        calibration_queries: np.ndarray,
        path: Path | None = None,
    ):
        super().__init__(base)
        stored_index = _load_faiss_index(path, self._base)
        self._faiss_index = (
            stored_index if stored_index is not None else _build_faiss_index(self._base.numpy())
        )
        if stored_index is None:
            _save_faiss_index(self._faiss_index, path)
        self.recall = self._probe_more_clusters_until_recall_suffices(calibration_queries)
        """Recall@5 against exact search, on the calibration queries."""

    @property
    def probed_cell_count(self) -> int:
        """Number of clusters with which a query is compared."""
        return int(self._faiss_index.nprobe)

    def find_most_similar_rows(
        self, queries: np.ndarray | Tensor, k: int, *, excluded_rows: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find k rows with a high cosine similarity to each query.

        Parameters, results and errors are those of `CosineIndex.find_most_similar_rows`. The
        similarities are exact. A query for more rows than its clusters hold is answered exactly.
        """
        query_rows = self._check_and_normalize_queries(queries, k)
        k = max(0, min(k, len(self) - (excluded_rows is not None)))
        candidate_count = min(len(self), max(MIN_CANDIDATES, CANDIDATES_PER_NEIGHBOUR * k))
        candidates = self._faiss_index.search(query_rows.numpy(), candidate_count)[1]  # [m, c]
        indices = np.empty((len(query_rows), k), dtype=np.int64)
        similarities = np.empty((len(query_rows), k), dtype=np.float32)
        for position, query in enumerate(query_rows):
            rows = np.sort(candidates[position][candidates[position] >= 0])
            if excluded_rows is not None:
                rows = rows[rows != excluded_rows[position]]
            if len(rows) < k:
                excluded = None if excluded_rows is None else excluded_rows[position : position + 1]
                exact = super().find_most_similar_rows(query[None], k, excluded_rows=excluded)
                indices[position], similarities[position] = exact[0][0], exact[1][0]
                continue
            cosines = (self._base[torch.from_numpy(rows)] @ query).mul_(COSINE_STEPS_PER_UNIT)
            cosines.round_()
            order = cosines.argsort(descending=True, stable=True)[:k]
            indices[position] = rows[order.numpy()]
            similarities[position] = (cosines[order] / COSINE_STEPS_PER_UNIT).clamp_(-1, 1).numpy()
        return indices, similarities

    def measure_recall(self, queries: np.ndarray | Tensor, k: int = RECALL_NEIGHBOURS) -> float:
        """Return the share of the k exact nearest rows that the index finds, in [0, 1]."""
        exact_rows, _ = super().find_most_similar_rows(queries, k)
        found_rows, _ = self.find_most_similar_rows(queries, k)
        shared_counts = [len(np.intersect1d(*pair)) for pair in zip(exact_rows, found_rows)]
        return float(np.sum(shared_counts)) / max(1, exact_rows.size)

    def _probe_more_clusters_until_recall_suffices(self, queries: np.ndarray) -> float:
        """Raise the number of probed clusters until recall suffices; return the recall."""
        sample = select_calibration_queries(queries)
        cell_count = int(self._faiss_index.nlist)
        probed_count = min(MIN_PROBED_CELLS, cell_count)
        while True:
            self._faiss_index.nprobe = probed_count
            recall = self.measure_recall(sample) if len(sample) else 1.0
            if recall >= MIN_RECALL or probed_count == cell_count:
                return recall
            probed_count = min(2 * probed_count, cell_count)


def select_calibration_queries(embeddings: np.ndarray) -> np.ndarray:
    """Return at most 200 evenly spaced rows of [n, d]."""
    count = min(len(embeddings), MAX_CALIBRATION_QUERIES)
    return embeddings[np.linspace(0, len(embeddings) - 1, count).astype(int)]


def open_cosine_index(
    base: np.ndarray | Tensor, calibration_queries: np.ndarray, corpus_folder: Path
) -> CosineIndex:
    """Return an index over rows: exact up to a million, by Faiss above that.

    Parameters
    ----------
    base : array or Tensor, float [n, d]
    calibration_queries : array, float [m, d]
        Queries as they will be asked. Only a Faiss index uses them.
    corpus_folder : Path
        Folder of the corpus, which keeps the index of Faiss for the next process.
    """
    if len(base) <= MAX_EXACT_ROWS:
        return CosineIndex(base)
    contents = np.ascontiguousarray(base)
    digest = hashlib.blake2b(contents.view(np.uint8).data, digest_size=16).hexdigest()
    path = corpus_folder / INDEX_FOLDER / f"{digest}.faiss"
    return ApproximateCosineIndex(contents, calibration_queries, path)


def _build_faiss_index(base: np.ndarray) -> faiss.IndexIVF:
    """Cluster and quantize unit rows [n, d]."""
    import faiss  # Imported late: only very large corpora need it.

    row_count, dim = base.shape
    cell_count = max(
        1, min(row_count // TRAINING_ROWS_PER_CELL, _choose_index_cell_count(row_count))
    )
    index = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(dim),
        dim,
        cell_count,
        faiss.ScalarQuantizer.QT_8bit,
        faiss.METRIC_INNER_PRODUCT,
    )
    training_count = min(row_count, TRAINING_ROWS_PER_CELL * cell_count)
    rng = np.random.default_rng(ASSIGNMENT_SEED)
    training_rows = np.sort(rng.choice(row_count, training_count, replace=False))
    index.train(base[training_rows])
    index.add(base)
    return index


def _choose_index_cell_count(row_count: int) -> int:
    return int(CELLS_PER_SQUARE_ROOT * row_count**0.5)


def _load_faiss_index(path: Path | None, base: Tensor) -> faiss.IndexIVF | None:
    """Return the stored index of these rows; None if there is none that can be read."""
    if path is None or not path.is_file():
        return None
    import faiss

    try:
        index = faiss.read_index(str(path))
    except RuntimeError:  # Faiss raises it for every kind of damage.
        return None
    is_same_shape = (index.ntotal, index.d) == tuple(base.shape)
    return index if isinstance(index, faiss.IndexIVF) and is_same_shape else None


def _save_faiss_index(index: faiss.IndexIVF, path: Path | None) -> None:
    """Write the index, unless the workspace is read-only or full, and delete the oldest ones."""
    if path is None or is_workspace_read_only():
        return
    import faiss

    try:
        path.parent.mkdir(exist_ok=True)
        with atomic_write(path) as file:
            file.write(faiss.serialize_index(index).data)
        stored = sorted(path.parent.glob("*.faiss"), key=os.path.getmtime)
        for outdated in stored[:-MAX_STORED_INDICES]:
            outdated.unlink(missing_ok=True)
    except (OSError, EarshotError):
        return  # The next process builds it again.
