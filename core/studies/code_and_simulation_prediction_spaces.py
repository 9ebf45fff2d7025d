"""Shared space of the joint prediction: a program's code and its simulated sound together.

Two kernel ridge regressions predict a clip's vector, one from the code encoder and one from the
simulation. Their mean and the clips are whitened by the errors on templates that neither saw.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from core.alignment import AlignmentConfig, TrainingPairs, ValidationPairs
from core.alignment import train as train_heads
from core.alignment.projection_heads import project_embeddings
from core.alignment.residual_whitening import fit_residual_whitening
from core.alignment.sound_property_regression_with_intervals import (
    assign_cross_validation_folds_by_group,
    select_evenly_spaced_rows,
)
from core.corpus import Corpus, EmbeddingPairs
from core.encoders import find_encoder_spec
from core.evaluation.metrics_with_intervals import ALIGNED_VS_ALIGNED, ALIGNED_VS_RAW
from core.pipeline.evaluate_alignment_on_held_out_programs import ComparedSpaces
from core.search.clip_property_forecast import FEATURE_ENCODER
from core.search.shared_space_regression_from_simulation import (
    fit_simulation_regression,
    scale_rows_to_unit_length,
)

METHOD_NAME = "kernel ridge of code and simulation, whitened"
FOLD_COUNT = 4
MAX_RESIDUAL_PROGRAMS = 3000
"""Training programs by which the errors are measured: more hardly change a covariance."""
MAX_SIMULATION_PROGRAMS = 6000
"""As many as the kernel ridge regression of code has reference programs."""
SIMULATION_WEIGHT = 0.6
"""Weight of the prediction from the simulation, chosen on validation templates: recall within a
template differs by less than .03 between .4 and .8."""

Predict = Callable[[np.ndarray], np.ndarray]


def load_simulation_features(corpus: Corpus, program_ids: list[str]) -> np.ndarray | None:
    """Load the stored simulations of programs: float32 [n, d]; None unless all are up to date."""
    spec = find_encoder_spec(FEATURE_ENCODER)
    if corpus.get_encoder_revision(spec.id) != spec.revision:
        return None
    if set(corpus.list_programs_without_embedding(spec.id, spec.revision)) & set(program_ids):
        return None
    ids, features = corpus.load_embeddings(spec.id, program_ids)
    row_by_program = {program_id: row for row, program_id in enumerate(ids)}
    return np.asarray(features[[row_by_program[program_id] for program_id in program_ids]])


def build_joint_prediction_spaces(
    pairs: EmbeddingPairs, features: np.ndarray, templates: np.ndarray, is_training: np.ndarray
) -> dict[str, ComparedSpaces]:
    """Predict all programs from the training programs, and whiten both sides.

    Parameters
    ----------
    pairs : EmbeddingPairs
    features : float [n, d]
        Simulations, by `load_simulation_features`.
    templates : array of str [n]
        Template or grammar style of each pair.
    is_training : array of bool [n]

    Returns
    -------
    dict of reading to ComparedSpaces
    """
    training_rows = np.flatnonzero(is_training)
    sampled_rows = training_rows[
        select_evenly_spaced_rows(len(training_rows), MAX_RESIDUAL_PROGRAMS)
    ]
    folds = assign_cross_validation_folds_by_group(templates[sampled_rows], FOLD_COUNT)
    predicted_rows, true_rows = [], []
    for fold in range(FOLD_COUNT):
        held_out, fitted = sampled_rows[folds == fold], sampled_rows[folds != fold]
        if len(held_out) and len(fitted) > 1:
            predict, project_audio = _fit_code_and_simulation_prediction(pairs, features, fitted)
            predicted_rows.append(predict(held_out))
            true_rows.append(project_audio(held_out))
    whitening = fit_residual_whitening(np.concatenate(predicted_rows), np.concatenate(true_rows))
    predict, project_audio = _fit_code_and_simulation_prediction(pairs, features, training_rows)
    all_rows = np.arange(len(templates))
    code = whitening.transform_to_unit_vectors(predict(all_rows))
    audio = whitening.transform_to_unit_vectors(project_audio(all_rows))
    return {
        ALIGNED_VS_ALIGNED: ComparedSpaces(code, audio, None),
        ALIGNED_VS_RAW: ComparedSpaces(code, pairs.audio_embeddings, audio),
    }


def _fit_code_and_simulation_prediction(
    pairs: EmbeddingPairs, features: np.ndarray, training_rows: np.ndarray
) -> tuple[Predict, Predict]:
    """Fit both regressions; return functions of rows: predicted and true vectors of clips."""
    code, audio = (
        torch.from_numpy(side[training_rows])
        for side in (pairs.code_embeddings, pairs.audio_embeddings)
    )
    heads = train_heads(
        TrainingPairs(code, audio),
        ValidationPairs(code[:0], audio[:0]),  # The solution is in closed form.
        AlignmentConfig.from_preset("kernel_ridge"),
    ).heads

    def project_audio(rows: np.ndarray) -> np.ndarray:
        return project_embeddings(heads, pairs.audio_embeddings[rows], "audio")

    sampled_rows = training_rows[
        select_evenly_spaced_rows(len(training_rows), MAX_SIMULATION_PROGRAMS)
    ]
    regression = fit_simulation_regression(features[sampled_rows], project_audio(sampled_rows))

    def predict(rows: np.ndarray) -> np.ndarray:
        by_code = project_embeddings(heads, pairs.code_embeddings[rows], "code")
        by_simulation = regression.predict_shared_space_vectors(features[rows])
        mean = (1 - SIMULATION_WEIGHT) * by_code + SIMULATION_WEIGHT * by_simulation
        return scale_rows_to_unit_length(mean)

    return predict, project_audio
