"""The map of an alignment: two-dimensional positions of code and audio, before and after."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.alignment import ProjectionHeads
from core.alignment.projection_heads import project_embeddings
from core.corpus import EmbeddingPairs
from core.errors import EarshotError
from core.evaluation.joint_umap_layout import compute_joint_umap_layout
from core.evaluation.metrics import count_shared_neighbours
from core.evaluation.nearest_neighbours import CosineIndex
from core.progress_callback import Progress, ignore_progress
from core.search.aligned_corpus import AlignedCorpus
from core.workspace import require_writable_workspace

PROGRESS_STEP = "Computing the map"
NEIGHBOUR_COUNT = 3
MAP_SEED = 42
MAX_MEASURED_PROGRAMS = 30_000
"""Programs up to which the overlap of each is measured. The cost grows with their square."""
SAMPLED_PROGRAMS = 10_000
"""Programs of a larger corpus whose overlap is measured, against all others."""


def compute_and_save_alignment_map(
    aligned_corpus: AlignedCorpus, progress: Progress = ignore_progress
) -> pd.DataFrame:
    """Compute the map of an alignment and save it in the corpus.

    Parameters
    ----------
    aligned_corpus : AlignedCorpus
    progress : Progress

    Returns
    -------
    DataFrame
        As `compute_alignment_map` returns it.

    Raises
    ------
    EarshotError
        When the workspace is read-only, or the corpus is not embedded by the alignment's encoders.
    """
    require_writable_workspace("Computing a map")
    points = compute_alignment_map(aligned_corpus.heads, aligned_corpus.pairs, progress)
    aligned_corpus.corpus.save_map_points(aligned_corpus.record.id, points)
    return points


def compute_alignment_map(
    heads: ProjectionHeads, pairs: EmbeddingPairs, progress: Progress = ignore_progress
) -> pd.DataFrame:
    """Compute the positions of code and audio of all pairs, before and after alignment.

    Parameters
    ----------
    heads : ProjectionHeads
    pairs : EmbeddingPairs
    progress : Progress

    Returns
    -------
    DataFrame
        Two rows per program, first all code, then all audio: program, modality ("code", "audio");
        before_x, before_y, after_x, after_y (float32, without unit); similarity (cosine of the
        program's code and audio in the shared space, [-1, 1]); overlap_before and overlap_after
        (share of its 3 nearest programs by code that are among its 3 nearest by audio, in the raw
        and in the shared space; NaN for fewer than 5 programs, and for
        all but 10,000 of more than 30,000).

    Raises
    ------
    EarshotError
        When there are no pairs.
    """
    if not len(pairs):
        raise EarshotError(
            "There is nothing to map: no program has both a clip and embeddings.",
            remedy="Build the corpus first.",
        )
    code = project_embeddings(heads, pairs.code_embeddings, "code")
    audio = project_embeddings(heads, pairs.audio_embeddings, "audio")
    progress(PROGRESS_STEP, 0, 2, "before alignment")
    before = compute_joint_umap_layout(pairs.code_embeddings, pairs.audio_embeddings, MAP_SEED)
    progress(PROGRESS_STEP, 1, 2, "after alignment")
    # Starting from the positions before alignment keeps the two maps comparable by eye.
    after = compute_joint_umap_layout(code, audio, MAP_SEED, initial_positions=before)
    before_xy, after_xy = np.concatenate(before), np.concatenate(after)  # [2n, 2]
    measures = {
        "similarity": (code * audio).sum(axis=1),
        "overlap_before": _compute_neighbour_overlaps(
            pairs.code_embeddings, pairs.audio_embeddings
        ),
        "overlap_after": _compute_neighbour_overlaps(code, audio),
    }
    progress(PROGRESS_STEP, 2, 2)
    n = len(pairs)
    return pd.DataFrame(
        {
            "program": pairs.program_ids * 2,
            "modality": ["code"] * n + ["audio"] * n,
            "before_x": before_xy[:, 0],
            "before_y": before_xy[:, 1],
            "after_x": after_xy[:, 0],
            "after_y": after_xy[:, 1],
            **{name: np.tile(values.astype(np.float32), 2) for name, values in measures.items()},
        }
    )


def _compute_neighbour_overlaps(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the share of common neighbours of each row in both spaces: [n]; NaN if unmeasured."""
    overlaps = np.full(len(x), np.nan)
    if len(x) <= MAX_MEASURED_PROGRAMS:
        shared_counts = count_shared_neighbours(x, y, NEIGHBOUR_COUNT)
        return shared_counts / NEIGHBOUR_COUNT if len(shared_counts) else overlaps
    rows = np.linspace(0, len(x) - 1, SAMPLED_PROGRAMS).astype(int)
    neighbours_x, neighbours_y = (
        CosineIndex(space).find_most_similar_rows(space[rows], NEIGHBOUR_COUNT, excluded_rows=rows)[
            0
        ]
        for space in (x, y)
    )  # [rows, k]
    shared_counts = (neighbours_x[:, :, None] == neighbours_y[:, None, :]).sum(axis=(1, 2))
    overlaps[rows] = shared_counts / NEIGHBOUR_COUNT
    return overlaps
