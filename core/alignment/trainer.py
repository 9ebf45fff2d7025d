"""The trainer: tensors in, trained projection heads and their history out."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor

from core.alignment.config import CLOSED_FORM_OBJECTIVES, AlignmentConfig
from core.alignment.device import choose_device, should_use_bf16
from core.alignment.heads import ProjectionHeads
from core.alignment.losses import (
    distance_preservation_loss,
    infonce_loss,
    cka_loss,
    soft_infonce_loss,
    weighted_infonce_loss,
)
from core.alignment.kernel_ridge import fit_ridge_heads
from core.errors import EarshotError

EpochCallback = Callable[[dict[str, float]], bool | None]


@dataclass(frozen=True)
class TrainingResult:
    """What `train` returns.

    Attributes
    ----------
    heads : ProjectionHeads
        With the weights of the best epoch, on the processor, in evaluation mode.
    history : DataFrame
        One row an epoch: epoch (from 1), loss, validation_loss, cka (aligned code and
        aligned audio), cka_raw (aligned code and raw audio), recall_at_1 (code to
        audio), temperature, learning_rate. All but loss, temperature and learning_rate
        are of the validation pairs, and nan without any.
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
    train_code: Tensor,
    train_audio: Tensor,
    validation_code: Tensor,
    validation_audio: Tensor,
    config: AlignmentConfig,
    on_epoch: EpochCallback | None = None,
    *,
    augmented_code: Tensor | None = None,
    hard_negatives: Tensor | None = None,
) -> TrainingResult:
    """Train a pair of projection heads.

    Parameters
    ----------
    train_code, train_audio : Tensor, float [n, code_dim] and [n, audio_dim]
        Embeddings of the training programs, row i of both one pair; n at least 2.
        Pairs whose code embeddings are equal have the same source as far as the heads
        can see, and aren't each other's negatives.
    validation_code, validation_audio : Tensor, float [m, code_dim] and [m, audio_dim]
        Of other programs, for early stopping. With fewer than 2 all epochs are run.
    config : AlignmentConfig
    on_epoch : callable, optional
        Called after every epoch with its row of the history; True ends the training.
    augmented_code : Tensor, float [v, n, code_dim], optional
        Embeddings of the same programs in v other ways of writing them: further positives.
        Each time a program comes up, one of its 1 + v ways is drawn.
    hard_negatives : Tensor, float [n, code_dim], optional
        Embeddings of the programs changed so that they sound otherwise: hard negatives of
        "infonce" and "soft_infonce". What is solved for heeds neither of these two.

    Returns
    -------
    Trained
        The same for the same input, seed, machine and number of threads.

    Raises
    ------
    EarshotError
        When the tensors aren't pairs of finite embeddings, or training diverges.
    """
    _check_pairs(train_code, train_audio, "training", min_pairs=2)
    _check_pairs(validation_code, validation_audio, "validation", min_pairs=0)
    for more in [hard_negatives] if augmented_code is None else [hard_negatives, *augmented_code]:
        if more is not None:
            _check_pairs(more, train_audio, "training", min_pairs=2)
    device = choose_device(config.device)
    code, audio = train_code.float().to(device), train_audio.float().to(device)
    watched = (validation_code.float().to(device), validation_audio.float().to(device))
    # Initial weights and dropout draw from torch's global generator: seeded in a fork,
    # so that the caller's own stream of random numbers goes on as if nothing happened.
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(config.seed)
        heads = ProjectionHeads(code.shape[1], audio.shape[1], config).to(device)
        if config.objective in CLOSED_FORM_OBJECTIVES:
            return _train_closed_form(heads, code, audio, watched, on_epoch)
        heads.code_input.fit(code, config.standardise)
        heads.audio_input.fit(audio, config.standardise)
        ways = code[None]
        if augmented_code is not None:
            ways = torch.cat([ways, augmented_code.float().to(device)])  # [1 + v, n, code_dim]
        given = _TrainingData(
            ways, audio, None if hard_negatives is None else hard_negatives.float().to(device)
        )
        return _run_epochs(heads, given, watched, on_epoch)


@dataclass(frozen=True)
class _TrainingData:
    """What is trained on: float [1 + v, n, code_dim], [n, audio_dim], [n, code_dim] or None."""

    code_versions: Tensor
    audio: Tensor
    hard_negatives: Tensor | None

    def sample_code(self, rows: Tensor) -> Tensor:
        """Of each of these programs one way of writing it, drawn: [b, code_dim]."""
        if len(self.code_versions) == 1:
            return self.code_versions[0][rows]
        drawn = torch.randint(len(self.code_versions), (len(rows),)).to(rows.device)
        return self.code_versions[drawn, rows]


