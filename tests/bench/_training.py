"""What the benchmark of training runs in processes of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from core.alignment import AlignmentConfig, ProjectionHeads, TrainingPairs, ValidationPairs, train
from core.alignment.heads import build_projection_head

CODE_DIM, AUDIO_DIM = 384, 512  # of the offline preset
SHARE = 0.8  # of the programs are trained on, a tenth validates


def pairs(programs: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two views of one latent space with noise: float32 [n, 384] and [n, 512]."""
    rng = np.random.default_rng(seed)
    latent = rng.normal(size=(programs, 24))
    made = (
        np.tanh(latent @ rng.normal(size=(24, dim)) / 5) + rng.normal(size=(programs, dim)) / 3
        for dim in (CODE_DIM, AUDIO_DIM)
    )
    return tuple(view.astype(np.float32) for view in made)


def ours(programs: int, epochs: int, validated: bool, changes: dict) -> float:
    """Median seconds of an epoch of the project's trainer."""
    code, audio = (torch.from_numpy(view) for view in pairs(programs))
    n = round(SHARE * programs)
    m = programs // 10 if validated else 0
    ends: list[float] = [time.perf_counter()]
    config = AlignmentConfig.from_preset("infonce", **changes, epochs=epochs, patience=0)
    train(
        TrainingPairs(code[:n], audio[:n]),
        ValidationPairs(code[n : n + m], audio[n : n + m]),
        config,
        lambda row: ends.append(time.perf_counter()),
    )
    return median(b - a for a, b in zip(ends[1:], ends[2:]))  # the first waits for caches


def plain(programs: int, epochs: int, changes: dict) -> float:
    """Median seconds of an epoch of the loop that a tutorial would write, in fp32."""
    config = AlignmentConfig.from_preset("infonce", **changes)
    code, audio = (torch.from_numpy(view) for view in pairs(programs))
    n = round(SHARE * programs)
    heads = [build_projection_head(dim, config) for dim in (CODE_DIM, AUDIO_DIM)]
    optimiser = torch.optim.AdamW([p for head in heads for p in head.parameters()], lr=1e-3)
    data = torch.utils.data.TensorDataset(code[:n], audio[:n])
    loader = torch.utils.data.DataLoader(data, config.batch_size, shuffle=True)
    return median(
        _timed(lambda: _plain_epoch(loader, heads, optimiser, config)) for _ in range(epochs)
    )


def _plain_epoch(loader, heads: list[nn.Module], optimiser, config: AlignmentConfig) -> None:
    for batch in loader:
        x, y = (F.normalize(head(side), dim=-1) for head, side in zip(heads, batch))
        logits = x @ y.T / config.temperature
        own = torch.arange(len(logits))
        loss = (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def measuring(programs: int) -> float:
    """Seconds in which a sweep measures one trained configuration."""
    from core.corpus import EmbeddingPairs
    from core.pipeline.sweep import _evaluate_to_rows, make_aligned_spaces

    code, audio = pairs(programs)
    names = np.array(["train"] * 8 + ["validation", "test"])
    known = EmbeddingPairs([], code, audio, names[np.arange(programs) % 10])
    heads = ProjectionHeads(CODE_DIM, AUDIO_DIM, AlignmentConfig()).eval()
    return _timed(lambda: _evaluate_to_rows(known, make_aligned_spaces(heads, known)))


def side_by_side(what: str, arguments: tuple) -> float:
    """Do one of these in this process, of one thread."""
    torch.set_num_threads(1)
    return globals()[what](*arguments)


def _timed(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
