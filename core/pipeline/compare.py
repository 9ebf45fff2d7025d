"""Pairs that are written alike but sound different, and the reverse, before and after alignment."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.corpus.disagreement_pairs import save_disagreement_pairs
from core.errors import EarshotError
from core.evaluation.validation import normalize_rows
from core.evaluation.disagreement import find_disagreements
from core.progress import Progress, ignore_progress
from core.search.aligned_corpus import AlignedCorpus

PROGRESS_STEP = "Comparing all pairs"
PAIRS_PER_KIND = 60  # pairs of each kind


def find_disagreement_pairs(
    aligned_corpus: AlignedCorpus,
    progress: Progress = ignore_progress,
    pairs_per_kind: int = PAIRS_PER_KIND,
) -> pd.DataFrame:
    """Find the pairs of programs on which code and sound disagree most, and keep them.

    Parameters
    ----------
    aligned_corpus : AlignedCorpus
    progress : Progress
    pairs_per_kind : int
        Pairs of each kind.

    Returns
    -------
    DataFrame
        space ("before": raw code, "after": aligned code; sound is raw in both, since what
        is heard doesn't change), kind ("written alike": but sounding different; "sounding
        alike": but written differently), first and second (program ids; none twice in a
        space and kind), code_before, code_after and sound (cosine distances, [0, 2]), code_share
        and sound_share (share of all pairs that are nearer, [0, 1]). Those that disagree
        most come first.

    Raises
    ------
    EarshotError
        When the corpus has fewer than 3 pairs, or is not embedded by the alignment's encoders.
    """
    pairs, corpus_name = aligned_corpus.pairs, aligned_corpus.corpus.name
    if len(pairs) < 3:
        raise EarshotError(
            f"Corpus '{corpus_name}' has {len(pairs)} programs with a clip and embeddings.",
            remedy=f"To add programs: ./run build {corpus_name}",
        )
    codes = {"before": pairs.code_embeddings, "after": aligned_corpus.project_code(pairs.code_embeddings)}
    distances = {"code_before": codes["before"], "code_after": codes["after"], "sound": pairs.audio_embeddings}
    ids = np.array(pairs.program_ids, dtype=object)
    tables = []
    for done, (space, code) in enumerate(codes.items()):
        progress(PROGRESS_STEP, done, len(codes), f"{space} alignment")
        both = find_disagreements(code, pairs.audio_embeddings, pairs_per_kind)
        for kind, pair in zip(("written alike", "sounding alike"), both):
            apart = {name: _compute_pair_distances(x, pair.first, pair.second) for name, x in distances.items()}
            tables.append(
                pd.DataFrame(
                    {
                        "space": space,
                        "kind": kind,
                        "first": ids[pair.first],
                        "second": ids[pair.second],
                        **apart,
                        "code_share": pair.x_rank,
                        "sound_share": pair.y_rank,
                    }
                )
            )
    progress(PROGRESS_STEP, len(codes), len(codes))
    found = pd.concat(tables, ignore_index=True)
    save_disagreement_pairs(aligned_corpus.record, found)
    return found


def _compute_pair_distances(embeddings: np.ndarray, first_rows: np.ndarray, second_rows: np.ndarray) -> np.ndarray:
    """Cosine distances of pairs of rows: float64 [pairs]."""
    unit = normalize_rows(embeddings)
    return (1 - (unit[first_rows] * unit[second_rows]).sum(dim=1)).clamp(0, 2).double().numpy()
