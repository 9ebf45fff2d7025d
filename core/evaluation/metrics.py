"""How alike two spaces are: structure, neighbourhoods, ranks of distances, retrieval.

Every function takes ``x`` float [n, d1] and ``y`` float [n, d2], row i of both being the same
program, and works in blocks: 13,500 rows of 768 columns stay within 2 GB. Anything but matrices
of finite numbers with equally many rows raises `EarshotError`. What is undefined is nan, and
each function says when: too few rows, or a space in which all rows are equal.
"""

from __future__ import annotations

import numpy as np

from core.errors import EarshotError
from core.evaluation.cca import CCA, cca, fit_cca
from core.evaluation.validation import COSINE_STEPS_PER_UNIT, centre_columns, check_paired_arrays, normalize_rows
from core.evaluation.pairwise_distances import distance_pearson, distance_spearman
from core.evaluation.neighbours import find_nearest_others

__all__ = [
    "CCA",
    "cca",
    "fit_cca",
    "cka",
    "normalized_similarity",
    "compute_hit_rates",
    "jaccard_at_k",
    "median_rank",
    "mrr",
    "overlap_at_k",
    "distance_pearson",
    "rank_matches",
    "recall_at_k",
    "count_shared_neighbours",
    "distance_spearman",
]

BLOCK_ROWS = 1024


def cka(x: np.ndarray, y: np.ndarray, *, debiased: bool = False) -> float:
    """Linear centred kernel alignment of two spaces.

    Parameters
    ----------
    x, y : array, float [n, d1] and [n, d2]
    debiased : bool
        Use the unbiased estimate of each HSIC. The plain one tends to 1 as dimensions
        outnumber rows, even for independent noise; this one stays around 0 there, and so
        can be a little below it.

    Returns
    -------
    float
        In [0, 1] (debiased: at most about 1): 1 for spaces that differ by rotation,
        scale and shift only. nan when all rows of a space are equal, for fewer than 2
        rows (debiased: 4), or where the debiased HSIC of a space with itself isn't
        positive.

    Notes
    -----
    Kornblith, Norouzi, Lee & Hinton, "Similarity of Neural Network Representations
    Revisited", ICML 2019. The unbiased HSIC is that of Song, Smola, Gretton, Bedo &
    Borgwardt, "Feature Selection via Dependence Maximization", JMLR 2012, in terms of
    features and not of kernels, so that it takes d1 x d2 and not n x n numbers.
    """
    x, y = check_paired_arrays(x, y)
    if len(x) < (4 if debiased else 2):
        return np.nan
    x, y = centre_columns(x), centre_columns(y)
    within_x, within_y = _compute_hsic(x, x, debiased), _compute_hsic(y, y, debiased)
    if within_x <= 0 or within_y <= 0:
        return np.nan
    return _compute_hsic(x, y, debiased) / float(np.sqrt(within_x) * np.sqrt(within_y))


def _compute_hsic(x: np.ndarray, y: np.ndarray, debiased: bool) -> float:
    """HSIC with linear kernels of centred rows, up to a factor that CKA cancels."""
    if len(x) < min(x.shape[1], y.shape[1]):
        total = float(np.vdot(x @ x.T, y @ y.T))  # the same with n x n numbers, here fewer
    else:
        total = float(np.square(x.T @ y).sum())
    if not debiased:
        return total
    # Song et al. set the diagonals of both kernels to 0. As rows are centred, a kernel's row
    # sums are then minus its diagonal, so all that is needed are the rows' squared lengths.
    n = len(x)
    own_x, own_y = np.square(x).sum(axis=1), np.square(y).sum(axis=1)  # 2 x [n]
    correction = own_x.sum() * own_y.sum() / ((n - 1) * (n - 2))
    return float(total - own_x @ own_y * n / (n - 2) + correction)


def count_shared_neighbours(x: np.ndarray, y: np.ndarray, k: int = 3) -> np.ndarray:
    """How many of a row's k nearest rows in `x` are also among its k nearest in `y`.

    Neighbours are by cosine and without the row itself; equally near ones are taken in
    the order of their index.

    Returns
    -------
    array, int [n]
        0 to k for each row. Empty for fewer than k + 2 rows: among k + 1, every row has
        the same neighbours whatever the spaces are like.
    """
    x, y = check_paired_arrays(x, y)
    if k < 1:
        raise EarshotError(f"k is {k}.", remedy="Ask for at least 1 neighbour.")
    if len(x) < k + 2:
        return np.empty(0, dtype=np.int64)
    near_x, near_y = find_nearest_others(x, k)[0], find_nearest_others(y, k)[0]  # 2 x [n, k]
    return (near_x[:, :, None] == near_y[:, None, :]).sum(axis=(1, 2))


def overlap_at_k(x: np.ndarray, y: np.ndarray, k: int = 3) -> float:
    """Mean share, in [0, 1], of a row's k nearest rows in `x` that are so in `y` too.

    Chance is k / (n - 1). nan for fewer than k + 2 rows. Neighbours are as of
    `shared_neighbours`.
    """
    return _mean_or_nan(count_shared_neighbours(x, y, k) / k)