def _train_closed_form(
    heads: ProjectionHeads,
    code: Tensor,
    audio: Tensor,
    validation_pairs: tuple[Tensor, Tensor],
    on_epoch: EpochCallback | None,
) -> TrainingResult:
    """Solve for the heads: an epoch, after which there is nothing to go on with."""
    fit_ridge_heads(heads, code, audio)
    heads.eval()
    row = {"epoch": 1, "loss": compute_loss(heads, *heads(code, audio), audio, None).item()}
    row |= compute_validation_metrics(heads, *validation_pairs)
    row |= {"temperature": heads.temperature.item(), "learning_rate": 0.0}
    asked = on_epoch is not None and on_epoch(row) is True
    history = pd.DataFrame([row])
    return TrainingResult(heads.cpu().eval(), history, 1, "cancelled" if asked else "epochs")


def _run_epochs(
    heads: ProjectionHeads,
    training_data: _TrainingData,
    validation_pairs: tuple[Tensor, Tensor],
    on_epoch: EpochCallback | None,
) -> TrainingResult:
    config, n = heads.config, len(training_data.audio)
    sources = label_duplicate_rows(training_data.code_versions[0])  # [n] or None
    steps = config.epochs * len(split_batches(torch.arange(n), config.batch_size))
    optimiser, schedule = _make_optimiser(heads, steps)
    shuffle = torch.Generator().manual_seed(config.seed)
    history, stopped = [], "epochs"
    best_loss, best_epoch, best_weights = math.inf, 0, None
    for epoch in range(1, config.epochs + 1):
        rate = schedule.get_last_lr()[0]
        order = torch.randperm(n, generator=shuffle)
        loss = _train_epoch(heads, training_data, sources, order, optimiser, schedule)
        if not math.isfinite(loss):
            raise EarshotError(
                f"Training diverged: the loss of epoch {epoch} is {loss}.",
                remedy="Lower the learning rate or raise the temperature.",
            )
        row = {"epoch": epoch, "loss": loss, **compute_validation_metrics(heads, *validation_pairs)}
        row |= {"temperature": heads.temperature.item(), "learning_rate": rate}
        history.append(row)
        # Without validation pairs its loss is nan and no epoch is better than the last.
        if not row["validation_loss"] >= best_loss:
            best_loss, best_epoch = row["validation_loss"], epoch
            best_weights = copy.deepcopy(heads.state_dict())
        if on_epoch is not None and on_epoch(row) is True:
            stopped = "cancelled"
            break
        if config.patience and epoch - best_epoch >= config.patience:
            stopped = "patience"
            break
    heads.load_state_dict(best_weights)
    return TrainingResult(heads.cpu().eval(), pd.DataFrame(history), best_epoch, stopped)


def _train_epoch(
    heads: ProjectionHeads,
    training_data: _TrainingData,
    source_ids: Tensor | None,
    pair_order: Tensor,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
) -> float:
    """Go once through the pairs in `pair_order`; return the mean loss a pair."""
    config, device = heads.config, training_data.audio.device
    bf16 = should_use_bf16(config.precision, device)
    total = 0.0
    heads.train()
    for rows in split_batches(pair_order.to(device), config.batch_size):
        # Only the heads compute in bf16: a loss needs the last digits of the cosines.
        with torch.autocast(device.type, torch.bfloat16) if bf16 else nullcontext():
            read = training_data.sample_code(rows)  # [b, code_dim]
            if training_data.hard_negatives is not None:
                # In one batch: alone, what all changes have in common would be normalised away.
                read = torch.cat([read, training_data.hard_negatives[rows]])  # [2b, code_dim]
            code, *hard = heads.project_code(read).split(len(rows))  # [b, dim] each
            audio = heads.project_audio(training_data.audio[rows])  # [b, dim]
        twins = None if source_ids is None else source_ids[rows]
        loss = compute_loss(heads, code, audio, training_data.audio[rows], twins, *hard)
        optimiser.zero_grad()
        loss.backward()
        if config.grad_clip:
            torch.nn.utils.clip_grad_norm_(heads.parameters(), config.grad_clip)
        optimiser.step()
        schedule.step()
        heads.clamp_temperature()
        total += loss.item() * len(rows)
    return total / len(pair_order)


def compute_loss(
    heads: ProjectionHeads,
    code: Tensor,
    audio: Tensor,
    audio_embeddings: Tensor,
    source_ids: Tensor | None,
    hard_negatives: Tensor | None = None,
) -> Tensor:
    """The config's objective for projected code and audio [n, dim] and raw audio [n, audio_dim].

    How alike clips sound is read off the raw embeddings, which is where they are judged.
    """
    config = heads.config
    if config.objective == "soft_infonce":
        loss = soft_infonce_loss(
            code,
            audio,
            heads.temperature,
            audio_embeddings,
            config.soft_target_weight,
            config.soft_target_temperature,
            source_ids,
            hard_negatives,
        )
    elif config.objective in CLOSED_FORM_OBJECTIVES:
        loss = 1 - (code * audio).sum(dim=1).mean()
    elif config.objective == "weighted_infonce":
        loss = weighted_infonce_loss(code, audio, heads.temperature, audio_embeddings, source_ids)
    else:
        loss = infonce_loss(code, audio, heads.temperature, source_ids, hard_negatives)
    if config.cka_weight:
        kept = cka_loss(code, audio_embeddings) + cka_loss(audio, audio_embeddings)
        loss = loss + config.cka_weight * kept / 2
    if config.distance_weight:
        kept = distance_preservation_loss(code, audio_embeddings) + distance_preservation_loss(
            audio, audio_embeddings
        )
        loss = loss + config.distance_weight * kept / 2
    return loss


