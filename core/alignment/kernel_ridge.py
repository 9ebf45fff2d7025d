"""Ridge and kernel ridge regression: projection heads in closed form, without training."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.alignment.projection_head_layers import KernelRidgeHead
from core.alignment.projection_heads import ProjectionHeads

RBF_GAMMA_SCALE = 0.7
"""Sharpness of the kernel times the mean squared distance of the rows from their mean."""
MAX_REFERENCE_PROGRAMS = 6000
"""Reference programs of a kernel: 13,500 would take 120 MB per alignment."""
BLOCK_ROWS = 2048
GRAM_BLOCK_COLUMNS = 1000
KERNEL_JITTER = 1e-6


@torch.no_grad()
def fit_projection_heads_by_ridge(heads: ProjectionHeads, code: Tensor, audio: Tensor) -> None:
    """Set the heads to the solution that best predicts the clips of these pairs.

    Parameters
    ----------
    heads : ProjectionHeads
        With the objective "ridge" or "kernel_ridge".
    code, audio : Tensor, float [n, code_dim] and [n, audio_dim]
        Row i of both is one pair.

    Notes
    -----
    Ridge regression (Hoerl & Kennard, Technometrics 1970), for "kernel_ridge" with a Gaussian
    kernel (Saunders, Gammerman & Vovk, ICML 1998), of the clips' embeddings, scaled to length 1
    and centred, on the standardised columns of the code. The squared error of unit vectors is 2
    minus twice their cosine, and their mean minimises its expectation.

    A share of the clips' mean is then added to both sides (`AlignmentConfig.mean_fraction`). With
    a share of 1, clips are ranked by their expected cosine in the training audio encoder, which
    favours clips near the mean. With 0, clips far from the mean are found as readily, although
    errors cost more there. Shares of 0.3 and 0.4 were best on programs outside the corpus, by three
    audio encoders, for 300 to 1,000 training programs.
    """
    config = heads.config
    heads.code_input.fit_mean_and_scale(code)
    centred_audio = functional.normalize(audio.double(), dim=1)  # [n, audio_dim]
    mean = centred_audio.mean(dim=0)
    centred_audio -= mean  # In place, because it grows with the number of pairs.
    heads.audio_input.mean.copy_((1 - config.mean_fraction) * mean)
    x = heads.code_input(code)  # [n, d]; its columns are centred
    if config.objective == "kernel_ridge":
        kernel_head = fit_kernel_ridge_head(x, centred_audio, config.l2)
        kernel_head.bias.copy_(config.mean_fraction * mean)
        heads.code_head = kernel_head
    else:
        linear_head = heads.code_head
        assert isinstance(linear_head, nn.Linear)
        linear_head.weight.copy_(_solve_ridge_weights(x.double(), centred_audio, config.l2).T)
        linear_head.bias.copy_(config.mean_fraction * mean)


def _solve_ridge_weights(x: Tensor, audio_embeddings: Tensor, l2: float) -> Tensor:
    """Compute the weights [d, audio_dim].

    If there are fewer pairs than columns, the dual problem gives the same solution faster.
    """
    n, d = x.shape
    if n < d:
        return x.T @ torch.linalg.solve(
            x @ x.T + l2 * _make_identity_matrix(n, x), audio_embeddings
        )
    return torch.linalg.solve(x.T @ x + l2 * _make_identity_matrix(d, x), x.T @ audio_embeddings)


def fit_kernel_ridge_head(
    x: Tensor, audio_embeddings: Tensor, l2: float, gamma_scale: float = RBF_GAMMA_SCALE
) -> KernelRidgeHead:
    """Fit a head whose reference programs are all rows of x [n, d], or evenly spaced ones.

    Parameters
    ----------
    x : Tensor, float [n, d]
    audio_embeddings : Tensor, float64 [n, audio_dim]
        Centred.
    l2 : float
    gamma_scale : float
        Sharpness of the kernel times the mean squared distance of the rows from their mean.

    Notes
    -----
    With some of the rows, it is the Nyström approximation (Williams & Seeger, "Using the Nyström
    Method to Speed Up Kernel Machines", NIPS 2000) in its form as a subset of regressors (Smola &
    Schölkopf, ICML 2000): time grows with n m^2 and memory with m^2 for m reference programs. The
    kernel [n, m] itself is never in memory, only `BLOCK_ROWS` of its rows at once.
    """
    n, d = x.shape
    reference_rows = torch.linspace(0, n - 1, min(n, MAX_REFERENCE_PROGRAMS)).round().long()
    reference_rows = reference_rows.to(x.device)
    reference_count = len(reference_rows)
    head = KernelRidgeHead(reference_count, d, audio_embeddings.shape[1]).to(x.device)
    head.rows.copy_(x[reference_rows])
    head.squares.copy_(head.rows.square().sum(dim=1))
    head.sharpness.fill_(gamma_scale / float(x.var(dim=0, correction=0).sum().clamp_min(1e-12)))
    kernel = head.compute_gaussian_kernel(head.rows).double()  # [m, m]
    if reference_count == n:
        kernel.diagonal().add_(l2)
        head.weight.copy_(torch.linalg.solve(kernel, audio_embeddings))
        return head
    system, target = kernel.mul_(l2), torch.zeros_like(head.weight, dtype=torch.float64)
    for rows, audio_rows in zip(x.split(BLOCK_ROWS), audio_embeddings.split(BLOCK_ROWS)):
        block_kernel = head.compute_gaussian_kernel(rows).double()  # [b, m]
        _add_gram_matrix_to_upper_triangle(system, block_kernel)
        target.addmm_(block_kernel.T, audio_rows)
    _copy_upper_triangle_to_lower(system)
    system.diagonal().add_(KERNEL_JITTER)
    head.weight.copy_(torch.linalg.solve(system, target))
    return head


def _add_gram_matrix_to_upper_triangle(system: Tensor, kernel: Tensor) -> None:
    """Add kernel.T @ kernel to the upper triangle of system [m, m], for kernel [b, m].

    The matrix is symmetric, so this takes little more than half the time of the whole product.
    """
    for start in range(0, len(system), GRAM_BLOCK_COLUMNS):
        stop = start + GRAM_BLOCK_COLUMNS
        system[:stop, start:stop].addmm_(kernel[:, :stop].T, kernel[:, start:stop])


def _copy_upper_triangle_to_lower(system: Tensor) -> None:
    for start in range(0, len(system), GRAM_BLOCK_COLUMNS):
        stop = start + GRAM_BLOCK_COLUMNS
        system[stop:, start:stop] = system[start:stop, stop:].T


def _make_identity_matrix(size: int, reference: Tensor) -> Tensor:
    return torch.eye(size, dtype=reference.dtype, device=reference.device)