def jaccard_at_k(x: np.ndarray, y: np.ndarray, k: int = 3) -> float:
    """Mean Jaccard index, in [0, 1], of the sets of k nearest rows in `x` and in `y`.

    nan for fewer than k + 2 rows. Neighbours are as of `shared_neighbours`.
    """
    shared = count_shared_neighbours(x, y, k)
    return _mean_or_nan(shared / (2 * k - shared))


def compute_hit_rates(x: np.ndarray, y: np.ndarray, k: int = 1) -> np.ndarray:
    """How likely row i of `y` is among the k rows of `y` nearest to row i of `x`.

    Parameters
    ----------
    x, y : array, float [n, d]
        Queries and what they search, in the same space.
    k : int
        At least 1.

    Returns
    -------
    array, float [n]
        1 or 0. In between where rows are equally similar, as if such were shuffled: so a
        space in which all rows are equal scores at chance, k / n.
    """
    if k < 1:
        raise EarshotError(f"k is {k}.", remedy="Ask for at least 1.")
    nearer, equal = _count_nearer_rows(x, y)
    return ((k - nearer) / (equal + 1)).clip(0, 1)


def recall_at_k(x: np.ndarray, y: np.ndarray, k: int = 1) -> float:
    """Share of rows of `x` whose own row of `y` is among the k nearest, in [0, 1].

    ``recall_at_k(code, audio, k)`` is code to audio; exchange them for the other
    direction. Chance is k / n. nan without rows. See `hits`.
    """
    return _mean_or_nan(compute_hit_rates(x, y, k))


def rank_matches(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Rank of row i of `y` by similarity to row i of `x`, among all rows of `y`.

    Parameters
    ----------
    x, y : array, float [n, d]
        Queries and what they search, in the same space.

    Returns
    -------
    array, float [n]
        1 is the nearest, n the farthest; equally similar rows share their mean rank.
    """
    nearer, equal = _count_nearer_rows(x, y)
    return 1 + nearer + equal / 2


def mrr(x: np.ndarray, y: np.ndarray) -> float:
    """Mean reciprocal rank of a row's own row, in (0, 1]; nan without rows. See `ranks`."""
    return _mean_or_nan(1 / rank_matches(x, y))


def median_rank(x: np.ndarray, y: np.ndarray) -> float:
    """Median rank of a row's own row, 1 to n; nan without rows. See `ranks`."""
    found = rank_matches(x, y)
    return float(np.median(found)) if len(found) else np.nan


def normalized_similarity(retrieved_rows: np.ndarray, query_audio: np.ndarray, base_audio: np.ndarray) -> np.ndarray:
    """How much of a clip's sound the clips found for it foretell.

    Parameters
    ----------
    retrieved_rows : array, int [m, k]
        For each program the rows of `base_audio` that were found for it, in whatever space.
    query_audio : array, float [m, d]
        Raw audio embeddings of the programs' own clips.
    base_audio : array, float [n, d]
        Raw audio embeddings of the clips that could be found.

    Returns
    -------
    array, float [m]
        Cosine of a clip and those found for it, on a scale whose mean over programs is 0
        for clips drawn at random and 1 for the k truly nearest. nan where every clip is
        as near as any other; empty where nothing was found.
    """
    if retrieved_rows.size == 0:
        return np.empty(0)
    own, others = normalize_rows(query_audio), normalize_rows(base_audio)  # [m, d], [n, d]
    reached, chance, best = (np.empty(len(own)) for _ in range(3))
    for start in range(0, len(own), BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        alike = (own[block] @ others.T).double().numpy()  # [b, n]
        reached[block] = np.take_along_axis(alike, retrieved_rows[block], axis=1).mean(axis=1)
        chance[block] = alike.mean(axis=1)
        best[block] = np.partition(alike, -retrieved_rows.shape[1], axis=1)[:, -retrieved_rows.shape[1] :].mean(
            axis=1
        )
    scale = (best - chance).mean()
    return (reached - chance) / (scale if scale > 1 / COSINE_STEPS_PER_UNIT else np.nan)


def _count_nearer_rows(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many rows of y are nearer to row i of x than row i of y, and how many equally near."""
    queries, base = normalize_rows(x), normalize_rows(y)  # [n, d]
    if queries.shape != base.shape:
        raise EarshotError(
            f"Spaces of shape {tuple(queries.shape)} and {tuple(base.shape)} can't search"
            " each other.",
            remedy="Retrieval needs a row a program in one shared space.",
        )
    nearer, equal = np.empty(len(base)), np.empty(len(base))
    for start in range(0, len(base), BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        found = (queries[block] @ base.T).mul_(COSINE_STEPS_PER_UNIT).round_()  # [b, n]
        own = found.diagonal(offset=start)[:, None]  # [b, 1]
        nearer[block] = (found > own).sum(dim=1).numpy()
        equal[block] = (found == own).sum(dim=1).numpy() - 1
    return nearer, equal


def _mean_or_nan(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else np.nan
