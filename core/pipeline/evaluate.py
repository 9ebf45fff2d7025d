"""Judge an alignment before and after, on programs that it was not trained on."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

from core import workspace
from core.alignment import ProjectionHeads
from core.corpus import Corpus, EmbeddingPairs
from core.evaluation.cca import fit_cca
from core.evaluation.metrics_table import (
    ALIGNED_VS_RAW,
    ALIGNED_VS_ALIGNED,
    BEFORE_ALIGNMENT,
    METRIC_COLUMNS,
    EmbeddingComparison,
    compute_metrics,
)
from core.evaluation.neighbours import top_k
from core.progress import Progress, ignore_progress
from core.search.aligned_corpus import UNSEEN_SPLIT, AlignedCorpus, project_embeddings

PROGRESS_STEP = "Judging"
AUDIO_ENCODER_INFIX = ", heard by "
RETRIEVED_NEIGHBOUR_COUNT = 5  # neighbours, as many as Listen shows


def evaluate_alignment(
    aligned_corpus: AlignedCorpus, progress: Progress = ignore_progress
) -> pd.DataFrame:
    """Return the metrics of an alignment on held-out programs, per split and reading.

    Metrics that were saved after training are returned as they are while the corpus holds the
    same pairs; otherwise they are computed. An alignment without metrics keeps the computed ones.

    Parameters
    ----------
    aligned_corpus : AlignedCorpus
    progress : Progress

    Returns
    -------
    DataFrame
        metric, split, reading, value, low, high, programs, as
        `core.evaluation.metrics_table.compute_metrics` documents them. Splits: "validation",
        "test", and "unseen templates" if any were held out whole. Readings: "before", "aligned
        code ~ aligned audio", "aligned code ~ raw audio"; where the corpus is embedded by other
        audio encoders too, the first and the last of these followed by ", heard by" and each
        held-out audio encoder.

    Raises
    ------
    EarshotError
        When the corpus is not embedded by the alignment's encoders.
    """
    pairs, splits, record = aligned_corpus.pairs, aligned_corpus.splits, aligned_corpus.record
    held_out_audio = load_held_out_audio_embeddings(
        aligned_corpus.corpus, pairs, aligned_corpus.audio_encoder.id
    )
    fingerprint = fingerprint_evaluation_data(pairs, splits, held_out_audio)
    if record.metrics.get("measured_on") == fingerprint:
        number_types = dict.fromkeys(("value", "low", "high"), float)
        return pd.DataFrame(record.metrics["readings"], columns=METRIC_COLUMNS).astype(number_types)
    metrics = evaluate_heads(aligned_corpus.heads, pairs, splits, held_out_audio, progress)
    if not record.metrics["readings"] and not workspace.is_read_only():
        evaluation = {"measured_on": fingerprint, "readings": metrics.to_dict(orient="records")}
        aligned_corpus.corpus.save_metrics(record.id, {**record.metrics, **evaluation})
    return metrics


def load_held_out_audio_embeddings(
    corpus: Corpus, pairs: EmbeddingPairs, training_audio_encoder: str
) -> dict[str, np.ndarray]:
    """Audio embeddings [n, d] of all pairs by encoders that the alignment wasn't trained on."""
    found = {}
    for encoder, modality, _ in corpus.list_encoders():
        if modality == "audio" and encoder != training_audio_encoder:
            ids, vectors = corpus.load_embeddings(encoder)
            place = {program: row for row, program in enumerate(ids)}
            if all(program in place for program in pairs.program_ids):
                found[encoder] = vectors[[place[program] for program in pairs.program_ids]]
    return found


def fingerprint_evaluation_data(
    pairs: EmbeddingPairs, splits: np.ndarray, held_out_audio_embeddings: dict[str, np.ndarray]
) -> str:
    """Fingerprint of all that metrics depend on besides the alignment."""
    others = [
        part
        for ear in sorted(held_out_audio_embeddings)
        for part in (ear, held_out_audio_embeddings[ear])
    ]
    return compute_fingerprint(
        np.array(pairs.program_ids), splits, pairs.code_embeddings, pairs.audio_embeddings, *others
    )


