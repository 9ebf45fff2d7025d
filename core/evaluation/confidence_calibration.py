"""Calibrated confidence of a prediction, from features that are known without rendering."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from core.evaluation.array_validation_and_normalization import normalize_rows

CORRECT_THRESHOLD = 2 / 3
"""Normalized similarity from which a prediction counts as correct.

The scale is that of the corpus: 0 is a random clip, 1 are the truly nearest clips of an average
program. With a scale per query, the least bad clips would count as correct for a program that is
like nothing in the corpus.
"""
OLDER_CORRECT_THRESHOLD = 0.5
"""Threshold of calibrations that do not record one; they had a scale per query."""
CONFIDENCE_LEVELS = HIGH, MEDIUM, LOW = "high", "medium", "low"
MIN_HIGH_PROBABILITY = 2 / 3
MIN_MEDIUM_PROBABILITY = 1 / 3
MIN_PROGRAMS_PER_OUTCOME = 15
"""Correct programs, and incorrect ones, below which nothing is fitted."""
MAX_FEATURE_DEVIATIONS = 3
"""Standard deviations to which features are clipped."""


def compute_confidence_features(
    retrieved_audio: np.ndarray,
    similarities: np.ndarray,
    nearest_similarity: np.ndarray,
    projection_strength: np.ndarray,
) -> np.ndarray:
    """Compute the features from which the confidence of predictions is estimated.

    Parameters
    ----------
    retrieved_audio : array, float [m, k, d]
        Raw audio embeddings of the k clips, or clips of the k programs, retrieved for each query.
    similarities : array, float [m, k]
        Their similarities to the query in the shared space.
    nearest_similarity : array, float [m]
        Cosine similarity of the query's raw embedding, of code or of audio, and the nearest one of
        the corpus.
    projection_strength : array, float [m]
        How far the query's projection is from the constant one, as
        `core.alignment.projection_heads.measure_projection_strengths` measures it.

    Returns
    -------
    float64 [m, 4]
        Mean cosine similarity among the retrieved clips, `nearest_similarity`, the mean of
        `similarities`, and `projection_strength`.
    """
    m, k, width = retrieved_audio.shape
    unit_rows = np.asarray(normalize_rows(retrieved_audio.reshape(-1, width)), dtype=np.float64)
    cosine_sums = np.square(unit_rows.reshape(m, k, width).sum(axis=1)).sum(axis=1)  # of k * k
    agreement = (cosine_sums - k) / max(k * (k - 1), 1)
    return np.column_stack(
        [agreement, nearest_similarity, similarities.mean(axis=1), projection_strength]
    )


@dataclass(frozen=True)
class ConfidenceCalibration:
    """Logistic regression from confidence features to the probability of a correct prediction.

    Attributes
    ----------
    mean, scale : tuple of float
        Mean and standard deviation of each feature on the programs of the fit.
    weights : tuple of float
        Weight of each standardised feature.
    bias : float
    program_count : int
        Number of programs of the fit, all of held-out templates.
    correct_fraction : float
        Share of them whose prediction was correct.
    correct_threshold : float
        Normalized similarity from which a prediction counted as correct.
    """

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float
    program_count: int
    correct_fraction: float
    correct_threshold: float = OLDER_CORRECT_THRESHOLD

    @classmethod
    def fit_confidence_to_outcomes(
        cls, features: np.ndarray, is_correct: np.ndarray
    ) -> ConfidenceCalibration | None:
        """Fit a calibration to predictions with a known outcome.

        Parameters
        ----------
        features : array, float [n, 3]
            As of `compute_confidence_features`.
        is_correct : array, bool [n]

        Returns
        -------
        ConfidenceCalibration or None
            None if fewer than 15 predictions are correct, or fewer than 15 are not.
        """
        is_correct = np.asarray(is_correct, dtype=bool)
        if min(is_correct.sum(), (~is_correct).sum()) < MIN_PROGRAMS_PER_OUTCOME:
            return None
        mean, scale = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-6)
        model = LogisticRegression(C=1.0).fit((features - mean) / scale, is_correct)
        return cls(
            tuple(mean.tolist()),
            tuple(scale.tolist()),
            tuple(model.coef_[0].tolist()),
            float(model.intercept_[0]),
            len(is_correct),
            float(is_correct.mean()),
            CORRECT_THRESHOLD,
        )

    def scale_and_shift_log_odds(self, slope: float, shift: float) -> ConfidenceCalibration:
        """Return the calibration whose log odds are ``slope * log odds + shift`` of this one's."""
        weights = tuple(slope * weight for weight in self.weights)
        return replace(self, weights=weights, bias=slope * self.bias + shift)

    def predict_correctness_probability(self, features: np.ndarray) -> np.ndarray:
        """Predict the probability that each prediction is correct.

        Parameters
        ----------
        features : array, float [m, 4]
            As of `compute_confidence_features`. A calibration of an older version uses the first 3.

        Returns
        -------
        array, float64 [m]
            In (0, 1).
        """
        features = np.asarray(features)[:, : len(self.mean)]
        scaled = (features - np.array(self.mean)) / np.array(self.scale)
        # The fit does not extrapolate: a feature far outside its data has a bounded effect.
        clipped = np.clip(scaled, -MAX_FEATURE_DEVIATIONS, MAX_FEATURE_DEVIATIONS)
        return 1 / (1 + np.exp(-(clipped @ np.array(self.weights) + self.bias)))

    def to_dict(self) -> dict[str, Any]:
        """Return the fields in JSON types."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in vars(self).items()
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ConfidenceCalibration:
        """Restore a calibration from the result of `to_dict`."""
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
        return cls(**fields)


def classify_confidence_level(probability: float) -> str:
    """Return the level of a probability: "high" from 2/3, "medium" from 1/3, else "low".

    Examples
    --------
    >>> [classify_confidence_level(probability) for probability in (0.8, 0.5, 0.1)]
    ['high', 'medium', 'low']
    """
    if probability >= MIN_HIGH_PROBABILITY:
        return HIGH
    return LOW if probability < MIN_MEDIUM_PROBABILITY else MEDIUM
