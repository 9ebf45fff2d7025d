"""Numbers of the suggestion study: picks by distance, their diversity, and aims at a target."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import spearmanr

from core.evaluation.text_retrieval_baselines import compute_edit_distances
from core.programs.ruby_tokenizer import tokenize_ruby

RANDOM_DRAWS = 50
MAX_TOKENS = 600


def compute_pairwise_cosine_distances(embeddings: np.ndarray) -> np.ndarray:
    """Return the cosine distances of all pairs of rows, float [n, n]."""
    norms = np.linalg.norm(embeddings, axis=1, keepdims=True)
    unit = np.asarray(embeddings, dtype=np.float64) / np.maximum(norms, 1e-12)
    return np.maximum(1 - unit @ unit.T, 0.0)


def compute_source_edit_distances(sources: Sequence[str]) -> np.ndarray:
    """Return the Levenshtein distances of programs in tokens, by the longer one, float [n, n]."""
    numbers: dict[str, int] = {}
    sequences = [
        [
            numbers.setdefault(token.text, len(numbers))
            for token in tokenize_ruby(source)
            if token.text.strip()
        ][:MAX_TOKENS]
        for source in sources
    ]
    lengths = np.array([max(len(sequence), 1) for sequence in sequences])
    rows = [
        compute_edit_distances(sequence, sequences) / np.maximum(lengths, len(sequence))
        for sequence in sequences
    ]
    return np.array(rows)


def pick_farthest_rows(distances: np.ndarray, k: int) -> list[int]:
    """Pick candidates by farthest-first traversal, starting from the program.

    Parameters
    ----------
    distances : float [n + 1, n + 1]
        Row 0 is the program, the others are candidates.
    k : int

    Returns
    -------
    list of int
        Rows from 1, at most k.
    """
    nearest = distances[0].copy()
    nearest[0] = -np.inf
    picks: list[int] = []
    for _ in range(min(k, len(distances) - 1)):
        row = int(np.argmax(nearest))
        picks.append(row)
        nearest = np.minimum(nearest, distances[row])
        nearest[picks] = -np.inf
    return picks


def compute_pick_diversity(distances: np.ndarray, picks: Sequence[int]) -> float:
    """Return the mean distance of all pairs of picks."""
    rows = np.asarray(picks)
    block = distances[np.ix_(rows, rows)]
    pairs = np.triu_indices(len(rows), 1)
    return float(block[pairs].mean()) if len(rows) > 1 else float("nan")


def compute_pick_coverage(distances: np.ndarray, picks: Sequence[int]) -> float:
    """Return the mean distance of all candidates from their nearest pick: lower covers better."""
    return float(distances[1:, list(picks)].min(axis=1).mean())


def pick_random_rows(candidate_count: int, k: int, seed: int) -> list[list[int]]:
    """Return random picks, rows from 1."""
    rng = np.random.default_rng(seed)
    count = min(k, candidate_count)
    return [
        (1 + rng.choice(candidate_count, count, replace=False)).tolist()
        for _ in range(RANDOM_DRAWS)
    ]


def normalize_scores_between_references(
    values: np.ndarray, low: np.ndarray, high: np.ndarray
) -> float:
    """Return the share of the gap between two references that values close over programs.

    Parameters
    ----------
    values, low, high : float [n]
        Of the method, of random picks, and of the upper bound.
    """
    gap = float((high - low).sum())
    return float((values - low).sum() / gap) if abs(gap) > 1e-12 else float("nan")


def compute_rank_correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Return Spearman's correlation; nan for fewer than 3 values or without variation."""
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    return float(spearmanr(x, y).statistic)