def evaluate_heads(
    heads: ProjectionHeads,
    pairs: EmbeddingPairs,
    splits: np.ndarray,
    held_out_audio_embeddings: dict[str, np.ndarray],
    progress: Progress = ignore_progress,
) -> pd.DataFrame:
    """Metrics of every reading on every held-out split.

    Parameters
    ----------
    heads : ProjectionHeads
    pairs : Pairs
    splits : array of str [n]
        As of `splits_of`.
    held_out_audio_embeddings : dict of encoder id to array, float [n, d]
        As of `other_ears`.
    progress : Progress

    Returns
    -------
    DataFrame
        As of `evaluate`.
    """
    found = make_raw_spaces(pairs) | make_aligned_spaces(heads, pairs)
    for ear, vectors in held_out_audio_embeddings.items():
        for name in (BEFORE_ALIGNMENT, ALIGNED_VS_RAW):
            code, _, searched = found[name]
            found[name + AUDIO_ENCODER_INFIX + ear] = (code, vectors, searched)
    return evaluate_splits(found, splits, progress)


def compute_fingerprint(*parts: np.ndarray | str) -> str:
    """Return 16 hex digits that identify arrays and texts in this order."""
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        array = np.ascontiguousarray(part)
        digest.update(f"{array.dtype} {array.shape} ".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


# Two spaces to be compared; a third is searched by code for training programs, whose clips are
# then held against the program's own: like code before, like sound after.
EvaluationSpaces = dict[str, tuple[np.ndarray, np.ndarray, np.ndarray | None]]


def make_raw_spaces(pairs: EmbeddingPairs) -> EvaluationSpaces:
    """What the reading before alignment compares."""
    return {
        BEFORE_ALIGNMENT: (pairs.code_embeddings, pairs.audio_embeddings, pairs.code_embeddings)
    }


def make_aligned_spaces(heads: ProjectionHeads, pairs: EmbeddingPairs) -> EvaluationSpaces:
    """What both readings after alignment compare."""
    code, audio = (
        project_embeddings(heads, pairs.code_embeddings, "code"),
        project_embeddings(heads, pairs.audio_embeddings, "audio"),
    )
    return {
        ALIGNED_VS_ALIGNED: (code, audio, None),
        ALIGNED_VS_RAW: (code, pairs.audio_embeddings, audio),
    }


def evaluate_splits(
    spaces: EvaluationSpaces,
    splits: np.ndarray,
    progress: Progress = ignore_progress,
    *,
    with_intervals: bool = True,
) -> pd.DataFrame:
    """Metrics of some readings on every held-out split, as of `evaluate`."""
    train = splits == "train"
    directions = {name: fit_cca(x[train], y[train]) for name, (x, y, _) in spaces.items()}
    tables = []
    parts = [
        part
        for part in ("validation", "test", UNSEEN_SPLIT)
        if part != UNSEEN_SPLIT or UNSEEN_SPLIT in splits
    ]
    todo = [(part, name) for part in parts for name in spaces]
    for done, (part, name) in enumerate(todo):
        progress(PROGRESS_STEP, done, len(todo), f"{part}: {name}")
        x, y, searched = spaces[name]
        rows = splits == part
        found = (
            None
            if searched is None
            else top_k(x[rows], searched[train], RETRIEVED_NEIGHBOUR_COUNT)[0]
        )
        reading = EmbeddingComparison(
            name,
            x[rows],
            y[rows],
            x[train],
            y[train],
            is_shared_space=name == ALIGNED_VS_ALIGNED,
            retrieved_rows=found,
            fitted_cca=directions[name],
        )
        tables.append(compute_metrics([reading], part, with_intervals=with_intervals))
    progress(PROGRESS_STEP, len(todo), len(todo))
    return pd.concat(tables, ignore_index=True)
