"""How sure a foretelling is, for the alignment that makes it: calibrated on held-out templates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from core.alignment import AlignmentConfig, TrainingPairs, ValidationPairs
from core.alignment import train as train_heads
from core.evaluation.metrics import normalized_similarity
from core.evaluation.neighbours import top_k
from core.evaluation.calibration import (
    CORRECT_THRESHOLD,
    ConfidenceCalibration,
    classify_confidence,
    compute_confidence_features,
)
from core.progress import Progress, ignore_progress
from core.search.aligned_corpus import AlignedCorpus, project_embeddings
from core.search.query import Neighbour

PROGRESS_STEP = "Learning how sure it can be"
FOLD_COUNT = 3
MIN_CALIBRATION_PROGRAMS = 100  # programs
MIN_CALIBRATION_TEMPLATES = (
    6  # templates and styles: with fewer, holding some out leaves too little
)
MAX_QUERIES_PER_FOLD = 200  # programs asked about in a fold
NEIGHBOUR_COUNT = 5
CONFIDENCE_KEY = "confidence"  # among an alignment's metrics


@dataclass(frozen=True)
class Confidence:
    """How sure a foretelling is.

    Attributes
    ----------
    probability : float
        That the clips found are at least half as near as the truly nearest, as it was for
        held-out programs that looked like this.
    level : {"sure", "likely", "guess"}
        From two in three, from one in three, below.
    calibration_program_count : int
        Held-out programs that this was learnt from.
    """

    probability: float
    level: str
    calibration_program_count: int


@dataclass(frozen=True)
class TrainingSet:
    """Pairs that heads are trained on.

    Attributes
    ----------
    code_embeddings, audio_embeddings : array, float32 [n, d1] and [n, d2]
        Raw embeddings, row i of both one program.
    is_validation : array, bool [n]
        Those that only say when to stop.
    """

    code_embeddings: np.ndarray
    audio_embeddings: np.ndarray
    is_validation: np.ndarray


def estimate_confidence(
    aligned_corpus: AlignedCorpus, snippet: str, neighbours: Sequence[Neighbour]
) -> Confidence | None:
    """Estimate the probability that the retrieved clips resemble the snippet's true sound.

    Parameters
    ----------
    aligned_corpus : AlignedCorpus
    snippet : str
    neighbours : sequence of Neighbour
        What `core.search.query.find_neighbours` returned for the snippet by ``code->audio``.

    Returns
    -------
    Confidence or None
        None when there are no neighbours, or when the alignment was trained on too few templates
        to be calibrated.
    """
    fields = aligned_corpus.record.metrics.get(CONFIDENCE_KEY)
    if not fields or not neighbours:
        return None
    calibration = ConfidenceCalibration.from_dict(fields)
    neighbours = neighbours[:NEIGHBOUR_COUNT]  # The calibration was fitted with this number.
    rows = [[aligned_corpus.row_by_program[neighbour.program_id] for neighbour in neighbours]]
    code = aligned_corpus.embed_snippet(snippet)
    features = compute_confidence_features(
        aligned_corpus.pairs.audio_embeddings[np.array(rows)],
        np.array([[neighbour.similarity for neighbour in neighbours]]),
        aligned_corpus.raw_code_index.query(code, 1)[1][:, 0],
    )
    probability = float(calibration.predict_probability(features)[0])
    return Confidence(probability, classify_confidence(probability), calibration.program_count)


def collect_calibration_data(
    training_set: TrainingSet,
    groups: Sequence[str],
    config: AlignmentConfig,
    progress: Progress = ignore_progress,
) -> tuple[np.ndarray, np.ndarray]:
    """Foretell programs of templates that the heads have not seen, with heads trained alike.

    Parameters
    ----------
    training_set : Taught
    groups : sequence of str
        Of each pair: the template or style that it is of. Whole groups are held out, a third
        of them at a time.
    config : AlignmentConfig
    progress : Progress

    Returns
    -------
    signs : float [m, 3]
        As of `core.evaluation.calibration.compute_confidence_features`.
    shares : float [m]
        As of `core.evaluation.metrics.normalized_similarity` with a scale per query.
    """
    groups = np.asarray(groups)
    names = np.random.default_rng(config.seed).permutation(sorted(set(groups.tolist())))
    seen, shares = [np.empty((0, 3))], [np.empty(0)]
    for fold in range(FOLD_COUNT):
        progress(PROGRESS_STEP, fold, FOLD_COUNT)
        held = np.isin(groups, names[fold::FOLD_COUNT])
        asked = np.flatnonzero(held)
        asked = asked[
            np.unique(
                np.linspace(0, len(asked) - 1, min(len(asked), MAX_QUERIES_PER_FOLD)).astype(int)
            )
        ]
        stops, learns = ~held & training_set.is_validation, ~held & ~training_set.is_validation
        code, audio = (
            torch.tensor(training_set.code_embeddings),
            torch.tensor(training_set.audio_embeddings),
        )
        heads = train_heads(
            TrainingPairs(code[learns], audio[learns]),
            ValidationPairs(code[stops], audio[stops]),
            config,
        ).heads
        base_code, heard = training_set.code_embeddings[~held], training_set.audio_embeddings[~held]
        rows, similar = top_k(
            project_embeddings(heads, training_set.code_embeddings[asked], "code"),
            project_embeddings(heads, heard, "audio"),
            NEIGHBOUR_COUNT,
        )
        nearest = top_k(training_set.code_embeddings[asked], base_code, 1)[1][:, 0]
        seen.append(compute_confidence_features(heard[rows], similar, nearest))
        shares.append(
            normalized_similarity(
                rows, training_set.audio_embeddings[asked], heard, per_query_scale=True
            )
        )
    progress(PROGRESS_STEP, FOLD_COUNT, FOLD_COUNT)
    return np.concatenate(seen), np.concatenate(shares)


def fit_calibration(
    training_set: TrainingSet,
    groups: Sequence[str],
    config: AlignmentConfig,
    progress: Progress = ignore_progress,
) -> ConfidenceCalibration | None:
    """Learn how sure heads of this config can be of a program of no template they have seen.

    Returns
    -------
    Calibration or None
        None with fewer than 6 templates and styles, or too few programs.
    """
    if (
        len(set(groups)) < MIN_CALIBRATION_TEMPLATES
        or len(training_set.code_embeddings) < MIN_CALIBRATION_PROGRAMS
    ):
        return None
    seen, shares = collect_calibration_data(training_set, groups, config, progress)
    known = np.isfinite(shares)
    return ConfidenceCalibration.fit(seen[known], shares[known] >= CORRECT_THRESHOLD)
