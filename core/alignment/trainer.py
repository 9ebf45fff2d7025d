"""Training of projection heads: objective, optimiser, early stopping and history."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR

from core.alignment.config import CLOSED_FORM_OBJECTIVES, JOINT_OBJECTIVES, AlignmentConfig
from core.alignment.joint_kernel_ridge import fit_joint_projection_heads
from core.alignment.kernel_ridge import fit_projection_heads_by_ridge
from core.alignment.losses import compute_alignment_loss
from core.alignment.projection_heads import KernelSizes, ProjectionHeads
from core.alignment.training_device_and_precision import choose_device, should_use_bf16
from core.alignment.training_pair_types_and_batches import (
    TrainingPairs,
    ValidationPairs,
    assign_same_label_to_equal_rows,
    split_rows_into_batches,
    validate_embedding_pairs,
)
from core.alignment.validation_metrics import (
    ValidationData,
    compute_validation_metrics,
    measure_validation_pairs,
)
from core.errors import EarshotError

STOPPED_AFTER_ALL_EPOCHS = "epochs"
STOPPED_EARLY = "patience"
STOPPED_BY_CALLBACK = "cancelled"

EpochCallback = Callable[[dict[str, float]], bool | None]


@dataclass(frozen=True)
class TrainingResult:
    """Result of `train`.

    Attributes
    ----------
    heads : ProjectionHeads
        With the weights of the best epoch, on the CPU, in evaluation mode.
    history : DataFrame
        One row per epoch: epoch (from 1), loss, validation_loss, cka (aligned code and aligned
        audio), cka_raw (aligned code and raw audio), recall_at_1 (code to audio), temperature,
        learning_rate. All but loss, temperature and learning_rate are measured on the validation
        pairs, and NaN without any.
    best_epoch : int
        The epoch with the lowest validation loss; the last one without validation pairs.
    stop_reason : {"epochs", "patience", "cancelled"}
        Why training ended.
    """

    heads: ProjectionHeads
    history: pd.DataFrame
    best_epoch: int
    stop_reason: str


def train(
    training_pairs: TrainingPairs,
    validation_pairs: ValidationPairs,
    config: AlignmentConfig,
    on_epoch: EpochCallback | None = None,
) -> TrainingResult:
    """Train a pair of projection heads.

    Parameters
    ----------
    training_pairs : TrainingPairs
    validation_pairs : ValidationPairs
    config : AlignmentConfig
    on_epoch : callable, optional
        Called after every epoch with its row of the history; training ends if it returns True.

    Returns
    -------
    TrainingResult
        The same for the same input, seed, machine and number of threads.

    Raises
    ------
    EarshotError
        If the tensors are not pairs of finite embeddings, or training diverges.

    Examples
    --------
    >>> generator = torch.Generator().manual_seed(0)
    >>> code = torch.randn(40, 6, generator=generator)
    >>> audio = code @ torch.randn(6, 5, generator=generator)
    >>> config = AlignmentConfig.from_preset("kernel_ridge")
    >>> result = train(
    ...     TrainingPairs(code[:30], audio[:30]), ValidationPairs(code[30:], audio[30:]), config
    ... )
    >>> result.heads.project_code_embeddings(code).shape
    torch.Size([40, 5])
    """
    validate_embedding_pairs(training_pairs, validation_pairs)
    device = choose_device(config.device)
    code = training_pairs.code.float().to(device)
    audio = training_pairs.audio.float().to(device)
    validation_pairs = ValidationPairs(
        validation_pairs.code.float().to(device), validation_pairs.audio.float().to(device)
    )
    # Initial weights and dropout use torch's global generator. It is seeded in a fork, so that the
    # caller's own random numbers are not affected.
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(config.seed)
        kernel_sizes = KernelSizes(simulation_dim=training_pairs.simulation_dim)
        heads = ProjectionHeads(code.shape[1], audio.shape[1], config, kernel_sizes).to(device)
        if config.objective in CLOSED_FORM_OBJECTIVES:
            if config.objective in JOINT_OBJECTIVES:
                fit_joint_projection_heads(heads, code, audio, training_pairs.groups)
            else:
                fit_projection_heads_by_ridge(heads, code, audio)
            return _report_closed_form_as_one_epoch(heads, code, audio, validation_pairs, on_epoch)
        heads.code_input.fit_mean_and_scale(code, config.standardise)
        heads.audio_input.fit_mean_and_scale(audio, config.standardise)
        code_versions = code[None]
        if training_pairs.augmented_code is not None:
            augmented_code = training_pairs.augmented_code.float().to(device)
            code_versions = torch.cat([code_versions, augmented_code])  # [1 + v, n, code_dim]
        hard_negatives = training_pairs.hard_negatives
        if hard_negatives is not None:
            hard_negatives = hard_negatives.float().to(device)
        training_data = _TrainingData(code_versions, audio, hard_negatives)
        return _run_training_epochs(heads, training_data, validation_pairs, on_epoch)


@dataclass(frozen=True, eq=False)
class _TrainingData:
    """Training tensors on the device: float [1 + v, n, code_dim], [n, audio_dim], [n, code_dim]."""

    code_versions: Tensor
    audio: Tensor
    hard_negatives: Tensor | None

    def sample_code_embedding_versions(self, rows: Tensor) -> Tensor:
        """Draw one version of each of these programs: [b, code_dim]."""
        if len(self.code_versions) == 1:
            return self.code_versions[0][rows]
        versions = torch.randint(len(self.code_versions), (len(rows),)).to(rows.device)
        return self.code_versions[versions, rows]


def _report_closed_form_as_one_epoch(
    heads: ProjectionHeads,
    code: Tensor,
    audio: Tensor,
    validation_pairs: ValidationPairs,
    on_epoch: EpochCallback | None,
) -> TrainingResult:
    heads.eval()
    projected_code, projected_audio = heads(code, audio)
    loss = compute_alignment_loss(heads, projected_code, projected_audio, audio, None).item()
    row: dict[str, float] = {"epoch": 1, "loss": loss}
    row |= compute_validation_metrics(heads, validation_pairs.code, validation_pairs.audio)
    row |= {"temperature": heads.temperature.item(), "learning_rate": 0.0}
    is_cancelled = on_epoch is not None and on_epoch(row) is True
    stop_reason = STOPPED_BY_CALLBACK if is_cancelled else STOPPED_AFTER_ALL_EPOCHS
    return TrainingResult(heads.cpu().eval(), pd.DataFrame([row]), 1, stop_reason)


def _run_training_epochs(
    heads: ProjectionHeads,
    training_data: _TrainingData,
    validation_pairs: ValidationPairs,
    on_epoch: EpochCallback | None,
) -> TrainingResult:
    config, n = heads.config, len(training_data.audio)
    source_ids = assign_same_label_to_equal_rows(training_data.code_versions[0])  # [n] or None
    step_count = config.epochs * len(split_rows_into_batches(torch.arange(n), config.batch_size))
    optimiser, schedule = _make_optimiser_and_schedule(heads, step_count)
    shuffle = torch.Generator().manual_seed(config.seed)
    validation_data = ValidationData.from_pairs(validation_pairs.code, validation_pairs.audio)
    history, stop_reason = [], STOPPED_AFTER_ALL_EPOCHS
    best_loss, best_epoch = math.inf, 0
    best_weights: dict[str, Tensor] = {}
    for epoch in range(1, config.epochs + 1):
        learning_rate = float(schedule.get_last_lr()[0])
        pair_order = torch.randperm(n, generator=shuffle)
        loss = _train_epoch(heads, training_data, source_ids, pair_order, optimiser, schedule)
        if not math.isfinite(loss):
            raise EarshotError(
                f"Training diverged: the loss of epoch {epoch} is {loss}.",
                remedy="Lower the learning rate or raise the temperature.",
            )
        row: dict[str, float] = {"epoch": epoch, "loss": loss}
        row |= measure_validation_pairs(heads, validation_data)
        row |= {"temperature": heads.temperature.item(), "learning_rate": learning_rate}
        history.append(row)
        # Without validation pairs the loss is NaN, which makes every epoch the best so far.
        if not row["validation_loss"] >= best_loss:
            best_loss, best_epoch = row["validation_loss"], epoch
            best_weights = copy.deepcopy(heads.state_dict())
        if on_epoch is not None and on_epoch(row) is True:
            stop_reason = STOPPED_BY_CALLBACK
            break
        if config.patience and epoch - best_epoch >= config.patience:
            stop_reason = STOPPED_EARLY
            break
    heads.load_state_dict(best_weights)
    return TrainingResult(heads.cpu().eval(), pd.DataFrame(history), best_epoch, stop_reason)


def _train_epoch(
    heads: ProjectionHeads,
    training_data: _TrainingData,
    source_ids: Tensor | None,
    pair_order: Tensor,
    optimiser: torch.optim.Optimizer,
    schedule: LambdaLR,
) -> float:
    """Train once on the pairs in `pair_order`; return the mean loss per pair."""
    config, device = heads.config, training_data.audio.device
    use_bf16 = should_use_bf16(config.precision, device)
    total_loss = 0.0
    heads.train()
    for rows in split_rows_into_batches(pair_order.to(device), config.batch_size):
        # Only the heads compute in bf16: the losses need the last digits of the cosines.
        with torch.autocast(device.type, torch.bfloat16) if use_bf16 else nullcontext():
            code_batch = training_data.sample_code_embedding_versions(rows)  # [b, code_dim]
            if training_data.hard_negatives is not None:
                # In one batch with the programs: in a batch of their own, BatchNorm would remove
                # what all changes have in common.
                code_batch = torch.cat([code_batch, training_data.hard_negatives[rows]])  # [2b, …]
            code, *hard_negatives = heads.project_code_embeddings(code_batch).split(
                len(rows)
            )  # [b, dim] each
            audio = heads.project_audio_embeddings(training_data.audio[rows])  # [b, dim]
        batch_ids = None if source_ids is None else source_ids[rows]
        raw_audio = training_data.audio[rows]
        loss = compute_alignment_loss(heads, code, audio, raw_audio, batch_ids, *hard_negatives)
        optimiser.zero_grad()
        loss.backward()
        if config.grad_clip:
            torch.nn.utils.clip_grad_norm_(heads.parameters(), config.grad_clip)
        optimiser.step()
        schedule.step()
        heads.clamp_temperature()
        total_loss += loss.item() * len(rows)
    return total_loss / len(pair_order)


def _make_optimiser_and_schedule(
    heads: ProjectionHeads, step_count: int
) -> tuple[torch.optim.AdamW, LambdaLR]:
    """Make AdamW, which decays matrices only, and its learning rate schedule."""
    config = heads.config
    parameters = [p for p in heads.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": config.weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, lr=config.learning_rate, fused=True)
    warmup_steps = round(config.warmup_fraction * step_count)

    def compute_learning_rate_factor(step: int) -> float:
        if step < warmup_steps:
            return (step + 1) / (warmup_steps + 1)
        if config.schedule == "constant":
            return 1.0
        decay_steps = max(1, step_count - warmup_steps)
        return (1 + math.cos(math.pi * (step - warmup_steps) / decay_steps)) / 2

    return optimiser, LambdaLR(optimiser, compute_learning_rate_factor)
