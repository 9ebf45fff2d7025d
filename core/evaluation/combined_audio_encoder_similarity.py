"""Consensus of several audio encoders on which clips are similar."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.errors import EarshotError


def compute_consensus_similarity(
    similarities: Sequence[np.ndarray], weights: Sequence[float] | None = None
) -> np.ndarray:
    """Add the similarities of several encoders, each standardized per query.

    Encoders differ in the mean and the spread of their similarities. Standardized, each counts as
    much as its weight, whatever its scale.

    Parameters
    ----------
    similarities : sequence of array, float [m, n]
        By one encoder each: row i, column j is the similarity of query i and clip j.
    weights : sequence of float, optional
        One per encoder; default: 1.

    Returns
    -------
    float64 [m, n]
        Weighted mean of z-scores per row. A row that is constant by one encoder counts as 0 there.

    Raises
    ------
    EarshotError
        If there are no similarities, their shapes differ, or the weights are not as many, are
        negative or add up to 0.

    Examples
    --------
    >>> first, second = np.array([[0.9, 0.1, 0.2]]), np.array([[10.0, 30.0, 20.0]])
    >>> compute_consensus_similarity([first, second]).round(2)
    array([[ 0.09,  0.19, -0.28]])
    """
    if not similarities or len({matrix.shape for matrix in similarities}) != 1:
        raise EarshotError("A consensus needs similarities of one shape by at least one encoder.")
    encoder_weights = np.ones(len(similarities)) if weights is None else np.asarray(weights, float)
    is_valid = len(encoder_weights) == len(similarities) and (encoder_weights >= 0).all()
    if not is_valid or encoder_weights.sum() == 0:
        raise EarshotError("A consensus needs one weight per encoder, none negative, not all 0.")
    total = np.zeros(similarities[0].shape)
    for matrix, weight in zip(similarities, encoder_weights, strict=True):
        centered = matrix - matrix.mean(axis=1, keepdims=True, dtype=np.float64)
        spread = centered.std(axis=1, keepdims=True)
        total += weight * centered / np.where(spread > 0, spread, 1)
    return total / encoder_weights.sum()
