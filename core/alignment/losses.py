"""Losses of the alignment: InfoNCE and its variants, distance preservation and CKA."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from core.alignment.config import CLOSED_FORM_OBJECTIVES

if TYPE_CHECKING:
    from core.alignment.projection_heads import ProjectionHeads

MIN_DISTANCE_ROWS = 3
"""Rows below which there are no distances to preserve: one distance has no proportions."""
SAME_SOURCE_LOGIT = -1e4
"""Far below any cosine, yet finite, because 0 times it must be 0 for a soft target."""


@dataclass(frozen=True, eq=False)
class SoftTargets:
    """Targets that follow the similarity of the clips.

    Attributes
    ----------
    audio_embeddings : Tensor, float [n, audio_dim]
        Raw audio embeddings of the clips, before any head, so that training cannot distort the
        targets.
    weight : float
        Share of the target that follows ``softmax(cosine / temperature)`` of the audio
        embeddings; the rest is the program's own clip. 0 is InfoNCE.
    temperature : float
        Above 0, in standard deviations of the cosines between different clips. It then means the
        same for an encoder whose cosines all exceed 0.9 and one whose cosines lie in 0 to 1.
    """

    audio_embeddings: Tensor
    weight: float = 0.9
    temperature: float = 1.0


def infonce_loss(
    code: Tensor,
    audio: Tensor,
    temperature: Tensor | float,
    source_ids: Tensor | None = None,
    hard_negatives: Tensor | None = None,
) -> Tensor:
    """Compute the symmetric InfoNCE loss: classify each program's clip, and the reverse.

    Parameters
    ----------
    code, audio : Tensor, float [n, dim]
        Unit vectors; row i of both is one pair.
    temperature : Tensor or float
        Above 0.
    source_ids : Tensor, int [n], optional
        Pairs with the same number have the same source. They are not each other's negatives, but
        are excluded from each other's sum.
    hard_negatives : Tensor, float [m, dim], optional
        Unit vectors of programs without a clip in the batch, such as slightly changed ones. Clips
        are also contrasted with these.

    Returns
    -------
    Tensor
        Mean of the two cross entropies, in nats. Chance is log(n) without `hard_negatives`.

    Notes
    -----
    Van den Oord, Li & Vinyals, "Representation Learning with Contrastive Predictive Coding",
    2018; symmetric as in Radford et al., "Learning Transferable Visual Models From Natural
    Language Supervision", ICML 2021.
    """
    logits = _compute_similarity_logits(code, audio, temperature, source_ids)  # [n, n]
    labels = torch.arange(len(code), device=code.device)  # [n]
    audio_logits = _append_hard_negative_logits(logits.T, audio, hard_negatives, temperature)
    return (
        functional.cross_entropy(logits, labels) + functional.cross_entropy(audio_logits, labels)
    ) / 2


def soft_infonce_loss(
    code: Tensor,
    audio: Tensor,
    temperature: Tensor | float,
    soft_targets: SoftTargets,
    source_ids: Tensor | None = None,
    hard_negatives: Tensor | None = None,
) -> Tensor:
    """Compute InfoNCE with targets softened by the similarity of the clips.

    Parameters
    ----------
    code, audio : Tensor, float [n, dim]
        Unit vectors; row i of both is one pair.
    temperature : Tensor or float
        Above 0.
    soft_targets : SoftTargets
    source_ids, hard_negatives : Tensor, optional
        As of `infonce_loss`.

    Returns
    -------
    Tensor
        Mean of the two cross entropies, in nats. Its minimum is the entropy of the target, not 0.

    Notes
    -----
    Targets softened by the self-similarity of a modality: Gao et al., "SoftCLIP: Softer
    Cross-modal Alignment Makes CLIP Stronger", AAAI 2024. Here audio alone guides both
    directions because it is the sound that is predicted, negatives are not disentangled, and the
    temperature is relative.
    """
    logits = _compute_similarity_logits(code, audio, temperature, source_ids)  # [n, n]
    similarities = compute_pairwise_cosine_similarities(soft_targets.audio_embeddings)  # [n, n]
    similarities = similarities / (
        soft_targets.temperature * _compute_offdiagonal_std(similarities)
    )
    if source_ids is not None:
        similarities = similarities.masked_fill(_mask_same_source_pairs(source_ids), -torch.inf)
    identity = torch.eye(len(code), device=code.device)  # [n, n]
    weight = soft_targets.weight
    target = (1 - weight) * identity + weight * similarities.softmax(dim=1)  # rows sum to 1
    # The audio similarities are symmetric, so both directions have the same target.
    audio_logits = _append_hard_negative_logits(logits.T, audio, hard_negatives, temperature)
    audio_target = functional.pad(target, (0, audio_logits.shape[1] - len(code)))  # [n, n + m]
    return (
        functional.cross_entropy(logits, target)
        + functional.cross_entropy(audio_logits, audio_target)
    ) / 2


def distance_preservation_loss(projections: Tensor, audio_embeddings: Tensor) -> Tensor:
    """Compare the pairwise distances of projected rows with those of their clips.

    Parameters
    ----------
    projections : Tensor, float [n, dim]
        Unit vectors.
    audio_embeddings : Tensor, float [n, audio_dim]
        Raw audio embeddings of the same programs, before any head.

    Returns
    -------
    Tensor
        Mean Huber loss over the n(n-1)/2 cosine distances, each set divided by its mean; 0 for
        fewer than 3 rows, which have no proportions to preserve.

    Notes
    -----
    The distance-wise loss of Park, Kim, Lu & Cho, "Relational Knowledge Distillation", CVPR
    2019, with cosine in place of Euclidean distance because neighbours are found by cosine.
    """
    n = len(projections)
    if n < MIN_DISTANCE_ROWS:
        return projections.sum() * 0.0
    rows, columns = torch.triu_indices(n, n, offset=1, device=projections.device)
    projected = 1 - (projections @ projections.T)[rows, columns]  # [n(n-1)/2]
    raw = 1 - compute_pairwise_cosine_similarities(audio_embeddings)[rows, columns]  # [n(n-1)/2]
    # If all rows are equal, the mean is 0: the floor gives distances of 0 instead of NaN.
    floor = torch.finfo(projected.dtype).eps
    return functional.huber_loss(
        projected / projected.mean().clamp_min(floor), raw / raw.mean().clamp_min(floor)
    )


def weighted_infonce_loss(
    code: Tensor,
    audio: Tensor,
    temperature: Tensor | float,
    audio_embeddings: Tensor,
    source_ids: Tensor | None = None,
) -> Tensor:
    """Compute InfoNCE with every clip as a positive, weighted by its similarity.

    Parameters
    ----------
    code, audio, temperature, source_ids
        As of `infonce_loss`.
    audio_embeddings : Tensor, float [n, audio_dim]
        Raw audio embeddings of the same programs, before any head.

    Returns
    -------
    Tensor
        Mean of the two cross entropies, in nats.

    Notes
    -----
    CWCL: Srinivasa et al., "CWCL: Cross-Modal Transfer with Continuously Weighted Contrastive
    Loss", NeurIPS 2023. Weights are (1 + cosine) / 2 of the audio, normalized to sum to 1. Here
    they guide both directions, and the embeddings are centred because all cosines of some
    encoders are close to 1.
    """
    logits = _compute_similarity_logits(code, audio, temperature, source_ids)  # [n, n]
    centred = audio_embeddings - audio_embeddings.mean(dim=0)
    weights = (1 + compute_pairwise_cosine_similarities(centred)) / 2  # [n, n]
    if source_ids is not None:
        weights = weights.masked_fill(_mask_same_source_pairs(source_ids), 0.0)
    code_target = weights / weights.sum(dim=1, keepdim=True)
    audio_target = weights / weights.sum(dim=0, keepdim=True)
    return (
        functional.cross_entropy(logits, code_target)
        + functional.cross_entropy(logits.T, audio_target.T)
    ) / 2


def cka_loss(projections: Tensor, audio_embeddings: Tensor) -> Tensor:
    """Compute 1 minus the linear CKA of projected rows and their clips.

    Parameters
    ----------
    projections : Tensor, float [n, dim]
        Unit vectors.
    audio_embeddings : Tensor, float [n, audio_dim]
        Raw audio embeddings of the same programs, before any head.

    Returns
    -------
    Tensor
        In [0, 1]; 0 for fewer than 3 rows.

    Notes
    -----
    Cristianini, Shawe-Taylor, Elisseeff & Kandola, "On kernel-target alignment", NIPS 2001,
    centred as in Cortes, Mohri & Rostamizadeh, JMLR 2012.
    """
    if len(projections) < MIN_DISTANCE_ROWS:
        return projections.sum() * 0.0
    x, y = (z.float() - z.float().mean(dim=0) for z in (projections, audio_embeddings))
    x, y = (z / z.norm().clamp_min(1e-6) for z in (x, y))  # so that no square overflows
    within = (x.T @ x).norm() * (y.T @ y).norm()
    return 1 - (x.T @ y).square().sum() / within.clamp_min(1e-12)


def compute_pairwise_cosine_similarities(x: Tensor) -> Tensor:
    """Compute the cosine similarities of all pairs of rows of x [n, d]: float32 [n, n]."""
    x = functional.normalize(x.float(), dim=1)
    return x @ x.T


def _compute_offdiagonal_std(similarities: Tensor) -> Tensor:
    """Compute the standard deviation off the diagonal of [n, n], at least 1e-6."""
    is_offdiagonal = ~torch.eye(len(similarities), dtype=torch.bool, device=similarities.device)
    return similarities[is_offdiagonal].std(correction=0).clamp_min(1e-6)


def _compute_similarity_logits(
    code: Tensor, audio: Tensor, temperature: Tensor | float, source_ids: Tensor | None
) -> Tensor:
    logits = code @ audio.T / temperature  # [n, n]: cosines, because both are unit vectors
    if source_ids is not None:
        logits = logits.masked_fill(_mask_same_source_pairs(source_ids), SAME_SOURCE_LOGIT)
    return logits


def _append_hard_negative_logits(
    logits: Tensor, audio: Tensor, hard_negatives: Tensor | None, temperature: Tensor | float
) -> Tensor:
    """Append the logits of hard negatives [n, m] to those from clips to programs [n, n]."""
    if hard_negatives is None:
        return logits
    return torch.cat([logits, audio @ hard_negatives.T / temperature], dim=1)


def _mask_same_source_pairs(source_ids: Tensor) -> Tensor:
    """Mask the different pairs with the same source: bool [n, n]."""
    is_same = source_ids[:, None] == source_ids[None, :]
    return is_same.fill_diagonal_(False)


def compute_alignment_loss(
    heads: ProjectionHeads,
    code: Tensor,
    audio: Tensor,
    audio_embeddings: Tensor,
    source_ids: Tensor | None,
    hard_negatives: Tensor | None = None,
) -> Tensor:
    """Compute the loss of the config's objective.

    Parameters
    ----------
    heads : ProjectionHeads
        Their config and temperature are used.
    code, audio : Tensor, float [n, dim]
        Projected pairs.
    audio_embeddings : Tensor, float [n, audio_dim]
        Raw audio embeddings, which define the similarity of the clips.
    source_ids, hard_negatives : Tensor, optional
        As of `infonce_loss`.

    Returns
    -------
    Tensor
        A scalar.
    """
    config, temperature = heads.config, heads.temperature
    if config.objective == "soft_infonce":
        soft_targets = SoftTargets(
            audio_embeddings, config.soft_target_weight, config.soft_target_temperature
        )
        loss = soft_infonce_loss(code, audio, temperature, soft_targets, source_ids, hard_negatives)
    elif config.objective in CLOSED_FORM_OBJECTIVES:
        loss = 1 - (code * audio).sum(dim=1).mean()
    elif config.objective == "weighted_infonce":
        loss = weighted_infonce_loss(code, audio, temperature, audio_embeddings, source_ids)
    else:
        loss = infonce_loss(code, audio, temperature, source_ids, hard_negatives)
    if config.cka_weight:
        penalty = cka_loss(code, audio_embeddings) + cka_loss(audio, audio_embeddings)
        loss = loss + config.cka_weight * penalty / 2
    if config.distance_weight:
        penalty = distance_preservation_loss(code, audio_embeddings)
        penalty = penalty + distance_preservation_loss(audio, audio_embeddings)
        loss = loss + config.distance_weight * penalty / 2
    return loss
