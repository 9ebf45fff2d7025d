"""Confidence in the snippet-retrieval study: predicted probabilities against true outcomes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from core.alignment import TrainingPairs, ValidationPairs
from core.alignment import train as train_heads
from core.evaluation.confidence_calibration import (
    CONFIDENCE_LEVELS,
    CORRECT_THRESHOLD,
    classify_confidence_level,
)
from core.evaluation.reliability_bins_and_calibration_error import (
    RELIABILITY_COLUMNS,
    compute_auc,
    compute_chance_calibration_error,
    compute_reliability_bins,
    expected_calibration_error,
)
from core.search.confidence_fitting import (
    TrainingSet,
    fit_confidence_calibrations,
    search_and_score_queries_in_direction,
)
from core.search.search_confidence import discount_confidence_by_understood_share
from core.search.simulation_columns import count_simulation_columns
from core.sonicpi.interpreter import interpret_program
from core.studies.retrieved_clip_scores import SCORE, RetrievalOutcome

LEVEL_COLUMNS = [
    "direction",
    "level",
    "queries",
    "predicted probability",
    "fraction correct",
    SCORE,
]
DIRECTION_LABELS = {"code->audio": "code to sound", "audio->code": "sound to code"}


@dataclass(frozen=True)
class ConfidenceOutcome:
    """Confidence of the default method for every query, in one direction.

    Attributes
    ----------
    direction : str
        "code to sound" or "sound to code".
    probabilities : array, float [m]
        Predicted probability that what was found is correct.
    scores : array, float [m]
        `SCORE` of what was found.
    """

    direction: str
    probabilities: np.ndarray
    scores: np.ndarray

    @property
    def correct_query_mask(self) -> np.ndarray:
        """Whether each score reaches the threshold: bool [m]."""
        return self.scores >= CORRECT_THRESHOLD


def estimate_query_confidences(outcome: RetrievalOutcome) -> list[ConfidenceOutcome]:
    """Calibrate the default method's confidence without the queries, and apply it to them.

    Returns
    -------
    list of ConfidenceOutcome
        One per direction that can be calibrated; none with too few templates or programs.
    """
    context, method = outcome.context, outcome.default_retrieval_method
    base_code, query_code = context.get_base_and_query_code_embeddings(method.code_encoder)
    config = method.get_alignment_config()
    simulation_dim = count_simulation_columns(method.code_encoder)
    groups = context.query_set.base["template"].to_numpy(dtype=str)
    training_set = TrainingSet(
        base_code, context.base_audio, context.validation_program_mask, simulation_dim
    )
    calibrations = fit_confidence_calibrations(
        training_set, groups.tolist(), config, context.progress
    )
    if not calibrations:
        return []
    code, audio = torch.tensor(base_code), torch.tensor(context.base_audio)
    is_validation = torch.tensor(context.validation_program_mask)
    heads = train_heads(
        TrainingPairs(
            code[~is_validation],
            audio[~is_validation],
            groups=groups[~context.validation_program_mask],
            simulation_dim=simulation_dim,
        ),
        ValidationPairs(code[is_validation], audio[is_validation]),
        config,
    ).heads
    queries = {"code": query_code, "audio": outcome.query_audio}
    base = {"code": base_code, "audio": context.base_audio}
    results = []
    for direction, calibration in calibrations.items():
        features, scores = search_and_score_queries_in_direction(heads, queries, base, direction)
        probabilities = calibration.predict_correctness_probability(features)
        if direction == "code->audio":
            sources = context.query_set.queries["source"]
            probabilities = np.array(
                [
                    discount_confidence_by_understood_share(probability, interpret_program(source))
                    for probability, source in zip(probabilities.tolist(), sources, strict=True)
                ]
            )
        results.append(ConfidenceOutcome(DIRECTION_LABELS[direction], probabilities, scores))
    return results


def build_confidence_level_table(confidences: list[ConfidenceOutcome]) -> pd.DataFrame:
    """Build the table of confidence levels: predicted probability and share of correct queries.

    Returns
    -------
    DataFrame
        Columns `LEVEL_COLUMNS`, one row per direction and level that occurs.
    """
    rows = []
    for confidence in confidences:
        levels = np.array([classify_confidence_level(p) for p in confidence.probabilities.tolist()])
        for level in CONFIDENCE_LEVELS:
            is_level = levels == level
            if is_level.any():
                rows.append(
                    (
                        confidence.direction,
                        level,
                        int(is_level.sum()),
                        confidence.probabilities[is_level].mean(),
                        confidence.correct_query_mask[is_level].mean(),
                        confidence.scores[is_level].mean(),
                    )
                )
    return pd.DataFrame(rows, columns=LEVEL_COLUMNS)


def build_reliability_table(confidences: list[ConfidenceOutcome]) -> pd.DataFrame:
    """Build the table of the reliability diagram: a row per direction and bin of probabilities."""
    tables = [
        compute_reliability_bins(confidence.probabilities, confidence.correct_query_mask).assign(
            direction=confidence.direction
        )
        for confidence in confidences
    ]
    columns = ["direction", *RELIABILITY_COLUMNS]
    return pd.concat(tables)[columns] if tables else pd.DataFrame(columns=columns)


def build_calibration_quality_table(confidences: list[ConfidenceOutcome]) -> pd.DataFrame:
    """Build the table of AUC and expected calibration error, one row per direction."""
    rows = [
        {
            "direction": confidence.direction,
            "queries": len(confidence.scores),
            "mean probability": float(confidence.probabilities.mean()),
            "fraction correct": float(confidence.correct_query_mask.mean()),
            "AUC": compute_auc(confidence.probabilities, confidence.correct_query_mask),
            "calibration error": expected_calibration_error(
                confidence.probabilities, confidence.correct_query_mask
            ),
            "calibration error by chance": compute_chance_calibration_error(
                confidence.probabilities
            ),
        }
        for confidence in confidences
    ]
    return pd.DataFrame(rows)
