"""Prediction of a clip's vector in the shared space from the simulated sound of its program.

It is a second opinion beside the code encoder and the alignment. The simulated sound follows every
number of the events, so it tells variants of one program apart that nearly share their code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.alignment.sound_property_regression_with_intervals import (
    MAX_REFERENCE_PROGRAMS,
    MIN_FORECAST_PROGRAMS,
    compute_column_mean_and_scale,
    compute_gaussian_kernel,
    select_evenly_spaced_rows,
    solve_kernel_ridge_weights,
    standardize_columns,
)
from core.blas_thread_limit import limit_blas_to_one_thread
from core.encoders import find_encoder_spec
from core.encoders.simulation.gain_invariant_features import (
    build_audio_encoder_weights,
    remove_overall_level,
)
from core.search.clip_property_forecast import FEATURE_ENCODER
from core.search.unseen_program_splits import UNSEEN_SPLITS

if TYPE_CHECKING:
    from core.search.aligned_corpus import AlignedCorpus

KERNEL_WIDTH = 0.3
"""Sharpness of the kernel times the mean squared distance of the rows from their mean."""
L2 = 0.1


@dataclass(frozen=True, eq=False)
class SimulationRegression:
    """Kernel ridge regression from simulated features to vectors in the shared space.

    Attributes
    ----------
    column_mean, column_scale : float32 [d]
        Standardization of the features.
    feature_weights : float32 [d]
        Of the standardized features.
    rows : float32 [m, d]
        Standardized, weighted features of the reference programs.
    weight : float64 [m, dim]
    vector_mean : float64 [dim]
    sharpness : float
        Of the Gaussian kernel.
    """

    column_mean: np.ndarray
    column_scale: np.ndarray
    feature_weights: np.ndarray
    rows: np.ndarray
    weight: np.ndarray
    vector_mean: np.ndarray
    sharpness: float

    def predict_shared_space_vectors(self, features: np.ndarray) -> np.ndarray:
        """Return unit vectors in the shared space, float32 [n, dim].

        Parameters
        ----------
        features : float [n, d]
            As for the fit: after `remove_overall_level`, where programs of a corpus were fitted.
        """
        x = standardize_columns(features, self.column_mean, self.column_scale)
        x = x * self.feature_weights
        kernel = compute_gaussian_kernel(x, self.rows, self.sharpness)
        return scale_rows_to_unit_length(kernel @ self.weight + self.vector_mean)


def scale_rows_to_unit_length(vectors: np.ndarray) -> np.ndarray:
    """Return vectors [n, dim] with length 1 as float32; a zero vector stays zero."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-12), np.float32)


# One thread: the sums then do not depend on the number of cores.
@limit_blas_to_one_thread()
def fit_simulation_regression(
    features: np.ndarray, vectors: np.ndarray, feature_weights: np.ndarray | None = None
) -> SimulationRegression:
    """Fit the regression by its closed form.

    Parameters
    ----------
    features : float [n, d]
        Of at least two programs.
    vectors : float [n, dim]
        Unit vectors of their clips in the shared space.
    feature_weights : float [d], optional
        Of the standardized features. The default weighs all alike.

    Notes
    -----
    Kernel ridge regression (Saunders, Gammerman & Vovk, ICML 1998). Width and l2 were chosen on
    held-out templates of the starter corpus; the rank correlation of predicted and true distances
    changes by less than .02 between widths of 0.1 and 0.3 and l2 of 0.03 and 0.3.
    """
    raw = np.asarray(features, np.float32)
    mean, scale = compute_column_mean_and_scale(raw)
    weights = np.ones(raw.shape[1], np.float32)
    if feature_weights is not None:
        weights = np.asarray(feature_weights, np.float32)
    rows = standardize_columns(raw, mean, scale) * weights
    sharpness = KERNEL_WIDTH / max(float(rows.var(axis=0).sum()), 1e-12)
    vector_mean = np.asarray(vectors, np.float64).mean(axis=0)
    kernel = compute_gaussian_kernel(rows, rows, sharpness)
    weight = solve_kernel_ridge_weights(kernel, vectors - vector_mean, L2)
    return SimulationRegression(mean, scale, weights, rows, weight, vector_mean, sharpness)


def fit_simulation_regression_of_corpus(
    aligned_corpus: AlignedCorpus,
) -> SimulationRegression | None:
    """Fit the regression on programs of templates that the training did not hold out.

    It takes stored simulations only: ``./run train`` stores them.

    Returns
    -------
    SimulationRegression or None
        None when fewer than 60 programs have a stored simulation.
    """
    corpus, spec = aligned_corpus.corpus, find_encoder_spec(FEATURE_ENCODER)
    if corpus.get_encoder_revision(spec.id) != spec.revision:
        return None
    missing = set(corpus.list_programs_without_embedding(spec.id, spec.revision))
    is_unseen = np.isin(aligned_corpus.splits, UNSEEN_SPLITS)
    pair_rows = [
        row
        for row, program_id in enumerate(aligned_corpus.pairs.program_ids)
        if program_id not in missing and not is_unseen[row]
    ]
    reference_rows = select_evenly_spaced_rows(len(pair_rows), MAX_REFERENCE_PROGRAMS)
    pair_rows = [pair_rows[index] for index in reference_rows]
    if len(pair_rows) < MIN_FORECAST_PROGRAMS:
        return None
    program_ids = [aligned_corpus.pairs.program_ids[row] for row in pair_rows]
    audio = aligned_corpus.pairs.audio_embeddings[pair_rows]
    return fit_simulation_regression(
        remove_overall_level(_load_stored_features(aligned_corpus, program_ids)),
        aligned_corpus.project_audio_embeddings(audio),
        build_audio_encoder_weights(),
    )


def _load_stored_features(aligned_corpus: AlignedCorpus, program_ids: Sequence[str]) -> np.ndarray:
    ids, features = aligned_corpus.corpus.load_embeddings(FEATURE_ENCODER, program_ids)
    row_by_program = {program_id: row for row, program_id in enumerate(ids)}
    return np.asarray(features[[row_by_program[program_id] for program_id in program_ids]])
