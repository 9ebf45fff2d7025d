"""Confidence of a prediction, calibrated on programs of held-out templates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from core.alignment import AlignmentConfig, TrainingPairs, ValidationPairs
from core.alignment import train as train_heads
from core.alignment.heads import project_embeddings
from core.evaluation.confidence_calibration import (
    CORRECT_THRESHOLD,
    ConfidenceCalibration,
    classify_confidence_level,
    compute_confidence_features,
)
from core.evaluation.metrics import normalized_similarity
from core.evaluation.nearest_neighbours import find_k_nearest_rows
from core.progress import Progress, ignore_progress
from core.search.aligned_corpus import (
    AlignedCorpus,
    EmbeddedCorpus,
)
from core.search.evaluation_splits import UNSEEN_SPLITS
from core.search.nearest_neighbour_queries import Neighbour
from core.search.silent_snippet_check import read_audible_snippet
from core.sonicpi.interpreter.program_reading import STATUS_UNKNOWN

PROGRESS_STEP = "Calibrating confidence"
FOLD_COUNT = 3
MIN_CALIBRATION_PROGRAMS = 100
MIN_CALIBRATION_TEMPLATES = 6
"""With fewer templates, too few are left to train on when a third of them is held out."""
MAX_QUERIES_PER_FOLD = 200
NEIGHBOUR_COUNT = 5
MAX_UNFOLLOWED_PROBABILITY = 0.3
"""Of a snippet without a sound that could be followed: its confidence is low."""
CONFIDENCE_KEY = "confidence"
"""Key of the calibration among an alignment's metrics."""


@dataclass(frozen=True)
class Confidence:
    """Confidence of a prediction.

    Attributes
    ----------
    probability : float
        Estimated probability that the normalized similarity of the retrieved clips is at least
        0.5, in (0, 1).
    level : {"high", "medium", "low"}
        High from 2/3, medium from 1/3.
    calibration_program_count : int
        Number of held-out programs of the calibration.
    """

    probability: float
    level: str
    calibration_program_count: int


@dataclass(frozen=True)
class TrainingSet:
    """Pairs on which heads are trained.

    Attributes
    ----------
    code_embeddings, audio_embeddings : array, float32 [n, d1] and [n, d2]
        Raw embeddings, row i of both one program.
    is_validation : array, bool [n]
        Pairs that are used for early stopping only.
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
        What `core.search.find_neighbours` returned for the snippet by ``code->audio``.

    Returns
    -------
    Confidence or None
        None when there are no neighbours, or when the alignment was trained on too few templates
        to be calibrated.

    Raises
    ------
    SilentSnippetError
        When nothing in the snippet would sound.
    """
    fields = aligned_corpus.record.metrics.get(CONFIDENCE_KEY)
    if not fields or not neighbours:
        return None
    calibration = ConfidenceCalibration.from_dict(fields)
    neighbours = neighbours[:NEIGHBOUR_COUNT]  # The calibration was fitted with this number.
    rows = [[aligned_corpus.row_by_program[neighbour.program_id] for neighbour in neighbours]]
    code = aligned_corpus.embed_snippet(snippet)
    _, nearest_code_similarity = aligned_corpus.find_nearest_rows(code, 1, "code->code")
    features = compute_confidence_features(
        aligned_corpus.pairs.audio_embeddings[np.array(rows)],
        np.array([[neighbour.similarity for neighbour in neighbours]]),
        nearest_code_similarity,
    )
    probability = float(calibration.predict_correctness_probability(features)[0])
    if read_audible_snippet(snippet).status == STATUS_UNKNOWN:
        probability = min(probability, MAX_UNFOLLOWED_PROBABILITY)
    return Confidence(
        probability, classify_confidence_level(probability), calibration.program_count
    )


def calibrate_confidence(
    embedded_corpus: EmbeddedCorpus,
    splits: np.ndarray,
    config: AlignmentConfig,
    best_epoch: int,
    progress: Progress = ignore_progress,
) -> ConfidenceCalibration | None:
    """Fit the calibration of heads that were trained on a corpus.

    Parameters
    ----------
    embedded_corpus : EmbeddedCorpus
    splits : array of str [n]
        Split of each pair. Programs of unseen templates take no part.
    config : AlignmentConfig
        The config of the heads.
    best_epoch : int
        The epoch at which their training was best; the calibration's heads are trained as long.
    progress : Progress

    Returns
    -------
    ConfidenceCalibration or None
        None with too few templates or programs.
    """
    pairs = embedded_corpus.pairs
    is_seen = ~np.isin(splits, UNSEEN_SPLITS)
    training_set = TrainingSet(
        pairs.code_embeddings[is_seen],
        pairs.audio_embeddings[is_seen],
        splits[is_seen] == "validation",
    )
    groups = list(embedded_corpus.templates[is_seen])
    fixed_length_config = replace(config, epochs=max(best_epoch, 1), patience=0)
    return fit_confidence_calibration(training_set, groups, fixed_length_config, progress)


