"""Closed-form linear alignments of two spaces: the baselines of trained projection heads.

Both are fitted on training pairs; their dimension, and the penalty of ridge, are chosen on
validation pairs by recall@1 from code to audio.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.errors import EarshotError
from core.evaluation.array_validation_and_normalization import check_paired_arrays
from core.evaluation.cca import fit_cca
from core.evaluation.retrieval_metrics import recall_at_k

LINEAR_CCA, RIDGE = "linear CCA", "linear ridge"
DIMENSIONS = (8, 16, 32, 64, 128, 256, 512)
PENALTIES = (0.01, 0.1, 1.0, 10.0)
"""Ridge penalties as shares of the mean variance of the code's columns."""


@dataclass(frozen=True)
class LinearAlignment:
    """Both modalities in the shared space of a linear alignment.

    Attributes
    ----------
    name : str
        `LINEAR_CCA` or `RIDGE`.
    dimension : int
        Dimension of the shared space, chosen on validation pairs.
    validation_recall : float
        Recall@1 from code to audio on validation pairs, in [0, 1].
    code, audio : float64 [n, dimension]
        All pairs that were given, projected.
    """

    name: str
    dimension: int
    validation_recall: float
    code: np.ndarray
    audio: np.ndarray


def fit_linear_alignments(
    code: np.ndarray, audio: np.ndarray, splits: np.ndarray
) -> list[LinearAlignment]:
    """Align two spaces by linear CCA and by ridge regression.

    Parameters
    ----------
    code, audio : array, float [n, d1] and [n, d2]
        Raw embeddings; row i of both is the same program.
    splits : array of str [n]
        "train" fits, "validation" chooses; other rows are only projected.

    Returns
    -------
    list of LinearAlignment
        Linear CCA, then ridge.

    Raises
    ------
    EarshotError
        Without training or validation pairs.

    Notes
    -----
    Hotelling, "Relations between two sets of variates", Biometrika 1936, and reduced-rank
    regression: Izenman, Journal of Multivariate Analysis 1975.
    """
    code, audio = check_paired_arrays(code, audio)
    is_training, is_validation = splits == "train", splits == "validation"
    if not is_training.any() or not is_validation.any():
        raise EarshotError(
            "A linear alignment needs training and validation programs.",
            remedy="Add programs to the corpus.",
        )
    alignments = []
    for name, candidates in (
        (LINEAR_CCA, _iterate_cca_spaces(code, audio, is_training)),
        (RIDGE, _iterate_ridge_spaces(code, audio, is_training)),
    ):
        best: LinearAlignment | None = None
        for shared_code, shared_audio in candidates:
            recall = recall_at_k(shared_code[is_validation], shared_audio[is_validation], 1)
            # Of equal candidates the first, which has fewer dimensions, is kept.
            if best is None or recall > best.validation_recall:
                dimension = shared_code.shape[1]
                best = LinearAlignment(name, dimension, recall, shared_code, shared_audio)
        if best is not None:
            alignments.append(best)
    return alignments


def _iterate_cca_spaces(
    code: np.ndarray, audio: np.ndarray, is_training: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield both spaces along the first canonical directions, for each number of them."""
    fit = fit_cca(code[is_training], audio[is_training])
    projected_code, projected_audio = fit.project_onto_canonical_directions(code, audio)
    for dimension in _list_dimensions_to_try(projected_code.shape[1]):
        yield projected_code[:, :dimension], projected_audio[:, :dimension]


def _iterate_ridge_spaces(
    code: np.ndarray, audio: np.ndarray, is_training: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield predicted and true audio in the principal directions of the prediction."""
    code = code - code[is_training].mean(axis=0)
    audio = audio - audio[is_training].mean(axis=0)
    train_code, train_audio = code[is_training], audio[is_training]
    gram = train_code.T @ train_code
    cross = train_code.T @ train_audio
    scale = max(float(np.trace(gram)) / len(gram), np.finfo(float).tiny)
    predictions = []
    for penalty in PENALTIES:
        weights = np.linalg.solve(gram + penalty * scale * np.eye(len(gram)), cross)
        predicted = code @ weights  # [n, d2]
        _, _, directions = np.linalg.svd(predicted[is_training], full_matrices=False)
        predictions.append((predicted, directions.T))
    for dimension in _list_dimensions_to_try(min(map(lambda pair: pair[1].shape[1], predictions))):
        for predicted, directions in predictions:
            yield predicted @ directions[:, :dimension], audio @ directions[:, :dimension]


def _list_dimensions_to_try(max_dimension: int) -> list[int]:
    """Return the dimensions to try, the largest possible one last."""
    if not max_dimension:
        return []
    return [dimension for dimension in DIMENSIONS if dimension < max_dimension] + [max_dimension]
