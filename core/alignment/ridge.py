"""Projection heads without training: one matrix, solved for, that foretells a clip's embedding."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from core.alignment.heads import ProjectionHeads


@torch.no_grad()
def solve(heads: ProjectionHeads, code: Tensor, audio: Tensor) -> None:
    """Set the heads to what foretells the clips of these pairs best.

    Parameters
    ----------
    heads : ProjectionHeads
        Of a config whose objective is "ridge".
    code, audio : Tensor, float [n, code_dim] and [n, audio_dim]
        Row i of both is one pair.

    Notes
    -----
    Ridge regression (Hoerl & Kennard, Technometrics 1970) of the clips' embeddings, scaled to
    length 1 and centred, on the codes' columns, standardised: the squared error of unit vectors
    is 2 minus twice their cosine, and what has the least expected one is their mean, so the
    clips whose cosine to it is highest are those that are likely to sound nearest. With fewer
    pairs than columns it is solved by the kernel of the rows, which gives the same.
    """
    heads.code_input.fit(code)
    heard = F.normalize(audio.double(), dim=1)  # [n, audio_dim]
    heads.audio_input.mean.copy_(heard.mean(dim=0))
    heard = heard - heard.mean(dim=0)
    x = heads.code_input(code).double()  # [n, d]; its columns are centred
    n, d = x.shape
    if n < d:
        inner = x @ x.T + heads.config.penalty * torch.eye(n, dtype=x.dtype, device=x.device)
        weights = x.T @ torch.linalg.solve(inner, heard)  # [d, audio_dim]
    else:
        inner = x.T @ x + heads.config.penalty * torch.eye(d, dtype=x.dtype, device=x.device)
        weights = torch.linalg.solve(inner, x.T @ heard)
    heads.code_head.weight.copy_(weights.T)
    heads.code_head.bias.zero_()
