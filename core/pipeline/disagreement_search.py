"""Search for pairs of programs on which code and audio disagree, before and after alignment."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.corpus.disagreement_pair_storage import (
    PROGRAM_COUNT_KEY,
    count_embedded_programs,
    save_disagreement_pairs,
)
from core.errors import EarshotError
from core.evaluation.array_validation_and_normalization import normalize_rows
from core.evaluation.code_audio_disagreement import find_disagreeing_row_pairs
from core.progress_callback import Progress, ignore_progress
from core.search.aligned_corpus import AlignedCorpus

PROGRESS_STEP = "Comparing all pairs"
PAIRS_PER_KIND = 60
MIN_PROGRAMS = 3
PAIR_KINDS = ("written alike", "sounding alike")


def find_disagreeing_program_pairs(
    aligned_corpus: AlignedCorpus,
    progress: Progress = ignore_progress,
    pairs_per_kind: int = PAIRS_PER_KIND,
) -> pd.DataFrame:
    """Find the pairs of programs on which code and audio disagree most, and save them.

    Parameters
    ----------
    aligned_corpus : AlignedCorpus
    progress : Progress
    pairs_per_kind : int

    Returns
    -------
    DataFrame
        space ("before": raw code, "after": aligned code; audio is raw in both, because alignment
        does not change how a clip sounds), kind ("written alike": similar code, different audio;
        "sounding alike": the reverse), first and second (program ids; no program occurs twice in
        a space and kind), code_before, code_after and sound (cosine distances, [0, 2]),
        code_share and sound_share (share of all pairs that are nearer, [0, 1]). The strongest
        disagreement comes first.

    Raises
    ------
    EarshotError
        When the corpus has fewer than 3 pairs, or is not embedded by the alignment's encoders.
    """
    pairs, corpus_name = aligned_corpus.pairs, aligned_corpus.corpus.name
    if len(pairs) < MIN_PROGRAMS:
        raise EarshotError(
            f"Corpus '{corpus_name}' has {len(pairs)} programs with a clip and embeddings.",
            remedy=f"To add programs: ./run build {corpus_name}",
        )
    code_by_space = {
        "before": pairs.code_embeddings,
        "after": aligned_corpus.project_code_embeddings(pairs.code_embeddings),
    }
    embeddings_by_column = {
        "code_before": code_by_space["before"],
        "code_after": code_by_space["after"],
        "sound": pairs.audio_embeddings,
    }
    program_ids = np.array(pairs.program_ids, dtype=object)
    tables = []
    for done, (space, code) in enumerate(code_by_space.items()):
        progress(PROGRESS_STEP, done, len(code_by_space), f"{space} alignment")
        disagreements = find_disagreeing_row_pairs(code, pairs.audio_embeddings, pairs_per_kind)
        for kind, disagreement in zip(PAIR_KINDS, disagreements):
            first, second = disagreement.first, disagreement.second
            distances = {
                column: _compute_pair_distances(embeddings, first, second)
                for column, embeddings in embeddings_by_column.items()
            }
            tables.append(
                pd.DataFrame(
                    {
                        "space": space,
                        "kind": kind,
                        "first": program_ids[first],
                        "second": program_ids[second],
                        **distances,
                        "code_share": disagreement.x_rank,
                        "sound_share": disagreement.y_rank,
                    }
                )
            )
    progress(PROGRESS_STEP, len(code_by_space), len(code_by_space))
    table = pd.concat(tables, ignore_index=True)
    table.attrs[PROGRAM_COUNT_KEY] = count_embedded_programs(
        aligned_corpus.corpus, aligned_corpus.record
    )
    save_disagreement_pairs(aligned_corpus.record, table)
    return table


def _compute_pair_distances(
    embeddings: np.ndarray, first_rows: np.ndarray, second_rows: np.ndarray
) -> np.ndarray:
    """Compute the cosine distances of pairs of rows: float64 [pairs]."""
    unit_rows = normalize_rows(embeddings)
    similarities = (unit_rows[first_rows] * unit_rows[second_rows]).sum(dim=1)
    return (1 - similarities).clamp(0, 2).double().numpy()
