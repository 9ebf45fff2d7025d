"""How sure a foretelling is: what can be seen of it before anything is heard, and what that has
meant for programs whose sound is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from core.evaluation.validation import unit_rows

SIGNS = ("agreement", "nearness", "similarity")
RIGHT = 0.5  # of the way from any clips to the truly nearest: then it counts as foretold
LEVELS = SURE, LIKELY, GUESS = "sure", "likely", "guess"
FEWEST = 30  # programs of either outcome: with fewer nothing is fitted


def signs(found: np.ndarray, similarities: np.ndarray, nearest: np.ndarray) -> np.ndarray:
    """What can be seen of foretellings without the truth.

    Parameters
    ----------
    found : array, float [m, k, d]
        Raw audio embeddings of the clips found for each program.
    similarities : array, float [m, k]
        How near they are, in the space that was searched.
    nearest : array, float [m]
        Cosine of the program's raw embedding of code and that of the program most like it.

    Returns
    -------
    float64 [m, 3]
        Mean cosine among the clips found (do they agree?); `nearest` (was there ever such a
        program?); mean similarity.
    """
    m, k, width = found.shape
    sounds = np.asarray(unit_rows(found.reshape(-1, width)), dtype=np.float64).reshape(m, k, width)
    total = np.square(sounds.sum(axis=1)).sum(axis=1)  # the sum of all k * k cosines
    agreement = (total - k) / max(k * (k - 1), 1)
    return np.column_stack([agreement, nearest, similarities.mean(axis=1)])


def each_foretold(rows: np.ndarray, own: np.ndarray, heard: np.ndarray) -> np.ndarray:
    """What share of its own sound each program's neighbours foretell: float [m].

    0 where they are as near as any clips of the base, 1 where none are nearer; as
    `core.evaluation.metrics.foretold`, but on each program's own scale. nan where all clips
    are equally near.
    """
    truth, base = (np.asarray(unit_rows(x), dtype=np.float64) for x in (own, heard))
    k = rows.shape[1]
    alike = truth @ base.T  # [m, n]
    chance = alike.mean(axis=1)
    best = -np.partition(-alike, k - 1, axis=1)[:, :k].mean(axis=1)
    reached = np.take_along_axis(alike, rows, axis=1).mean(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (reached - chance) / np.where(best - chance > 1e-9, best - chance, np.nan)


@dataclass(frozen=True)
class Calibration:
    """From signs to the probability that a foretelling is right.

    Attributes
    ----------
    mean, scale : tuple of float
        Of each sign, on the programs it was fitted on.
    weights : tuple of float
        Of each sign, scaled.
    bias : float
    programs : int
        How many it was fitted on: held-out ones, of no template that was trained on.
    right : float
        Share of them that were foretold.
    """

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float
    programs: int
    right: float

    @classmethod
    def fit(cls, seen: np.ndarray, right: np.ndarray) -> Calibration | None:
        """Fit to signs [n, 3] and whether each foretelling was right, bool [n].

        Returns None where fewer than 30 of them were right, or wrong.
        """
        right = np.asarray(right, dtype=bool)
        if min(right.sum(), (~right).sum()) < FEWEST:
            return None
        mean, scale = seen.mean(axis=0), np.maximum(seen.std(axis=0), 1e-6)
        fitted = LogisticRegression(C=1.0).fit((seen - mean) / scale, right)
        return cls(
            tuple(mean.tolist()),
            tuple(scale.tolist()),
            tuple(fitted.coef_[0].tolist()),
            float(fitted.intercept_[0]),
            len(right),
            float(right.mean()),
        )

    def probability(self, seen: np.ndarray) -> np.ndarray:
        """That foretellings with these signs [m, 3] are right: float [m]."""
        scaled = (np.asarray(seen) - np.array(self.mean)) / np.array(self.scale)
        # Beyond what it was fitted on nothing is known to hold: no sign counts for more there.
        return 1 / (1 + np.exp(-(np.clip(scaled, -3, 3) @ np.array(self.weights) + self.bias)))

    def to_dict(self) -> dict[str, Any]:
        """JSON types only."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in vars(self).items()
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Calibration:
        """The reverse of `to_dict`."""
        return cls(
            **{
                name: tuple(value) if isinstance(value, list) else value
                for name, value in values.items()
            }
        )


def level(probability: float) -> str:
    """In one word: "sure" from two in three upwards, "guess" below one in three."""
    return SURE if probability >= 2 / 3 else GUESS if probability < 1 / 3 else LIKELY
