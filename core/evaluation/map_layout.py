"""The map: code and audio of every program in one picture."""

from __future__ import annotations

import warnings
from types import ModuleType

import numpy as np
import torch
from torch import Tensor

from core.errors import EarshotError
from core.evaluation.validation import normalize_rows
from core.evaluation.neighbours import find_nearest_others

UMAP_NEIGHBOURS = 15  # of each point, itself among them: UMAP's default
MIN_POINTS = 4  # points below which there is no neighbourhood to lay out


def compute_joint_map(
    code: np.ndarray | Tensor,
    audio: np.ndarray | Tensor,
    seed: int = 42,
    initial_positions: tuple[np.ndarray, np.ndarray] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Lay out code and audio together in two dimensions with UMAP.

    Every row is scaled to length 1. Embeddings of a shared space are comparable as they
    are. Raw ones of different encoders aren't: the narrower ones get columns of zeros, so
    that distances within each modality stay what they were and nothing is done to bring
    the two together. For encoders of equal width, like the paper's, that is the paper's
    picture. How far apart the two modalities lie before alignment means no more than that
    they are not in one space.

    Parameters
    ----------
    code, audio : array or Tensor, float [n, d1] and [m, d2]
    seed : int
        Of UMAP's optimisation.
    initial_positions : pair of arrays, float [n, 2] and [m, 2], optional
        Where points start, such as the map before alignment, so that an eye can follow
        them. By default at the first two principal components.

    Returns
    -------
    code, audio : float32 [n, 2] and [m, 2]
        The same for the same input, seed, machine and number of threads. Fewer than 4
        points in all stay where they start.

    Raises
    ------
    EarshotError
        When the embeddings aren't finite, or `initial_positions` doesn't fit them.

    Notes
    -----
    McInnes, Healy & Melville, "UMAP: Uniform Manifold Approximation and Projection for
    Dimension Reduction", 2018; started from principal components as in Kobak &
    Linderman, "Initialization is critical for preserving global data structure in both
    t-SNE and UMAP", Nature Biotechnology 2021. The graph is that of the exact nearest
    neighbours by cosine.
    """
    code, audio = normalize_rows(code), normalize_rows(audio)
    points = _pad_and_stack(code, audio)  # [n + m, d]
    start = _project_to_pca(points) if initial_positions is None else _stack_initial_positions(initial_positions, len(code), len(audio))
    if len(points) >= MIN_POINTS:
        start = _run_umap(points, start, seed)
    return start[: len(code)], start[len(code) :]


def _pad_and_stack(code: Tensor, audio: Tensor) -> Tensor:
    width = max(code.shape[1], audio.shape[1])
    padded = [torch.nn.functional.pad(x, (0, width - x.shape[1])) for x in (code, audio)]
    return torch.cat(padded)  # [n + m, width]


def _stack_initial_positions(initial_positions: tuple[np.ndarray, np.ndarray], code_count: int, audio_count: int) -> np.ndarray:
    code, audio = (np.asarray(part, dtype=np.float32) for part in initial_positions)
    if code.shape != (code_count, 2) or audio.shape != (audio_count, 2):
        raise EarshotError(
            f"The map to start from has {code.shape} and {audio.shape} positions for {code_count} code"
            f" and {audio_count} audio embeddings.",
            remedy="Make the map anew.",
        )
    return np.concatenate([code, audio])


def _project_to_pca(points: Tensor) -> np.ndarray:
    """First two principal components [n, 2], each turned so that its largest entry is positive."""
    centred = (points - points.mean(dim=0)).double() if len(points) else points.double()
    found = torch.zeros(len(points), 2, dtype=torch.float64)
    if len(points) < points.shape[1]:  # the same, from the smaller of the two matrices
        values, vectors = torch.linalg.eigh(centred @ centred.T)
        components = (vectors * values.clamp(min=0).sqrt()).flip(1)[:, :2]  # [n, <=2]
    else:
        directions = torch.linalg.eigh(centred.T @ centred).eigenvectors.flip(1)[:, :2]  # [d, <=2]
        components = centred @ directions  # [n, <=2]
    if len(points):
        largest = components.gather(0, components.abs().argmax(dim=0, keepdim=True))
        components = components * torch.where(largest < 0, -1.0, 1.0)
    found[:, : components.shape[1]] = components
    return found.float().numpy()


def _run_umap(points: Tensor, initial_positions: np.ndarray, seed: int) -> np.ndarray:
    """Optimise positions from `initial_positions` [n, 2] on the graph of exact neighbours."""
    n = len(points)
    k = min(UMAP_NEIGHBOURS, n - 1)
    indices, similarities = find_nearest_others(points, k - 1)  # 2 x [n, k-1]
    itself = np.arange(n)[:, None]
    graph = (
        np.concatenate([itself, indices], axis=1).astype(np.int32),
        np.concatenate([np.zeros((n, 1)), 1 - similarities], axis=1).astype(np.float32),
    )
    # UMAP stretches the start to fill a square, which has to have a width and a height;
    # equal points, which nothing could ever part, are set a hair's breadth apart.
    hair = np.random.default_rng(seed).normal(scale=1e-4, size=initial_positions.shape)
    initial_positions = initial_positions + hair * max(float(np.ptp(initial_positions, axis=0).max()), 1e-3)
    threads = torch.get_num_threads()
    with warnings.catch_warnings():
        # It warns of what is not wanted here: neural networks, and adding points later.
        warnings.filterwarnings("ignore", module=r"umap(\.|$)")
        import umap  # takes seconds, which nothing but the map should wait for

        _cache_compiled_functions(umap.umap_, umap.layouts)
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
            # UMAP sets the threads of OpenMP, which are torch's too: what is trained after
            # a map would differ in the last digits from what is trained before one.
            torch.set_num_threads(threads)


def _cache_compiled_functions(*modules: ModuleType) -> None:
    """Let Numba keep what it compiles of UMAP for the next process, as UMAP itself asks for but
    one of its functions: compiling took 8 s of a process's first map."""
    for module in modules:
        for function in vars(module).values():
            if hasattr(function, "enable_caching"):
                try:
                    function.enable_caching()
                except RuntimeError:  # nowhere to write: compiled anew then
                    return
