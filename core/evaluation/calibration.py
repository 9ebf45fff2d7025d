"""How sure a foretelling is: what can be seen of it before anything is heard, and what that has
meant for programs whose sound is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from core.evaluation.validation import normalize_rows

CONFIDENCE_FEATURES = ("agreement", "nearness", "similarity")
CORRECT_THRESHOLD = 0.5  # of the way from any clips to the truly nearest: then it counts as foretold
CONFIDENCE_LEVELS = HIGH, MEDIUM, LOW = "sure", "likely", "guess"
MIN_PROGRAMS_PER_OUTCOME = 30  # programs of either outcome: with fewer nothing is fitted


def compute_confidence_features(retrieved_audio: np.ndarray, similarities: np.ndarray, nearest_code_similarity: np.ndarray) -> np.ndarray:
    """What can be seen of foretellings without the truth.

    Parameters
    ----------
    retrieved_audio : array, float [m, k, d]
        Raw audio embeddings of the clips found for each program.
    similarities : array, float [m, k]
        How near they are, in the space that was searched.
    nearest_code_similarity : array, float [m]
        Cosine of the program's raw embedding of code and that of the program most like it.

    Returns
    -------
    float64 [m, 3]
        Mean cosine among the clips found (do they agree?); `nearest_code_similarity` (was there ever such a
        program?); mean similarity.
    """
    m, k, width = retrieved_audio.shape
    sounds = np.asarray(normalize_rows(retrieved_audio.reshape(-1, width)), dtype=np.float64).reshape(m, k, width)
    total = np.square(sounds.sum(axis=1)).sum(axis=1)  # the sum of all k * k cosines
    agreement = (total - k) / max(k * (k - 1), 1)
    return np.column_stack([agreement, nearest_code_similarity, similarities.mean(axis=1)])


def normalized_similarity_per_query(retrieved_rows: np.ndarray, query_audio: np.ndarray, base_audio: np.ndarray) -> np.ndarray:
    """What share of its own sound each program's neighbours foretell: float [m].

    0 where they are as near as any clips of the base, 1 where none are nearer; as
    `core.evaluation.metrics.normalized_similarity`, but on each program's own scale. nan where all clips
    are equally near.
    """
    truth, base = (np.asarray(normalize_rows(x), dtype=np.float64) for x in (query_audio, base_audio))
    k = retrieved_rows.shape[1]
    alike = truth @ base.T  # [m, n]
    chance = alike.mean(axis=1)
    best = -np.partition(-alike, k - 1, axis=1)[:, :k].mean(axis=1)
    reached = np.take_along_axis(alike, retrieved_rows, axis=1).mean(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (reached - chance) / np.where(best - chance > 1e-9, best - chance, np.nan)


@dataclass(frozen=True)
class ConfidenceCalibration:
    """From signs to the probability that a foretelling is right.

    Attributes
    ----------
    mean, scale : tuple of float
        Of each sign, on the programs it was fitted on.
    weights : tuple of float
        Of each sign, scaled.
    bias : float
    program_count : int
        How many it was fitted on: held-out ones, of no template that was trained on.
    correct_fraction : float
        Share of them that were foretold.
    """

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float
    program_count: int
    correct_fraction: float

    @classmethod
    def fit(cls, features: np.ndarray, is_correct: np.ndarray) -> ConfidenceCalibration | None:
        """Fit to signs [n, 3] and whether each foretelling was right, bool [n].

        Returns None where fewer than 30 of them were right, or wrong.
        """
        is_correct = np.asarray(is_correct, dtype=bool)
        if min(is_correct.sum(), (~is_correct).sum()) < MIN_PROGRAMS_PER_OUTCOME:
            return None
        mean, scale = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-6)
        fitted = LogisticRegression(C=1.0).fit((features - mean) / scale, is_correct)
        return cls(
            tuple(mean.tolist()),
            tuple(scale.tolist()),
            tuple(fitted.coef_[0].tolist()),
            float(fitted.intercept_[0]),
            len(is_correct),
            float(is_correct.mean()),
        )

    def predict_probability(self, features: np.ndarray) -> np.ndarray:
        """That foretellings with these signs [m, 3] are right: float [m]."""
        scaled = (np.asarray(features) - np.array(self.mean)) / np.array(self.scale)
        # Beyond what it was fitted on nothing is known to hold: no sign counts for more there.
        return 1 / (1 + np.exp(-(np.clip(scaled, -3, 3) @ np.array(self.weights) + self.bias)))

    def to_dict(self) -> dict[str, Any]:
        """JSON types only."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in vars(self).items()
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ConfidenceCalibration:
        """The reverse of `to_dict`."""
        return cls(
            **{
                name: tuple(value) if isinstance(value, list) else value
                for name, value in values.items()
            }
        )


def classify_confidence(probability: float) -> str:
    """In one word: "sure" from two in three upwards, "guess" below one in three."""
    return HIGH if probability >= 2 / 3 else LOW if probability < 1 / 3 else MEDIUM
