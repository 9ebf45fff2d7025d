"""Pairs of embeddings to train and validate on: their types, checks and batches."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.errors import EarshotError


@dataclass(frozen=True, eq=False)
class TrainingPairs:
    """Pairs of embeddings to train on.

    Attributes
    ----------
    code, audio : Tensor, float [n, code_dim] and [n, audio_dim]
        Embeddings of the training programs, row i of both one pair; n at least 2. Pairs with
        equal code embeddings have the same source as far as the heads can see, and are not each
        other's negatives.
    augmented_code : Tensor, float [v, n, code_dim], optional
        Embeddings of the same programs, rewritten in v ways without changing their sound: further
        positives. Each time a program is used, one of its 1 + v versions is drawn.
    hard_negatives : Tensor, float [n, code_dim], optional
        Embeddings of the programs, changed so that they sound different, for the objectives
        "infonce" and "soft_infonce".
    groups : array of str [n], optional
        Template or grammar style of each pair, for the joint objectives, which hold some of
        them out to choose their constants.
    simulation_dim : int
        Number of last columns of code that are a simulation, for the same.

    The closed-form objectives ignore `augmented_code` and `hard_negatives`.
    """

    code: Tensor
    audio: Tensor
    augmented_code: Tensor | None = None
    hard_negatives: Tensor | None = None
    groups: np.ndarray | None = None
    simulation_dim: int = 0


@dataclass(frozen=True, eq=False)
class ValidationPairs:
    """Pairs of embeddings of other programs, for early stopping.

    Attributes
    ----------
    code, audio : Tensor, float [m, code_dim] and [m, audio_dim]
        Row i of both one pair. With fewer than 2, all epochs are run.
    """

    code: Tensor
    audio: Tensor


def split_rows_into_batches(pair_order: Tensor, batch_size: int) -> list[Tensor]:
    """Split `pair_order` [n] into batches of nearly equal size, none of fewer than 2 rows.

    A small last batch would have easier negatives than the others, and BatchNorm needs at least 2
    rows. Sizes differ by at most one row. If one row would be left over, a batch is one row larger
    than `batch_size`.
    """
    batch_count = min(math.ceil(len(pair_order) / batch_size), len(pair_order) // 2)
    return list(torch.tensor_split(pair_order, max(1, batch_count)))


def assign_same_label_to_equal_rows(code: Tensor) -> Tensor | None:
    """Label the rows of code [n, code_dim] so that equal rows have equal labels.

    Returns
    -------
    Tensor, int [n], or None
        None if all rows differ.
    """
    unique_rows, labels = torch.unique(code, dim=0, return_inverse=True)
    return None if len(unique_rows) == len(code) else labels


def validate_embedding_pairs(
    training_pairs: TrainingPairs, validation_pairs: ValidationPairs
) -> None:
    """Check that training and validation pairs are matrices of finite numbers with equal rows.

    Raises
    ------
    EarshotError
        If they are not, or if there are fewer than 2 training pairs.
    """
    _validate_paired_matrices(training_pairs.code, training_pairs.audio, "training", min_pairs=2)
    _validate_paired_matrices(
        validation_pairs.code, validation_pairs.audio, "validation", min_pairs=0
    )
    code_variants: list[Tensor] = []
    if training_pairs.augmented_code is not None:
        code_variants += training_pairs.augmented_code
    if training_pairs.hard_negatives is not None:
        code_variants.append(training_pairs.hard_negatives)
    for code in code_variants:
        _validate_paired_matrices(code, training_pairs.audio, "training", min_pairs=2)


def _validate_paired_matrices(code: Tensor, audio: Tensor, split_name: str, min_pairs: int) -> None:
    if code.ndim != 2 or audio.ndim != 2 or len(code) != len(audio):
        raise EarshotError(
            f"The {split_name} pairs are {tuple(code.shape)} code and {tuple(audio.shape)} audio"
            " embeddings; they must be two matrices with one row per program."
        )
    if len(code) < min_pairs:
        raise EarshotError(
            f"There are {len(code)} {split_name} pairs; contrast needs at least {min_pairs}.",
            remedy="Add programs to the corpus.",
        )
    for modality, embeddings in (("code", code), ("audio", audio)):
        if not torch.isfinite(embeddings).all():
            raise EarshotError(
                f"Some {modality} embeddings of the {split_name} programs are not finite numbers.",
                remedy="Embed the programs again.",
            )
