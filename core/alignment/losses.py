"""What training minimises. Every loss takes unit vectors and returns a scalar."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def infonce_loss(
    code: Tensor,
    audio: Tensor,
    temperature: Tensor | float,
    source_ids: Tensor | None = None,
    hard_negatives: Tensor | None = None,
) -> Tensor:
    """InfoNCE in both directions: of all clips find the program's own, and the reverse.

    Parameters
    ----------
    code, audio : Tensor, float [n, dim]
        Unit vectors; row i of both is one pair.
    temperature : Tensor or float
        Above 0.
    source_ids : Tensor, int [n], optional
        Pairs with an equal number have the same source. They aren't each other's
        negatives: neither right nor wrong, they are left out of each other's sum.
    hard_negatives : Tensor, float [m, dim], optional
        Unit vectors of programs that have no clip here, such as these ones changed a
        little: hard negatives, from which a clip has to tell its program as well.

    Returns
    -------
    Tensor
        Mean of the two cross entropies, in nats. Chance is log(n) without `hard_negatives`.

    Notes
    -----
    Van den Oord, Li & Vinyals, "Representation Learning with Contrastive Predictive
    Coding", 2018; symmetric as in Radford et al., "Learning Transferable Visual Models
    From Natural Language Supervision", ICML 2021.
    """
    logits = _compute_logits(code, audio, temperature, source_ids)  # [n, n]
    own = torch.arange(len(code), device=code.device)  # [n]
    backward = _append_hard_negatives(logits.T, audio, hard_negatives, temperature)  # [n, n + m]
    return (F.cross_entropy(logits, own) + F.cross_entropy(backward, own)) / 2


def soft_infonce_loss(
    code: Tensor,
    audio: Tensor,
    temperature: Tensor | float,
    audio_embeddings: Tensor,
    soft_target_weight: float = 0.9,
    soft_target_temperature: float = 1.0,
    source_ids: Tensor | None = None,
    hard_negatives: Tensor | None = None,
) -> Tensor:
    """InfoNCE whose targets are softened by how alike the clips sound.

    Parameters
    ----------
    code, audio : Tensor, float [n, dim]
        Unit vectors; row i of both is one pair.
    temperature : Tensor or float
        Above 0.
    audio_embeddings : Tensor, float [n, audio_dim]
        The clips' audio embeddings as they are before any head, so that the target
        can't be bent by what is being trained.
    soft_target_weight : float
        Share of the target that follows ``softmax(cosine(heard) / soft_temperature)``;
        the rest is the program's own clip. 0 is `info_nce`.
    soft_target_temperature : float
        Above 0, in standard deviations of the cosines between different clips: one
        encoder's lie all above 0.9, another's between 0 and 1, and it means the same
        for both.
    source_ids, hard_negatives : Tensor, optional
        As of `info_nce`.

    Returns
    -------
    Tensor
        Mean of the two cross entropies, in nats. Its least value is the entropy of the
        target, not 0.

    Notes
    -----
    Softened targets from the self-similarity of a modality: Gao et al., "SoftCLIP:
    Softer Cross-modal Alignment Makes CLIP Stronger", AAAI 2024. Here audio alone
    guides both directions, for it is sound that has to be foretold, the negatives aren't
    disentangled, and the temperature is relative.
    """
    logits = _compute_logits(code, audio, temperature, source_ids)  # [n, n]
    alike = compute_cosine_similarities(audio_embeddings)  # [n, n]
    alike = alike / (soft_target_temperature * _compute_offdiagonal_std(alike))
    if source_ids is not None:
        alike = alike.masked_fill(_mask_same_source(source_ids), -torch.inf)
    own = torch.eye(len(code), device=code.device)  # [n, n]
    target = (1 - soft_target_weight) * own + soft_target_weight * alike.softmax(dim=1)  # [n, n], rows sum to 1
    # The audio similarities are symmetric, so both directions have the same target.
    backward = _append_hard_negatives(logits.T, audio, hard_negatives, temperature)  # [n, n + m]
    wanted = F.pad(target, (0, backward.shape[1] - len(code)))
    return (F.cross_entropy(logits, target) + F.cross_entropy(backward, wanted)) / 2


def distance_preservation_loss(projections: Tensor, audio_embeddings: Tensor) -> Tensor:
    """How far pairwise distances among projected rows are from those among their clips.

    Parameters
    ----------
    projections : Tensor, float [n, dim]
        Unit vectors.
    audio_embeddings : Tensor, float [n, audio_dim]
        The audio embeddings of the same programs, before any head.

    Returns
    -------
    Tensor
        Mean Huber loss over the n(n-1)/2 cosine distances, each set divided by its
        mean; 0 for fewer than 3 rows, among which there is nothing to preserve.

    Notes
    -----
    The distance-wise loss of Park, Kim, Lu & Cho, "Relational Knowledge Distillation",
    CVPR 2019, with cosine in place of Euclidean distance because neighbours are found
    by cosine.
    """
    n = len(projections)
    if n < 3:
        return projections.sum() * 0.0
    rows, columns = torch.triu_indices(n, n, offset=1, device=projections.device)
    ours = 1 - (projections @ projections.T)[rows, columns]  # [n(n-1)/2]
    theirs = 1 - compute_cosine_similarities(audio_embeddings)[rows, columns]  # [n(n-1)/2]
    floor = torch.finfo(ours.dtype).eps  # all rows equal: distances of 0, not of nan
    return F.huber_loss(
        ours / ours.mean().clamp_min(floor), theirs / theirs.mean().clamp_min(floor)
    )


def weighted_infonce_loss(
    code: Tensor,
    audio: Tensor,
    temperature: Tensor | float,
    audio_embeddings: Tensor,
    source_ids: Tensor | None = None,
) -> Tensor:
    """InfoNCE in which every clip is right as far as it sounds like the program's own.

    Parameters
    ----------
    code, audio, temperature, source_ids
        As of `info_nce`.
    audio_embeddings : Tensor, float [n, audio_dim]
        The audio embeddings of the same programs, before any head.

    Notes
    -----
    CWCL: Srinivasa et al., "CWCL: Cross-Modal Transfer with Continuously Weighted
    Contrastive Loss", NeurIPS 2023. Weights are (1 + cosine) / 2 of the audio, made to
    sum to 1; here they guide both directions, and cosines are of centred embeddings,
    since all those of some encoders lie close to 1.
    """
    logits = _compute_logits(code, audio, temperature, source_ids)  # [n, n]
    weights = (1 + compute_cosine_similarities(audio_embeddings - audio_embeddings.mean(dim=0))) / 2  # [n, n]
    if source_ids is not None:
        weights = weights.masked_fill(_mask_same_source(source_ids), 0.0)
    target = weights / weights.sum(dim=1, keepdim=True)
    backward = weights / weights.sum(dim=0, keepdim=True)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, backward.T)) / 2


def cka_loss(projections: Tensor, audio_embeddings: Tensor) -> Tensor:
    """How far the similarities among projected rows are from those among their clips.

    Parameters
    ----------
    projections : Tensor, float [n, dim]
        Unit vectors.
    audio_embeddings : Tensor, float [n, audio_dim]
        The audio embeddings of the same programs, before any head.

    Returns
    -------
    Tensor
        1 minus their linear CKA, in [0, 1]; 0 for fewer than 3 rows.

    Notes
    -----
    Cristianini, Shawe-Taylor, Elisseeff & Kandola, "On kernel-target alignment", NIPS
    2001, centred as in Cortes, Mohri & Rostamizadeh, JMLR 2012.
    """
    if len(projections) < 3:
        return projections.sum() * 0.0
    x, y = (z.float() - z.float().mean(dim=0) for z in (projections, audio_embeddings))
    x, y = (z / z.norm().clamp_min(1e-6) for z in (x, y))  # so that no square is out of range
    within = (x.T @ x).norm() * (y.T @ y).norm()
    return 1 - (x.T @ y).square().sum() / within.clamp_min(1e-12)


def _compute_offdiagonal_std(similarities: Tensor) -> Tensor:
    """Standard deviation of what is off the diagonal of [n, n]; above 0 even if all is equal."""
    different = ~torch.eye(len(similarities), dtype=torch.bool, device=similarities.device)
    return similarities[different].std(correction=0).clamp_min(1e-6)


def compute_cosine_similarities(x: Tensor) -> Tensor:
    """Cosine similarity of every two rows of x [n, d]: [n, n]."""
    x = F.normalize(x.float(), dim=1)
    return x @ x.T


def _compute_logits(
    code: Tensor, audio: Tensor, temperature: Tensor | float, source_ids: Tensor | None
) -> Tensor:
    logits = code @ audio.T / temperature  # [n, n]: cosines, as both are unit vectors
    if source_ids is not None:
        # Far below any cosine, yet finite: 0 times it stays 0 where a target is soft.
        logits = logits.masked_fill(_mask_same_source(source_ids), -1e4)
    return logits


def _append_hard_negatives(
    logits: Tensor, audio: Tensor, hard_negatives: Tensor | None, temperature: Tensor | float
) -> Tensor:
    """From clips to programs [n, n], and beside them to hard negatives [n, m]."""
    if hard_negatives is None:
        return logits
    return torch.cat([logits, audio @ hard_negatives.T / temperature], dim=1)


def _mask_same_source(source_ids: Tensor) -> Tensor:
    """Where row and column are different pairs with the same source: bool [n, n]."""
    twins = source_ids[:, None] == source_ids[None, :]
    return twins.fill_diagonal_(False)
