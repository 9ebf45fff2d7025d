"""Timings of training and evaluation for the benchmark `train`, which runs them in processes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from core.alignment import AlignmentConfig, ProjectionHeads, TrainingPairs, ValidationPairs, train
from core.alignment.projection_head_layers import build_projection_head

CODE_DIM, AUDIO_DIM = 384, 512  # of the offline preset
LATENT_DIM = 24
TRAINING_FRACTION, VALIDATION_FRACTION = 0.8, 0.1
PLAIN_LEARNING_RATE = 1e-3
SPLIT_PATTERN = np.array(["train"] * 8 + ["validation", "test"])


def make_pairs(program_count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return two noisy views of one latent space: float32 [n, 384] and [n, 512]."""
    rng = np.random.default_rng(seed)
    latent = rng.normal(size=(program_count, LATENT_DIM))
    code, audio = (
        np.tanh(latent @ rng.normal(size=(LATENT_DIM, dim)) / 5)
        + rng.normal(size=(program_count, dim)) / 3
        for dim in (CODE_DIM, AUDIO_DIM)
    )
    return code.astype(np.float32), audio.astype(np.float32)


def time_trainer_epoch(
    program_count: int, epochs: int, has_validation: bool, overrides: dict[str, Any]
) -> float:
    """Return the median seconds per epoch of `core.alignment.train`, without the first epoch."""
    code, audio = (torch.from_numpy(view) for view in make_pairs(program_count))
    training_count = round(TRAINING_FRACTION * program_count)
    validation_count = round(VALIDATION_FRACTION * program_count) if has_validation else 0
    validation = slice(training_count, training_count + validation_count)
    config = AlignmentConfig.from_preset("infonce", **overrides, epochs=epochs, patience=0)
    end_times: list[float] = []
    train(
        TrainingPairs(code[:training_count], audio[:training_count]),
        ValidationPairs(code[validation], audio[validation]),
        config,
        lambda _row: end_times.append(time.perf_counter()),
    )
    return median(end - start for start, end in zip(end_times, end_times[1:]))


def time_plain_epoch(program_count: int, epochs: int) -> float:
    """Return the median seconds per epoch of the loop that a tutorial would write, in fp32."""
    config = AlignmentConfig.from_preset("infonce")
    code, audio = (torch.from_numpy(view) for view in make_pairs(program_count))
    training_count = round(TRAINING_FRACTION * program_count)
    heads = [build_projection_head(dim, config) for dim in (CODE_DIM, AUDIO_DIM)]
    parameters = [parameter for head in heads for parameter in head.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=PLAIN_LEARNING_RATE)
    dataset = TensorDataset(code[:training_count], audio[:training_count])
    loader = DataLoader(dataset, config.batch_size, shuffle=True)
    return median(
        _measure_seconds(lambda: _run_plain_epoch(loader, heads, optimizer, config))
        for _ in range(epochs)
    )


def _run_plain_epoch(
    loader: DataLoader,
    heads: Sequence[nn.Module],
    optimizer: torch.optim.Optimizer,
    config: AlignmentConfig,
) -> None:
    for batch in loader:
        code, audio = (
            functional.normalize(head(embeddings), dim=-1) for head, embeddings in zip(heads, batch)
        )
        logits = code @ audio.T / config.temperature
        targets = torch.arange(len(logits))
        code_loss = functional.cross_entropy(logits, targets)
        audio_loss = functional.cross_entropy(logits.T, targets)
        optimizer.zero_grad()
        ((code_loss + audio_loss) / 2).backward()
        optimizer.step()


def time_evaluation(program_count: int) -> float:
    """Return the seconds in which a sweep evaluates one trained configuration."""
    from core.corpus import EmbeddingPairs
    from core.pipeline.evaluate_alignment_on_held_out_programs import build_aligned_embedding_spaces
    from core.pipeline.sweep_run_training import compute_metric_rows

    code, audio = make_pairs(program_count)
    splits = SPLIT_PATTERN[np.arange(program_count) % len(SPLIT_PATTERN)]
    pairs = EmbeddingPairs([], code, audio, splits)
    heads = ProjectionHeads(CODE_DIM, AUDIO_DIM, AlignmentConfig()).eval()
    return _measure_seconds(
        lambda: compute_metric_rows(pairs, build_aligned_embedding_spaces(heads, pairs))
    )


def run_single_threaded(function: Callable[..., float], arguments: tuple[Any, ...]) -> float:
    """Call a function in this process with one torch thread, as a sweep's worker runs."""
    torch.set_num_threads(1)
    return function(*arguments)


def _measure_seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started
