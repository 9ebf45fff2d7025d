"""Small map of the candidates of one program by their predicted sound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.suggest.candidate_prediction import PredictedCandidates


@dataclass(frozen=True, eq=False)
class CandidateMap:
    """The plane in which the predictions of a program and its candidates differ most.

    Attributes
    ----------
    candidate_points : float [n, 2]
        Row by row the candidates of the prediction.
    axes : float [2, d]
        Unit vectors of the plane in the shared space. The program itself lies at (0, 0).
    program_vector : float [d]
    """

    candidate_points: np.ndarray
    axes: np.ndarray
    program_vector: np.ndarray

    def place_vectors_on_map(self, vectors: np.ndarray) -> np.ndarray:
        """Return the points of other predictions, float [m, 2].

        Parameters
        ----------
        vectors : float [m, d]
            Unit vectors in the shared space, such as the prediction of a literal's new value.
        """
        points: np.ndarray = (np.asarray(vectors) - self.program_vector) @ self.axes.T
        return points


def build_candidate_map(predicted: PredictedCandidates) -> CandidateMap:
    """Place candidates by the two principal components of their distance from the program.

    Takes milliseconds, and the same candidates give the same map.
    """
    differences = np.asarray(predicted.vectors - predicted.current_vector, dtype=np.float64)
    axes = np.zeros((2, len(predicted.current_vector)))
    if len(differences):
        components = np.linalg.svd(differences, full_matrices=False)[2][:2]
        # The sign of a component is arbitrary: its largest entry is made positive.
        largest = np.abs(components).argmax(axis=1)
        signs = np.sign(components[np.arange(len(components)), largest])
        axes[: len(components)] = components * signs[:, None]
    return CandidateMap(differences @ axes.T, axes, predicted.current_vector)


@dataclass(frozen=True, eq=False)
class ScaledCandidateMap:
    """A map whose candidates fill the square from -1 to 1.

    Attributes
    ----------
    candidate_map : CandidateMap
    """

    candidate_map: CandidateMap

    @property
    def scale(self) -> float:
        """Largest coordinate of a candidate before scaling."""
        return max(float(np.abs(self.candidate_map.candidate_points).max(initial=0.0)), 1e-9)

    @property
    def candidate_points(self) -> list[tuple[float, float]]:
        """Points of the candidates, in [-1, 1]."""
        return self._divide_by_scale(self.candidate_map.candidate_points)

    def place_predictions(self, vectors: np.ndarray) -> list[tuple[float, float]]:
        """Return the points of other predictions, which may lie outside the square.

        Parameters
        ----------
        vectors : float [m, d]
            Unit vectors in the shared space.
        """
        return self._divide_by_scale(self.candidate_map.place_vectors_on_map(vectors))

    def _divide_by_scale(self, points: np.ndarray) -> list[tuple[float, float]]:
        return [(float(x), float(y)) for x, y in points / self.scale]
