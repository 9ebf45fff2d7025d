"""Calibration of the confidence of an alignment, on programs of templates that it did not see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
import torch

from core.alignment import AlignmentConfig, ProjectionHeads, TrainingPairs, ValidationPairs
from core.alignment import train as train_heads
from core.alignment.config import JOINT_OBJECTIVE
from core.alignment.projection_heads import measure_projection_strengths, project_embeddings
from core.evaluation.confidence_calibration import (
    CORRECT_THRESHOLD,
    ConfidenceCalibration,
    compute_confidence_features,
)
from core.evaluation.metrics import normalized_similarity
from core.evaluation.nearest_neighbours import find_k_nearest_rows
from core.progress_callback import Progress, ignore_progress
from core.search.embedded_corpus import EmbeddedCorpus
from core.search.simulation_columns import count_simulation_columns
from core.search.unseen_program_splits import UNSEEN_SPLITS

PROGRESS_STEP = "Calibrating confidence"
FOLD_COUNT = 3
MIN_CALIBRATION_PROGRAMS = 100
MIN_CALIBRATION_TEMPLATES = 6
"""With fewer templates, too few are left to train on when a third of them is held out."""
MAX_QUERIES_PER_FOLD = 200
NEIGHBOUR_COUNT = 5
# Programs by other people differ from each other more than held-out templates and styles do, and
# their predictions are made with all templates, not two thirds of them. So their log odds are
# steeper and higher. Chosen on the development half of a folder of public programs. Not so those of
# joint kernel ridge: on that half, its probabilities were right as fitted, and too high if raised.
OUTSIDE_LOG_ODDS_SLOPE = 1.6
OUTSIDE_LOG_ODDS_SHIFT = 0.5
CONFIDENCE_KEYS = {"code->audio": "confidence", "audio->code": "audio_confidence"}
"""Keys of the calibrations among an alignment's metrics, by direction of the search."""


@dataclass(frozen=True)
class TrainingSet:
    """Pairs on which heads are trained.

    Attributes
    ----------
    code_embeddings, audio_embeddings : array, float32 [n, d1] and [n, d2]
        Raw embeddings, row i of both one program.
    is_validation : array, bool [n]
        Pairs that are used for early stopping only.
    simulation_dim : int
        Last columns of the code embeddings that are a simulation, for the joint objectives.
    """

    code_embeddings: np.ndarray
    audio_embeddings: np.ndarray
    is_validation: np.ndarray
    simulation_dim: int = 0


class CalibrationData(NamedTuple):
    """Predictions for held-out programs.

    Attributes
    ----------
    features : float [m, 4]
        As `core.evaluation.confidence_calibration.compute_confidence_features` returns them.
    similarities : float [m]
        Normalized similarities of the retrieved clips to the queries' own.
    """

    features: np.ndarray
    similarities: np.ndarray


def calibrate_confidence(
    embedded_corpus: EmbeddedCorpus,
    splits: np.ndarray,
    config: AlignmentConfig,
    best_epoch: int,
    progress: Progress = ignore_progress,
) -> dict[str, Any]:
    """Fit the calibrations of heads that were trained on a corpus.

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
    dict
        What an alignment's metrics keep: by each of `CONFIDENCE_KEYS` the calibration in JSON
        types, None with too few templates or programs.
    """
    pairs = embedded_corpus.pairs
    is_seen = ~np.isin(splits, UNSEEN_SPLITS)
    training_set = TrainingSet(
        pairs.code_embeddings[is_seen],
        pairs.audio_embeddings[is_seen],
        splits[is_seen] == "validation",
        count_simulation_columns(embedded_corpus.code_encoder.id),
    )
    groups = list(embedded_corpus.templates[is_seen])
    fixed_length_config = replace(config, epochs=max(best_epoch, 1), patience=0)
    calibrations = fit_confidence_calibrations(training_set, groups, fixed_length_config, progress)
    return {
        key: calibrations[direction].to_dict() if direction in calibrations else None
        for direction, key in CONFIDENCE_KEYS.items()
    }


def fit_confidence_calibrations(
    training_set: TrainingSet,
    groups: Sequence[str],
    config: AlignmentConfig,
    progress: Progress = ignore_progress,
) -> dict[str, ConfidenceCalibration]:
    """Fit calibrations for heads of a config, on programs of templates that they do not see.

    Parameters
    ----------
    training_set : TrainingSet
    groups : sequence of str
        Template or style of each pair.
    config : AlignmentConfig
    progress : Progress

    Returns
    -------
    dict of str to ConfidenceCalibration
        By direction, "code->audio" and "audio->code". Empty with fewer than 6 templates and styles
        or fewer than 100 programs; a direction is missing where almost all predictions have the
        same outcome.
    """
    if len(set(groups)) < MIN_CALIBRATION_TEMPLATES:
        return {}
    if len(training_set.code_embeddings) < MIN_CALIBRATION_PROGRAMS:
        return {}
    data_by_direction = collect_calibration_data(training_set, groups, config, progress)
    calibrations = {}
    for direction, (features, similarities) in data_by_direction.items():
        is_defined = np.isfinite(similarities)
        is_correct = similarities[is_defined] >= CORRECT_THRESHOLD
        calibration = ConfidenceCalibration.fit_confidence_to_outcomes(
            features[is_defined], is_correct
        )
        if calibration is None:
            continue
        if direction == "code->audio" and config.objective != JOINT_OBJECTIVE:
            calibration = calibration.scale_and_shift_log_odds(
                OUTSIDE_LOG_ODDS_SLOPE, OUTSIDE_LOG_ODDS_SHIFT
            )
        calibrations[direction] = calibration
    return calibrations


