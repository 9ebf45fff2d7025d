"""Picking of a few candidates by their predicted sound."""

from __future__ import annotations

import numpy as np

MAX_SWAP_ROUNDS = 20
DEFAULT_RELEVANCE_WEIGHT = 0.7
"""Weight of relevance against novelty where both count."""


def pick_by_marginal_relevance(
    vectors: np.ndarray,
    k: int,
    relevance: np.ndarray | None = None,
    relevance_weight: float = 0.0,
    known_vectors: np.ndarray | None = None,
) -> list[int]:
    """Pick rows one after another, each relevant and unlike those picked before.

    Parameters
    ----------
    vectors : float [n, d]
        Unit vectors.
    k : int
    relevance : float [n], optional
        Higher is better, on the scale of a cosine.
    relevance_weight : float
        In [0, 1]. At 0, each pick is the row farthest from all picks so far.
    known_vectors : float [m, d], optional
        Unit vectors that count as picked already, such as that of the current version.

    Returns
    -------
    list of int
        Rows in the order in which they were picked, at most k.

    Notes
    -----
    Maximal marginal relevance (Carbonell & Goldstein, SIGIR 1998). With a weight of 0 it is the
    farthest-first traversal of Gonzalez (Theoretical Computer Science 1985), whose largest
    distance of any row from the picks is at most twice the smallest possible one.

    Examples
    --------
    >>> pick_by_marginal_relevance(np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]]), 2)
    [0, 2]
    """
    relevance = np.zeros(len(vectors)) if relevance is None else np.asarray(relevance, float)
    if known_vectors is None or not len(known_vectors):
        nearest = np.full(len(vectors), -1.0)
    else:
        nearest = (vectors @ np.asarray(known_vectors).T).max(axis=1)
    picks: list[int] = []
    is_open = np.ones(len(vectors), dtype=bool)
    for _ in range(min(k, len(vectors))):
        gain = relevance_weight * relevance - (1 - relevance_weight) * nearest
        row = int(np.argmax(np.where(is_open, gain, -np.inf)))
        picks.append(row)
        is_open[row] = False
        nearest = np.maximum(nearest, vectors @ vectors[row])
    return picks


def pick_by_marginal_distance(
    distances: np.ndarray, k: int, relevance_weight: float = 0.0
) -> list[int]:
    """Pick candidates one after another, each far from the program and from those before.

    Parameters
    ----------
    distances : float [n + 1, n + 1]
        Row 0 is the program, the others are candidates.
    k : int
    relevance_weight : float
        In [0, 1]. At 0, each pick is the candidate farthest from all picks and the program; at 1,
        the one farthest from the program.

    Returns
    -------
    list of int
        Rows from 1 in the order in which they were picked, at most k.

    Examples
    --------
    >>> pick_by_marginal_distance(np.array([[0.0, 3, 3], [3, 0, 1], [3, 1, 0]]), 2)
    [1, 2]
    """
    nearest = distances[0].astype(float)
    picks: list[int] = []
    for _ in range(min(k, len(distances) - 1)):
        gains = relevance_weight * distances[0] + (1 - relevance_weight) * nearest
        gains[[0, *picks]] = -np.inf
        picks.append(int(np.argmax(gains)))
        nearest = np.minimum(nearest, distances[picks[-1]])
    return picks


def pick_medoids(vectors: np.ndarray, k: int) -> list[int]:
    """Pick the rows whose distances from all rows are smallest together: they cover the space.

    Parameters
    ----------
    vectors : float [n, d]
        Unit vectors.
    k : int

    Returns
    -------
    list of int
        Rows, the one with most rows nearest to it first, at most k.

    Notes
    -----
    k-medoids by BUILD and swaps (Kaufman & Rousseeuw 1990), with cosine distances.
    """
    count = min(k, len(vectors))
    if count < 1:
        return []
    distances = np.maximum(1 - vectors @ vectors.T, 0)
    medoids: list[int] = []
    nearest = np.full(len(vectors), np.inf)
    for _ in range(count):
        costs = np.minimum(nearest[:, None], distances).sum(axis=0)
        costs[medoids] = np.inf
        medoids.append(int(np.argmin(costs)))
        nearest = np.minimum(nearest, distances[:, medoids[-1]])
    for _ in range(MAX_SWAP_ROUNDS):
        if not _swap_medoid_to_lower_distance(distances, medoids):
            break
    sizes = np.bincount(distances[:, medoids].argmin(axis=1), minlength=count)
    return [medoids[index] for index in np.argsort(-sizes, kind="stable")]


def _swap_medoid_to_lower_distance(distances: np.ndarray, medoids: list[int]) -> bool:
    """Exchange one medoid where that lowers the sum of distances; return whether it did."""
    best_cost = distances[:, medoids].min(axis=1).sum() - 1e-9
    best: tuple[int, int] | None = None
    for index in range(len(medoids)):
        others = [medoid for position, medoid in enumerate(medoids) if position != index]
        nearest = distances[:, others].min(axis=1, initial=np.inf)
        costs = np.minimum(nearest[:, None], distances).sum(axis=0)
        costs[medoids] = np.inf
        row = int(np.argmin(costs))
        if costs[row] < best_cost:
            best, best_cost = (index, row), costs[row]
    if best is None:
        return False
    medoids[best[0]] = best[1]
    return True
