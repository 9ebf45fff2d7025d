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
