"""Calibrated confidence of a prediction, from features that are known without rendering."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from core.evaluation.array_validation_and_normalization import normalize_rows

CORRECT_THRESHOLD = 0.5
"""Normalized similarity from which a prediction counts as correct."""
CONFIDENCE_LEVELS = HIGH, MEDIUM, LOW = "high", "medium", "low"
MIN_HIGH_PROBABILITY = 2 / 3
MIN_MEDIUM_PROBABILITY = 1 / 3
MIN_PROGRAMS_PER_OUTCOME = 30
"""Correct programs, and incorrect ones, below which nothing is fitted."""
MAX_FEATURE_DEVIATIONS = 3
"""Standard deviations to which features are clipped."""


def compute_confidence_features(
    retrieved_audio: np.ndarray, similarities: np.ndarray, nearest_code_similarity: np.ndarray
) -> np.ndarray:
    """Compute the features from which the confidence of predictions is estimated.

    Parameters
    ----------
    retrieved_audio : array, float [m, k, d]
        Raw audio embeddings of the k clips retrieved for each snippet.
    similarities : array, float [m, k]
        Their similarities to the snippet in the shared space.
    nearest_code_similarity : array, float [m]
        Cosine similarity of the snippet's raw code embedding and the nearest one of the corpus.

    Returns
    -------
    float64 [m, 3]
        Mean cosine similarity among the retrieved clips, `nearest_code_similarity`, and the mean
        of `similarities`.
    """
    m, k, width = retrieved_audio.shape
    unit_rows = np.asarray(normalize_rows(retrieved_audio.reshape(-1, width)), dtype=np.float64)
    cosine_sums = np.square(unit_rows.reshape(m, k, width).sum(axis=1)).sum(axis=1)  # of k * k
    agreement = (cosine_sums - k) / max(k * (k - 1), 1)
    return np.column_stack([agreement, nearest_code_similarity, similarities.mean(axis=1)])


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
    """

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float
    program_count: int
    correct_fraction: float

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
            None if fewer than 30 predictions are correct, or fewer than 30 are not.
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
        )

    def predict_correctness_probability(self, features: np.ndarray) -> np.ndarray:
        """Predict the probability that each prediction is correct.

        Parameters
        ----------
        features : array, float [m, 3]

        Returns
        -------
        array, float64 [m]
            In (0, 1).
        """
        scaled = (np.asarray(features) - np.array(self.mean)) / np.array(self.scale)
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
