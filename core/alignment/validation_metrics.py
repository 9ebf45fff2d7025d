"""Metrics of validation pairs, which are measured after every epoch of a training."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from core.alignment.losses import compute_alignment_loss
from core.alignment.projection_heads import ProjectionHeads
from core.alignment.training_pair_types_and_batches import (
    assign_same_label_to_equal_rows,
    split_rows_into_batches,
)

SIMILARITY_BLOCK_ROWS = 4096
VALIDATION_METRICS = ("validation_loss", "cka", "cka_raw", "recall_at_1")


@dataclass(frozen=True, eq=False)
class _CentredRows:
    """Rows for CKA: float64 [m, d] without their mean, and the norm of their cross products."""

    rows: Tensor
    norm: Tensor

    @classmethod
    def subtract_column_means(cls, x: Tensor) -> _CentredRows:
        rows = x.double() - x.double().mean(dim=0)
        return cls(rows, (rows.T @ rows).norm())


@dataclass(frozen=True, eq=False)
class ValidationData:
    """Validation pairs, with what no epoch changes: equal programs, and centred raw audio."""

    code: Tensor
    audio: Tensor
    source_ids: Tensor | None
    centred_audio: _CentredRows | None

    @classmethod
    def from_pairs(cls, code: Tensor, audio: Tensor) -> ValidationData:
        """Compute what no epoch changes."""
        if len(code) < 2:
            return cls(code, audio, None, None)
        source_ids = assign_same_label_to_equal_rows(code)
        return cls(code, audio, source_ids, _CentredRows.subtract_column_means(audio))


def compute_validation_metrics(
    heads: ProjectionHeads, code: Tensor, audio: Tensor
) -> dict[str, float]:
    """Compute loss, CKA and recall of validation pairs.

    Parameters
    ----------
    heads : ProjectionHeads
    code, audio : Tensor, float [m, code_dim] and [m, audio_dim]

    Returns
    -------
    dict of str to float
        By `VALIDATION_METRICS`; all NaN if m < 2.
    """
    return measure_validation_pairs(heads, ValidationData.from_pairs(code, audio))


@torch.no_grad()
def measure_validation_pairs(heads: ProjectionHeads, data: ValidationData) -> dict[str, float]:
    """Compute the metrics as `compute_validation_metrics`, of pairs that are measured again."""
    if data.centred_audio is None:
        return dict.fromkeys(VALIDATION_METRICS, math.nan)
    heads.eval()
    code, audio = heads(data.code, data.audio)  # 2 x [m, dim]
    row_numbers = torch.arange(len(code), device=code.device)
    total_loss = 0.0
    # In batches of the size of training, because the loss grows with the number of negatives.
    for rows in split_rows_into_batches(row_numbers, heads.config.batch_size):
        batch_ids = None if data.source_ids is None else data.source_ids[rows]
        loss = compute_alignment_loss(heads, code[rows], audio[rows], data.audio[rows], batch_ids)
        total_loss += loss.item() * len(rows)
    # In blocks, because the similarities of all pairs grow with the square of their number.
    blocks = code.split(SIMILARITY_BLOCK_ROWS)
    is_match = torch.cat([(block @ audio.T).argmax(dim=1) for block in blocks]) == row_numbers
    centred_code = _CentredRows.subtract_column_means(code)
    return {
        "validation_loss": total_loss / len(code),
        "cka": _compute_cka(centred_code, _CentredRows.subtract_column_means(audio)),
        "cka_raw": _compute_cka(centred_code, data.centred_audio),
        "recall_at_1": float(is_match.float().mean()),
    }


def _compute_cka(x: _CentredRows, y: _CentredRows) -> float:
    """Compute linear CKA on the device; `core.evaluation.metrics.cka` defines it."""
    return float((x.rows.T @ y.rows).square().sum() / (x.norm * y.norm))
