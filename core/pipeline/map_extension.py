"""Add programs to a map that was computed without them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.evaluation.array_validation_and_normalization import normalize_rows
from core.search.aligned_corpus import AlignedCorpus
from core.search.map_placement import average_nearest_positions, find_map_base

NEIGHBOUR_COUNT = 5


def add_programs_to_map(aligned_corpus: AlignedCorpus, program_ids: Sequence[str]) -> list[str]:
    """Place rendered and embedded programs on the saved map of an alignment, and save it.

    Each point lies at the weighted mean of its nearest neighbours, of code among code and of sound
    among sound, in the raw spaces and in the shared one. The other points stay where they are. The
    next training computes all positions again.

    Parameters
    ----------
    aligned_corpus : AlignedCorpus
        The corpus with the new programs, and an alignment with a map.
    program_ids : sequence of str

    Returns
    -------
    list of str
        The programs that were added: those with a clip and embeddings that were not on the map.
    """
    corpus, alignment_id = aligned_corpus.corpus, aligned_corpus.record.id
    points = corpus.load_alignment_map_points(alignment_id)
    if points is None:
        return []
    on_map = set(points["program"])
    new_ids = [
        program_id
        for program_id in dict.fromkeys(program_ids)
        if program_id in aligned_corpus.row_by_program and program_id not in on_map
    ]
    if new_ids:
        corpus.save_map_points(alignment_id, extend_map_points(aligned_corpus, points, new_ids))
    return new_ids


def extend_map_points(
    aligned_corpus: AlignedCorpus, points: pd.DataFrame, new_ids: Sequence[str]
) -> pd.DataFrame:
    """Return a map with further programs: all code first, then all audio, as a map is stored.

    Parameters
    ----------
    aligned_corpus : AlignedCorpus
    points : DataFrame
        As `core.pipeline.alignment_map_computation.compute_alignment_map` returns it.
    new_ids : sequence of str
        Programs with embeddings that are not among the points.
    """
    base = find_map_base(aligned_corpus, points)
    new_rows = np.array([aligned_corpus.row_by_program[program_id] for program_id in new_ids])
    pairs = aligned_corpus.pairs
    raw = {"code": pairs.code_embeddings, "audio": pairs.audio_embeddings}
    shared = {
        "code": aligned_corpus.project_code_embeddings(raw["code"]),
        "audio": aligned_corpus.project_audio_embeddings(raw["audio"]),
    }
    unit_code, unit_audio = (
        np.asarray(normalize_rows(shared[modality][new_rows])) for modality in ("code", "audio")
    )
    similarity = (unit_code * unit_audio).sum(axis=1).astype(np.float32)
    parts = []
    for modality in ("code", "audio"):
        columns = {"program": list(new_ids), "modality": modality, "similarity": similarity}
        for panel, vectors in (("before", raw[modality]), ("after", shared[modality])):
            xy = average_nearest_positions(
                vectors[new_rows],
                vectors[base.rows],
                base.positions[modality, panel],
                NEIGHBOUR_COUNT,
            ).astype(np.float32)
            columns |= {f"{panel}_x": xy[:, 0], f"{panel}_y": xy[:, 1]}
        new_points = pd.DataFrame(columns).reindex(columns=points.columns)
        parts += [points[points["modality"] == modality], new_points]
    extended = pd.concat(parts, ignore_index=True)
    return extended.astype({name: points[name].dtype for name in points if name != "program"})