def fit_confidence_calibration(
    training_set: TrainingSet,
    groups: Sequence[str],
    config: AlignmentConfig,
    progress: Progress = ignore_progress,
) -> ConfidenceCalibration | None:
    """Fit a calibration for heads of a config, on programs of templates that they do not see.

    Parameters
    ----------
    training_set : TrainingSet
    groups : sequence of str
        Template or style of each pair.
    config : AlignmentConfig
    progress : Progress

    Returns
    -------
    ConfidenceCalibration or None
        None with fewer than 6 templates and styles, or too few programs.
    """
    if len(set(groups)) < MIN_CALIBRATION_TEMPLATES:
        return None
    if len(training_set.code_embeddings) < MIN_CALIBRATION_PROGRAMS:
        return None
    features, similarities = collect_calibration_data(training_set, groups, config, progress)
    is_defined = np.isfinite(similarities)
    is_correct = similarities[is_defined] >= CORRECT_THRESHOLD
    return ConfidenceCalibration.fit_confidence_to_outcomes(features[is_defined], is_correct)


def collect_calibration_data(
    training_set: TrainingSet,
    groups: Sequence[str],
    config: AlignmentConfig,
    progress: Progress = ignore_progress,
) -> tuple[np.ndarray, np.ndarray]:
    """Predict the clips of held-out groups, by heads that are trained on the other groups.

    Parameters
    ----------
    training_set : TrainingSet
    groups : sequence of str
        Template or style of each pair. Each fold holds out a third of the groups.
    config : AlignmentConfig
    progress : Progress

    Returns
    -------
    features : float [m, 3]
        As `core.evaluation.confidence_calibration.compute_confidence_features` returns them.
    similarities : float [m]
        Normalized similarities with a scale per query, as
        `core.evaluation.metrics.normalized_similarity` returns them.
    """
    group_of_row = np.asarray(groups)
    group_order = np.random.default_rng(config.seed).permutation(sorted(set(group_of_row.tolist())))
    features, similarities = [np.empty((0, 3))], [np.empty(0)]
    for fold in range(FOLD_COUNT):
        progress(PROGRESS_STEP, fold, FOLD_COUNT)
        is_held_out = np.isin(group_of_row, group_order[fold::FOLD_COUNT])
        fold_features, fold_similarities = _predict_held_out_pairs(
            training_set, is_held_out, config
        )
        features.append(fold_features)
        similarities.append(fold_similarities)
    progress(PROGRESS_STEP, FOLD_COUNT, FOLD_COUNT)
    return np.concatenate(features), np.concatenate(similarities)


def _predict_held_out_pairs(
    training_set: TrainingSet, is_held_out: np.ndarray, config: AlignmentConfig
) -> tuple[np.ndarray, np.ndarray]:
    """Train without the held-out pairs; return features and similarities of up to 200 of them."""
    query_rows = np.flatnonzero(is_held_out)
    query_count = min(len(query_rows), MAX_QUERIES_PER_FOLD)
    spread = np.linspace(0, len(query_rows) - 1, query_count).astype(int)
    query_rows = query_rows[np.unique(spread)]
    is_validation = ~is_held_out & training_set.is_validation
    is_training = ~is_held_out & ~training_set.is_validation
    code = torch.tensor(training_set.code_embeddings)
    audio = torch.tensor(training_set.audio_embeddings)
    heads = train_heads(
        TrainingPairs(code[is_training], audio[is_training]),
        ValidationPairs(code[is_validation], audio[is_validation]),
        config,
    ).heads
    base_code = training_set.code_embeddings[~is_held_out]
    base_audio = training_set.audio_embeddings[~is_held_out]
    query_code = training_set.code_embeddings[query_rows]
    retrieved_rows, shared_similarities = find_k_nearest_rows(
        project_embeddings(heads, query_code, "code"),
        project_embeddings(heads, base_audio, "audio"),
        NEIGHBOUR_COUNT,
    )
    nearest_code_similarity = find_k_nearest_rows(query_code, base_code, 1)[1][:, 0]
    features = compute_confidence_features(
        base_audio[retrieved_rows], shared_similarities, nearest_code_similarity
    )
    query_audio = training_set.audio_embeddings[query_rows]
    similarities = normalized_similarity(
        retrieved_rows, query_audio, base_audio, per_query_scale=True
    )
    return features, similarities
