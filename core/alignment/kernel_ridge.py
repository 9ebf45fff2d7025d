"""Projection heads without training: solved for, so that they foretell a clip's embedding."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from core.alignment.heads import KernelRidgeHead, ProjectionHeads

RBF_GAMMA_SCALE = 0.5  # of the kernel, over the mean square of how far rows are from their mean
MAX_REFERENCE_PROGRAMS = 6000  # programs that a kernel compares with: 13,500 would be 120 MB an alignment
BLOCK_ROWS = 2048


@torch.no_grad()
def fit_ridge_heads(heads: ProjectionHeads, code: Tensor, audio: Tensor) -> None:
    """Set the heads to what foretells the clips of these pairs best.

    Parameters
    ----------
    heads : ProjectionHeads
        Of a config whose objective is "ridge" or "kernel_ridge".
    code, audio : Tensor, float [n, code_dim] and [n, audio_dim]
        Row i of both is one pair.

    Notes
    -----
    Ridge regression (Hoerl & Kennard, Technometrics 1970), for "kernel_ridge" with a Gaussian kernel
    (Saunders, Gammerman & Vovk, ICML 1998), of the clips' embeddings, scaled to length 1 and
    centred, on the codes' columns, standardised: the squared error of unit vectors is 2 minus
    twice their cosine, and what has the least expected one is their mean.

    What all clips have in common is then added again in part on both sides (`kept_mean`). With
    all of it, the clips found would be those whose expected cosine is highest by this very
    encoder, which favours clips near to the mean of all; without it, clips far from the mean
    are found as readily, though a miss costs more there. A tenth foretold most by both judges
    on validation programs.
    """
    config = heads.config
    heads.code_input.fit(code)
    heard = F.normalize(audio.double(), dim=1)  # [n, audio_dim]
    mean = heard.mean(dim=0)
    heads.audio_input.mean.copy_((1 - config.mean_fraction) * mean)
    heard = heard - mean
    x = heads.code_input(code)  # [n, d]; its columns are centred
    if config.objective == "kernel_ridge":
        heads.code_head = _fit_kernel_head(x, heard, config.l2)
    else:
        heads.code_head.weight.copy_(_solve_ridge(x.double(), heard, config.l2).T)
    heads.code_head.bias.copy_(config.mean_fraction * mean)


def _solve_ridge(x: Tensor, audio_embeddings: Tensor, l2: float) -> Tensor:
    """Weights [d, audio_dim]. With fewer pairs than columns it is solved by the kernel of the
    rows, which gives the same."""
    n, d = x.shape
    if n < d:
        return x.T @ torch.linalg.solve(x @ x.T + l2 * _make_identity(n, x), audio_embeddings)
    return torch.linalg.solve(x.T @ x + l2 * _make_identity(d, x), x.T @ audio_embeddings)


def _fit_kernel_head(x: Tensor, audio_embeddings: Tensor, l2: float) -> KernelRidgeHead:
    """A head that compares with all rows of x [n, d], or with some, spread evenly over them.

    With some, it is the subset of regressors of Smola & Schoelkopf, ICML 2000.
    """
    n, d = x.shape
    kept = torch.linspace(0, n - 1, min(n, MAX_REFERENCE_PROGRAMS)).round().long().to(x.device)
    head = KernelRidgeHead(len(kept), d, audio_embeddings.shape[1]).to(x.device)
    head.rows.copy_(x[kept])
    head.squares.copy_(head.rows.square().sum(dim=1))
    head.sharpness.fill_(RBF_GAMMA_SCALE / float(x.var(dim=0, correction=0).sum().clamp_min(1e-12)))
    inner = head.compute_kernel(head.rows).double()  # [m, m]
    if len(kept) == n:
        solution = torch.linalg.solve(inner + l2 * _make_identity(n, inner), audio_embeddings)
    else:
        squared, wanted = l2 * inner, torch.zeros_like(head.weight, dtype=torch.float64)
        for start in range(0, n, BLOCK_ROWS):
            alike = head.compute_kernel(x[start : start + BLOCK_ROWS]).double()  # [b, m]
            squared += alike.T @ alike
            wanted += alike.T @ audio_embeddings[start : start + BLOCK_ROWS]
        solution = torch.linalg.solve(squared + 1e-6 * _make_identity(len(kept), inner), wanted)
    head.weight.copy_(solution)
    return head


def _make_identity(size: int, reference: Tensor) -> Tensor:
    return torch.eye(size, dtype=reference.dtype, device=reference.device)