@torch.no_grad()
def compute_validation_metrics(
    heads: ProjectionHeads, code: Tensor, audio: Tensor
) -> dict[str, float]:
    """Loss, CKA and recall of pairs [m, code_dim] and [m, audio_dim]; all nan when m < 2."""
    if len(code) < 2:
        return dict.fromkeys(("validation_loss", "cka", "cka_raw", "recall_at_1"), math.nan)
    heads.eval()
    sources = label_duplicate_rows(code)
    projected_code, projected_audio = heads(code, audio)  # 2 x [m, dim]
    total = 0.0
    # In batches as large as those trained on: a loss grows with the number of negatives.
    for rows in split_batches(torch.arange(len(code), device=code.device), heads.config.batch_size):
        twins = None if sources is None else sources[rows]
        loss = compute_loss(heads, projected_code[rows], projected_audio[rows], audio[rows], twins)
        total += loss.item() * len(rows)
    nearest = (projected_code @ projected_audio.T).argmax(dim=1)  # [m]
    found = (nearest == torch.arange(len(code), device=code.device)).float().mean()
    return {
        "validation_loss": total / len(code),
        "cka": _compute_cka(projected_code, projected_audio),
        "cka_raw": _compute_cka(projected_code, audio),
        "recall_at_1": float(found),
    }


def split_batches(pair_order: Tensor, batch_size: int) -> list[Tensor]:
    """Cut `pair_order` [n] into batches of nearly equal size, none of fewer than 2 rows.

    A last small batch would have easier negatives than the others, and BatchNorm can't
    take a batch of one. So sizes differ by at most one row; where a row would be left
    alone, a batch is one larger than `batch_size`.
    """
    count = min(math.ceil(len(pair_order) / batch_size), len(pair_order) // 2)
    return list(torch.tensor_split(pair_order, max(1, count)))


def label_duplicate_rows(code: Tensor) -> Tensor | None:
    """Number rows of code [n, code_dim] so that equal rows are equal: int [n]; None if none are."""
    distinct, numbers = torch.unique(code, dim=0, return_inverse=True)
    return None if len(distinct) == len(code) else numbers


def _make_optimiser(heads: ProjectionHeads, step_count: int):
    """AdamW that decays matrices only, and its learning rate over `step_count`."""
    config = heads.config
    learnt = [p for p in heads.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in learnt if p.ndim >= 2], "weight_decay": config.weight_decay},
        {"params": [p for p in learnt if p.ndim < 2], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, lr=config.learning_rate, fused=True)
    rising = round(config.warmup_fraction * step_count)

    def scale_learning_rate(step: int) -> float:
        if step < rising:
            return (step + 1) / (rising + 1)
        if config.schedule == "constant":
            return 1.0
        return (1 + math.cos(math.pi * (step - rising) / max(1, step_count - rising))) / 2

    return optimiser, torch.optim.lr_scheduler.LambdaLR(optimiser, scale_learning_rate)


def _compute_cka(x: Tensor, y: Tensor) -> float:
    """Linear CKA, on the device itself: `core.evaluation.metrics.cka` says what it is."""
    x, y = (z.double() - z.double().mean(dim=0) for z in (x, y))
    own = (x.T @ x).norm() * (y.T @ y).norm()
    return float((x.T @ y).square().sum() / own)


def _check_pairs(code: Tensor, audio: Tensor, split_name: str, min_pairs: int) -> None:
    if code.ndim != 2 or audio.ndim != 2 or len(code) != len(audio):
        raise EarshotError(
            f"The {split_name} pairs are {tuple(code.shape)} code and {tuple(audio.shape)} audio"
            " embeddings; they must be two matrices with a row a program."
        )
    if len(code) < min_pairs:
        raise EarshotError(
            f"There are {len(code)} {split_name} pairs; contrast needs at least {min_pairs}.",
            remedy="Add programs to the corpus.",
        )
    for name, x in (("code", code), ("audio", audio)):
        if not torch.isfinite(x).all():
            raise EarshotError(
                f"Some {name} embeddings of the {split_name} programs are not finite numbers.",
                remedy="Embed them again.",
            )