def collect_calibration_data(
    training_set: TrainingSet,
    groups: Sequence[str],
    config: AlignmentConfig,
    progress: Progress = ignore_progress,
) -> dict[str, CalibrationData]:
    """Predict the clips and the code of held-out groups, by heads trained on the other groups.

    Parameters
    ----------
    training_set : TrainingSet
    groups : sequence of str
        Template or style of each pair. Each fold holds out a third of the groups.
    config : AlignmentConfig
    progress : Progress

    Returns
    -------
    dict of str to CalibrationData
        By direction, "code->audio" and "audio->code".
    """
    group_of_row = np.asarray(groups)
    group_order = np.random.default_rng(config.seed).permutation(sorted(set(group_of_row.tolist())))
    folds = []
    for fold in range(FOLD_COUNT):
        progress(PROGRESS_STEP, fold, FOLD_COUNT)
        is_held_out = np.isin(group_of_row, group_order[fold::FOLD_COUNT])
        if is_held_out.any():
            folds.append(
                _train_and_score_held_out_pairs(training_set, group_of_row, is_held_out, config)
            )
    progress(PROGRESS_STEP, FOLD_COUNT, FOLD_COUNT)
    return {
        direction: CalibrationData(
            np.concatenate([fold[direction].features for fold in folds]),
            np.concatenate([fold[direction].similarities for fold in folds]),
        )
        for direction in CONFIDENCE_KEYS
    }


def _train_and_score_held_out_pairs(
    training_set: TrainingSet,
    group_of_row: np.ndarray,
    is_held_out: np.ndarray,
    config: AlignmentConfig,
) -> dict[str, CalibrationData]:
    """Train without the held-out pairs; predict up to 200 of them in each direction."""
    query_rows = np.flatnonzero(is_held_out)
    query_count = min(len(query_rows), MAX_QUERIES_PER_FOLD)
    spread = np.linspace(0, len(query_rows) - 1, query_count).astype(int)
    query_rows = query_rows[np.unique(spread)]
    is_validation = ~is_held_out & training_set.is_validation
    is_training = ~is_held_out & ~training_set.is_validation
    code = torch.tensor(training_set.code_embeddings)
    audio = torch.tensor(training_set.audio_embeddings)
    heads = train_heads(
        TrainingPairs(
            code[is_training],
            audio[is_training],
            groups=group_of_row[is_training],
            simulation_dim=training_set.simulation_dim,
        ),
        ValidationPairs(code[is_validation], audio[is_validation]),
        config,
    ).heads
    base = {
        "code": training_set.code_embeddings[~is_held_out],
        "audio": training_set.audio_embeddings[~is_held_out],
    }
    queries = {
        "code": training_set.code_embeddings[query_rows],
        "audio": training_set.audio_embeddings[query_rows],
    }
    return {
        direction: search_and_score_queries_in_direction(heads, queries, base, direction)
        for direction in CONFIDENCE_KEYS
    }


def search_and_score_queries_in_direction(
    heads: ProjectionHeads,
    queries: Mapping[str, np.ndarray],
    base: Mapping[str, np.ndarray],
    direction: str,
) -> CalibrationData:
    """Search for every query in one direction, and compare what was found with the true clips.

    Parameters
    ----------
    heads : ProjectionHeads
    queries, base : mapping
        Raw embeddings, "code" float [m, d1] and "audio" float [m, d2].
    direction : {"code->audio", "audio->code"}
    """
    source: Literal["code", "audio"] = "code" if direction == "code->audio" else "audio"
    target: Literal["code", "audio"] = "audio" if source == "code" else "code"
    retrieved_rows, shared_similarities = find_k_nearest_rows(
        project_embeddings(heads, queries[source], source),
        project_embeddings(heads, base[target], target),
        NEIGHBOUR_COUNT,
    )
    nearest_similarity = find_k_nearest_rows(queries[source], base[source], 1)[1][:, 0]
    features = compute_confidence_features(
        base["audio"][retrieved_rows],
        shared_similarities,
        nearest_similarity,
        measure_projection_strengths(heads, queries[source], source),
    )
    similarities = normalized_similarity(retrieved_rows, queries["audio"], base["audio"])
    return CalibrationData(features, similarities)
