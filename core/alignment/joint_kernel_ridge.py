"""Joint kernel ridge regression: a clip predicted from code and from its simulated sound.

Two kernel ridge regressions predict a clip's vector, one from the code encoder and one from the
simulation; their weighted mean counts. With the objective "whitened_joint_kernel_ridge", the mean
and the clips are whitened by the errors on templates that neither regression saw. The weight of the
simulation and the shrinkage of the whitening are chosen on templates that are held out of the
training programs.

Whitening trades one use for another. Similar clips are found best without it: it makes small
differences count, which the similarity of clips hardly follows. A program's own clip among those
of its template's variants is found best with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.alignment.kernel_ridge import fit_kernel_ridge_head
from core.alignment.projection_head_layers import JointKernelRidgeHead, WhiteningLayer
from core.alignment.projection_heads import KernelSizes, ProjectionHeads
from core.alignment.residual_whitening import (
    DEFAULT_SHRINKAGE,
    ResidualWhitening,
    find_residual_directions,
)
from core.alignment.sound_property_regression_with_intervals import (
    assign_cross_validation_folds_by_group,
    select_evenly_spaced_rows,
)
from core.blas_thread_limit import limit_blas_to_one_thread
from core.errors import EarshotError

SIMULATION_GAMMA_SCALE, SIMULATION_L2 = 0.3, 0.1
"""Of the kernel of the simulation; chosen on held-out templates of the starter corpus."""
FOLD_COUNT = 4
MIN_PROGRAMS = 8
MAX_RESIDUAL_PROGRAMS = 3000
"""Training programs by which the errors are measured: more hardly change a covariance."""
MAX_CHOICE_PROGRAMS = 1200
"""Of these, the programs on which the two constants are chosen."""
SIMULATION_WEIGHTS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
SHRINKAGES = (0.1, 0.3, 1.0, 3.0, 10.0)
DEFAULT_SIMULATION_WEIGHT = 0.6
"""Of equals, the constants nearest to the defaults are chosen, and these where none compare."""
MUTUAL_NEIGHBOUR_COUNT, RETRIEVED_COUNT = 10, 5


@dataclass(frozen=True, eq=False)
class _HeldOutPredictions:
    """Predictions of training programs by regressions that did not see their templates.

    All are unit vectors, float64 [n, d]; folds is int [n].
    """

    by_code: np.ndarray
    by_simulation: np.ndarray
    true: np.ndarray
    folds: np.ndarray

    def mix_predictions(self, simulation_weight: float) -> np.ndarray:
        mean = (1 - simulation_weight) * self.by_code + simulation_weight * self.by_simulation
        return mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12)

    def select_rows(self, rows: np.ndarray) -> _HeldOutPredictions:
        return _HeldOutPredictions(
            self.by_code[rows], self.by_simulation[rows], self.true[rows], self.folds[rows]
        )


@torch.no_grad()
def fit_joint_projection_heads(
    heads: ProjectionHeads, code: Tensor, audio: Tensor, groups: np.ndarray | None
) -> None:
    """Set the heads to the solution that best predicts the clips of these pairs.

    Parameters
    ----------
    heads : ProjectionHeads
        With a joint objective.
    code, audio : Tensor, float [n, code_dim] and [n, audio_dim]
        Row i of both is one pair. The last columns of code are the simulation.
    groups : array of str [n], optional
        Template or grammar style of each pair; those of one group are held out together. Without
        it, single programs are held out, and errors seem smaller than they are on other templates.

    Raises
    ------
    EarshotError
        If the code embeddings have no columns of the simulation, or there are fewer than 8 pairs.
    """
    _check_training_pairs(heads, code)
    unit_audio = functional.normalize(audio.double(), dim=1)
    predictions = _predict_held_out_groups(heads, code, unit_audio, groups)
    choice_rows = select_evenly_spaced_rows(len(predictions.folds), MAX_CHOICE_PROGRAMS)
    choice_predictions = predictions.select_rows(choice_rows)
    _fit_both_regressions(heads, code, unit_audio)
    code_head = heads.code_head
    assert isinstance(code_head, JointKernelRidgeHead)
    with limit_blas_to_one_thread():  # The sums then do not depend on the number of cores.
        if isinstance(heads.whitening, WhiteningLayer):
            weight, shrinkage = _choose_weight_and_shrinkage(choice_predictions)
            whitening = find_residual_directions(
                predictions.mix_predictions(weight), predictions.true
            ).build_whitening(shrinkage)
            heads.whitening.mean.copy_(torch.from_numpy(whitening.mean))
            heads.whitening.matrix.copy_(torch.from_numpy(whitening.matrix))
            heads.whitening.shrinkage.fill_(shrinkage)
        else:
            weight = _choose_weight_for_retrieval(choice_predictions)
    code_head.simulation_weight.fill_(weight)


def _check_training_pairs(heads: ProjectionHeads, code: Tensor) -> None:
    head = heads.code_head
    assert isinstance(head, JointKernelRidgeHead)
    if head.code_dim < 1 or head.code_dim == code.shape[1]:
        raise EarshotError(
            f"The objective {heads.config.objective} needs code embeddings that end with a"
            " simulation.",
            remedy="Use a code encoder such as sonicpi+simulation.",
        )
    if len(code) < MIN_PROGRAMS:
        raise EarshotError(
            f"The objective {heads.config.objective} needs {MIN_PROGRAMS} training programs,"
            f" not {len(code)}.",
            remedy="Add programs to the corpus.",
        )


def _fit_both_regressions(heads: ProjectionHeads, code: Tensor, unit_audio: Tensor) -> None:
    """Set all of the heads but the two constants and the whitening."""
    config, head = heads.config, heads.code_head
    assert isinstance(head, JointKernelRidgeHead)
    mean = unit_audio.mean(dim=0)
    heads.audio_input.mean.copy_((1 - config.mean_fraction) * mean)
    own_code, simulation = code[:, : head.code_dim], code[:, head.code_dim :]
    head.code_input.fit_mean_and_scale(own_code)
    head.code = fit_kernel_ridge_head(head.code_input(own_code), unit_audio - mean, config.l2)
    head.code.bias.copy_(config.mean_fraction * mean)
    head.simulation_input.fit_mean_and_scale(simulation)
    projected = functional.normalize(unit_audio - (1 - config.mean_fraction) * mean, dim=1)
    projected_mean = projected.mean(dim=0)
    head.simulation = fit_kernel_ridge_head(
        head.standardise_simulation(simulation),
        projected - projected_mean,
        SIMULATION_L2,
        SIMULATION_GAMMA_SCALE,
    )
    head.simulation.bias.copy_(projected_mean)


def _predict_held_out_groups(
    heads: ProjectionHeads, code: Tensor, unit_audio: Tensor, groups: np.ndarray | None
) -> _HeldOutPredictions:
    """Predict training programs, at most `MAX_RESIDUAL_PROGRAMS`, by regressions on the others."""
    rows = select_evenly_spaced_rows(len(code), MAX_RESIDUAL_PROGRAMS)
    has_groups = groups is not None and len(np.unique(groups[rows])) > 1
    row_groups = groups[rows] if has_groups and groups is not None else rows.astype(str)
    folds = assign_cross_validation_folds_by_group(row_groups, FOLD_COUNT)
    shape = (len(rows), unit_audio.shape[1])
    by_code, by_simulation, true = np.empty(shape), np.empty(shape), np.empty(shape)
    for fold in np.unique(folds):
        is_held_out = folds == fold
        fold_heads = _make_heads_of_same_sizes(heads).to(code.device)
        held_out, fitted = rows[is_held_out], rows[~is_held_out]
        _fit_both_regressions(fold_heads, code[fitted], unit_audio[fitted])
        head = fold_heads.code_head
        assert isinstance(head, JointKernelRidgeHead)
        code_rows, simulation_rows = head.predict_by_code_and_by_simulation(code[held_out])
        by_code[is_held_out] = code_rows.cpu().numpy()
        by_simulation[is_held_out] = simulation_rows.cpu().numpy()
        projected = fold_heads.compute_projections_before_whitening(unit_audio[held_out], "audio")
        true[is_held_out] = functional.normalize(projected, dim=1).cpu().numpy()
    return _HeldOutPredictions(by_code, by_simulation, true, folds)


def _make_heads_of_same_sizes(heads: ProjectionHeads) -> ProjectionHeads:
    head = heads.code_head
    assert isinstance(head, JointKernelRidgeHead)
    sizes = KernelSizes(simulation_dim=heads.code_dim - head.code_dim)
    return ProjectionHeads(heads.code_dim, heads.audio_dim, heads.config, sizes)


def _choose_weight_for_retrieval(predictions: _HeldOutPredictions) -> float:
    """Choose the weight with which the retrieved clips are most similar to the true ones."""
    folds = np.unique(predictions.folds)
    scores = dict.fromkeys(SIMULATION_WEIGHTS, 0.0)
    for weight in SIMULATION_WEIGHTS if len(folds) > 1 else ():
        predicted = predictions.mix_predictions(weight)
        for fold in folds:
            is_held_out = predictions.folds == fold
            scores[weight] += is_held_out.sum() * measure_similarity_of_retrieved_clips(
                predicted[is_held_out],
                predictions.true[is_held_out],
                predictions.true[~is_held_out],
            )
    return _find_best_weight(scores)


def _choose_weight_and_shrinkage(predictions: _HeldOutPredictions) -> tuple[float, float]:
    """Choose the constants with the best agreement, each fold whitened by the others' errors.

    The weight is chosen with the default shrinkage, then the shrinkage with that weight.
    """
    if len(np.unique(predictions.folds)) < 2:
        return DEFAULT_SIMULATION_WEIGHT, DEFAULT_SHRINKAGE
    weight = _find_best_weight(
        {
            weight: _measure_shrinkages(predictions, weight, (DEFAULT_SHRINKAGE,))[0]
            for weight in SIMULATION_WEIGHTS
        }
    )
    scores = dict(zip(SHRINKAGES, _measure_shrinkages(predictions, weight, SHRINKAGES)))
    shrinkage = max(
        SHRINKAGES, key=lambda item: (scores[item], -abs(np.log(item / DEFAULT_SHRINKAGE)))
    )
    return weight, shrinkage


def _find_best_weight(scores: dict[float, float]) -> float:
    return max(
        scores,
        key=lambda item: (round(scores[item], 6), -abs(item - DEFAULT_SIMULATION_WEIGHT)),
    )


def _measure_shrinkages(
    predictions: _HeldOutPredictions, weight: float, shrinkages: tuple[float, ...]
) -> list[float]:
    """Return the mean agreement over folds for each shrinkage, rounded so that equals are equal."""
    predicted = predictions.mix_predictions(weight)
    totals = np.zeros(len(shrinkages))
    for fold in np.unique(predictions.folds):
        is_held_out = predictions.folds == fold
        residuals = find_residual_directions(
            predicted[~is_held_out], predictions.true[~is_held_out]
        )
        for column, shrinkage in enumerate(shrinkages):
            whitening: ResidualWhitening = residuals.build_whitening(shrinkage)
            true = predictions.true[is_held_out]
            totals[column] += is_held_out.sum() * measure_agreement(
                whitening.transform_to_unit_vectors(predicted[is_held_out]),
                whitening.transform_to_unit_vectors(true),
                true,
            )
    return [round(float(total), 6) for total in totals / len(predicted)]


def measure_similarity_of_retrieved_clips(
    predicted: np.ndarray, true: np.ndarray, base: np.ndarray
) -> float:
    """Return the normalized similarity@5 of predictions, as `core.evaluation.metrics` defines it.

    Parameters
    ----------
    predicted, true : float [n, d]
        Unit vectors, row i of both one program.
    base : float [m, d]
        Unit vectors of the clips that are searched.
    """
    similarities = true @ base.T
    count = min(RETRIEVED_COUNT, len(base))
    retrieved = np.argsort(-(predicted @ base.T), axis=1, kind="stable")[:, :count]
    mean = float(similarities.mean())
    reached = float(np.take_along_axis(similarities, retrieved, axis=1).mean()) - mean
    best = float(-np.sort(-similarities, axis=1)[:, :count].mean()) - mean
    return reached / max(best, 1e-9)


def measure_agreement(predicted: np.ndarray, whitened: np.ndarray, true: np.ndarray) -> float:
    """Return the mean of three measures by which a shared space is judged, at most 1.

    They are the mean reciprocal rank of a program's own clip in the shared space, debiased CKA, and
    the share of common nearest neighbours. The last two are means of their values in the shared
    space and against clips before whitening, because a whitening could raise them in its own space
    by hiding what is not predicted.

    Parameters
    ----------
    predicted, whitened, true : float [n, d]
        Predictions in the shared space, clips in the shared space, and clips before whitening:
        unit vectors, row i of all one program.
    """
    if len(predicted) < 4:
        return 0.0
    own_similarity = (predicted * whitened).sum(axis=1, keepdims=True)
    ranks = 1 + (predicted @ whitened.T > own_similarity + 1e-6).sum(axis=1)
    predicted_gram = predicted @ predicted.T
    parts = [float((1 / ranks).mean())]
    for measure in (_compute_debiased_cka, _compute_share_of_common_neighbours):
        values = [measure(predicted_gram, clips @ clips.T) for clips in (whitened, true)]
        parts.append(sum(values) / len(values))
    return sum(parts) / len(parts)


def _compute_debiased_cka(first: np.ndarray, second: np.ndarray) -> float:
    """Compute CKA of two Gram matrices [n, n], as `core.evaluation.cka` defines it."""
    first, second = _centre_without_diagonal(first), _centre_without_diagonal(second)
    norm = np.linalg.norm(first) * np.linalg.norm(second)
    return float((first * second).sum() / max(norm, 1e-12))


def _centre_without_diagonal(gram: np.ndarray) -> np.ndarray:
    """Centre as Székely & Rizzo, "Partial distance correlation", Annals of Statistics 2014."""
    centred = np.array(gram, np.float64)
    n = len(centred)
    np.fill_diagonal(centred, 0)
    sums = centred.sum(axis=0)
    centred += sums.sum() / ((n - 1) * (n - 2)) - (sums[:, None] + sums[None]) / (n - 2)
    np.fill_diagonal(centred, 0)
    return centred


def _compute_share_of_common_neighbours(first: np.ndarray, second: np.ndarray) -> float:
    count = min(MUTUAL_NEIGHBOUR_COUNT, len(first) - 1)
    is_neighbour = []
    for gram in (first, second):
        others = np.array(gram)
        np.fill_diagonal(others, -np.inf)
        nearest = np.argpartition(-others, count - 1, axis=1)[:, :count]
        neighbours = np.zeros(gram.shape, bool)
        np.put_along_axis(neighbours, nearest, True, axis=1)
        is_neighbour.append(neighbours)
    return float((is_neighbour[0] & is_neighbour[1]).sum() / (count * len(first)))
