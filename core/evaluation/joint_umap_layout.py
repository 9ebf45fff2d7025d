"""Layout of the map: code and audio of all programs together in two dimensions, by UMAP."""

from __future__ import annotations

import warnings
from types import ModuleType

import numpy as np
import torch
from torch import Tensor

from core.errors import EarshotError
from core.evaluation.array_validation_and_normalization import (
    normalize_rows,
    stack_spaces_with_zero_padding,
)
from core.evaluation.nearest_neighbours import CosineIndex, find_nearest_other_rows

UMAP_NEIGHBOURS = 15  # UMAP's default; a point counts as its own first neighbour
MIN_POINTS = 4
"""Number of points below which UMAP is not run, because there are no neighbourhoods."""

MAX_UMAP_POINTS = 60_000
"""Number of points above which UMAP lays out a sample, so that the cost stays linear."""
SAMPLED_POINTS = 30_000
PROJECTION_TEMPERATURE = 0.05
"""Difference of cosine similarity by which the weight of a sampled neighbour falls to 1/e."""


def compute_joint_umap_layout(
    code: np.ndarray | Tensor,
    audio: np.ndarray | Tensor,
    seed: int = 42,
    initial_positions: tuple[np.ndarray, np.ndarray] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Lay out code and audio together in two dimensions with UMAP.

    Every row is scaled to length 1. Embeddings in a shared space are comparable. Raw embeddings
    of different encoders are not: the narrower ones get columns of zeros, so that distances
    within each modality stay the same and nothing moves the two modalities together. For encoders
    of equal width, as in the paper, this is the paper's figure. The distance between the two
    modalities before alignment only shows that they are not in one space.

    Parameters
    ----------
    code, audio : array or Tensor, float [n, d1] and [m, d2]
    seed : int
        Seed of UMAP's optimisation.
    initial_positions : pair of arrays, float [n, 2] and [m, 2], optional
        Positions to start from, such as the map before alignment, so that points can be followed
        by eye. By default the first two principal components.

    Returns
    -------
    code, audio : float32 [n, 2] and [m, 2]
        The same for the same input, seed, machine and number of threads. Fewer than 4 points in
        total keep their initial positions.

    Raises
    ------
    EarshotError
        If the embeddings are not finite, or `initial_positions` does not fit them.

    Notes
    -----
    McInnes, Healy & Melville, "UMAP: Uniform Manifold Approximation and Projection for Dimension
    Reduction", 2018. Initialized with principal components as in Kobak & Linderman,
    "Initialization is critical for preserving global data structure in both t-SNE and UMAP",
    Nature Biotechnology 2021. The graph is that of the exact nearest neighbours by cosine.

    UMAP lays out an even sample of more than 60,000 points. Every other point is placed at the mean
    of its 15 exact nearest neighbours in the sample, weighted by similarity, which is where UMAP's
    own `transform` starts.
    """
    unit_code, unit_audio = normalize_rows(code), normalize_rows(audio)
    points = stack_spaces_with_zero_padding(unit_code, unit_audio)  # [n + m, d]
    if initial_positions is None:
        positions = _project_to_pca(points)
    else:
        positions = _stack_initial_positions(initial_positions, len(unit_code), len(unit_audio))
    if len(points) > MAX_UMAP_POINTS:
        positions = _lay_out_sample_and_project_others(points, positions, len(unit_code), seed)
    elif len(points) >= MIN_POINTS:
        positions = _optimise_umap_positions(points, positions, seed)
    return positions[: len(unit_code)], positions[len(unit_code) :]


def _stack_initial_positions(
    initial_positions: tuple[np.ndarray, np.ndarray], code_count: int, audio_count: int
) -> np.ndarray:
    code, audio = (np.asarray(part, dtype=np.float32) for part in initial_positions)
    if code.shape != (code_count, 2) or audio.shape != (audio_count, 2):
        raise EarshotError(
            f"The map to start from has {code.shape} and {audio.shape} positions for"
            f" {code_count} code and {audio_count} audio embeddings.",
            remedy="Compute the map again.",
        )
    return np.concatenate([code, audio])


def _project_to_pca(points: Tensor) -> np.ndarray:
    """Compute the first two principal components [n, 2], the largest entry of each positive."""
    centred = (points - points.mean(dim=0)).double() if len(points) else points.double()
    positions = torch.zeros(len(points), 2, dtype=torch.float64)
    # Both matrices give the same components: the smaller one is decomposed.
    if len(points) < points.shape[1]:
        values, vectors = torch.linalg.eigh(centred @ centred.T)
        components = (vectors * values.clamp(min=0).sqrt()).flip(1)[:, :2]  # [n, <=2]
    else:
        directions = torch.linalg.eigh(centred.T @ centred).eigenvectors.flip(1)[:, :2]  # [d, <=2]
        components = centred @ directions  # [n, <=2]
    if len(points):
        largest = components.gather(0, components.abs().argmax(dim=0, keepdim=True))
        components = components * torch.where(largest < 0, -1.0, 1.0)
    positions[:, : components.shape[1]] = components
    return positions.float().numpy()


def _lay_out_sample_and_project_others(
    points: Tensor, initial_positions: np.ndarray, code_count: int, seed: int
) -> np.ndarray:
    """Lay out a sample of the points [n, d] with UMAP and place the others by it: [n, 2]."""
    is_sampled = np.zeros(len(points), dtype=bool)
    # The same share and, for pairs, the same programs of both modalities.
    for start, stop in ((0, code_count), (code_count, len(points))):
        count = round(SAMPLED_POINTS * (stop - start) / len(points))
        is_sampled[np.linspace(start, stop - 1, count).astype(int)] = True
    sample = torch.from_numpy(np.flatnonzero(is_sampled))
    others = torch.from_numpy(np.flatnonzero(~is_sampled))
    positions = np.empty((len(points), 2), dtype=np.float32)
    sampled_positions = _optimise_umap_positions(
        points[sample], initial_positions[is_sampled], seed
    )
    positions[is_sampled] = sampled_positions
    neighbours, similarities = CosineIndex(points[sample]).find_most_similar_rows(
        points[others], UMAP_NEIGHBOURS
    )  # 2 x [n - sample, k]
    weights = np.exp((similarities - similarities[:, :1]) / PROJECTION_TEMPERATURE)
    weights /= weights.sum(axis=1, keepdims=True)
    positions[~is_sampled] = (weights[:, :, None] * sampled_positions[neighbours]).sum(axis=1)
    return positions


def _optimise_umap_positions(
    points: Tensor, initial_positions: np.ndarray, seed: int
) -> np.ndarray:
    """Optimise positions [n, 2] on the graph of the exact nearest neighbours."""
    n = len(points)
    k = min(UMAP_NEIGHBOURS, n - 1)
    indices, similarities = find_nearest_other_rows(points, k - 1)  # 2 x [n, k-1]
    own_index = np.arange(n)[:, None]
    graph = (
        np.concatenate([own_index, indices], axis=1).astype(np.int32),
        np.concatenate([np.zeros((n, 1)), 1 - similarities], axis=1).astype(np.float32),
    )
    # UMAP scales the initial positions to a square, which needs a width and a height. Equal
    # points, which no gradient could separate, are moved apart a little.
    noise = np.random.default_rng(seed).normal(scale=1e-4, size=initial_positions.shape)
    extent = max(float(np.ptp(initial_positions, axis=0).max()), 1e-3)
    initial_positions = initial_positions + noise * extent
    thread_count = torch.get_num_threads()
    with warnings.catch_warnings():
        # UMAP warns about features that are not used: neural networks, adding points later.
        warnings.filterwarnings("ignore", module=r"umap(\.|$)")
        # Imported late because it takes seconds to load, and only the map needs it.
        import umap

        _enable_numba_disk_cache(umap.umap_, umap.layouts)
        mapper = umap.UMAP(
            n_neighbors=k,
            metric="cosine",
            init=initial_positions.astype(np.float32),
            precomputed_knn=graph,
            random_state=seed,
            n_jobs=1,
        )
        try:
            return mapper.fit_transform(points.numpy()).astype(np.float32)
        finally:
            # UMAP sets the number of OpenMP threads, which torch shares: without this, a
            # training after a map would differ from one before a map in the last digits.
            torch.set_num_threads(thread_count)


def _enable_numba_disk_cache(*modules: ModuleType) -> None:
    """Let Numba cache UMAP's compiled functions on disk for the next process.

    UMAP enables the cache for all functions but one, whose compilation took 8 s of the first map
    of a process.
    """
    for module in modules:
        for function in vars(module).values():
            if hasattr(function, "enable_caching"):
                try:
                    function.enable_caching()
                except RuntimeError:  # The cache folder is not writable.
                    return
