"""Losses that use the similarity of clips, against their formulas; whitened inputs."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from core.alignment.losses import cka_loss, weighted_infonce_loss
from core.alignment.projection_head_layers import Standardiser
from core.evaluation import metrics


def draw(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_weighted_infonce_equals_its_formula() -> None:
    code, audio = (functional.normalize(draw(seed, 7, 5), dim=1) for seed in (1, 2))
    raw_audio = draw(3, 7, 9)
    unit_audio = functional.normalize(raw_audio - raw_audio.mean(dim=0), dim=1)
    total = 0.0
    for a, b in ((code, audio), (audio, code)):
        for i in range(7):
            weights = [(1 + float(unit_audio[i] @ unit_audio[j])) / 2 for j in range(7)]
            logits = [float(a[i] @ b[j]) / 0.2 for j in range(7)]
            norm = math.log(sum(map(math.exp, logits)))
            total -= sum(w * (x - norm) for w, x in zip(weights, logits)) / sum(weights)
    assert float(weighted_infonce_loss(code, audio, 0.2, raw_audio)) == pytest.approx(
        total / 14, rel=1e-5
    )


def test_weighted_infonce_excludes_duplicates_from_prediction_and_target() -> None:
    code, audio = (functional.normalize(draw(seed, 7, 5), dim=1) for seed in (1, 2))
    raw_audio = draw(3, 7, 9)
    group = [0, 1, 0, 2, 3, 0, 2]
    unit_audio = functional.normalize(raw_audio - raw_audio.mean(dim=0), dim=1)
    total = 0.0
    for a, b in ((code, audio), (audio, code)):
        for i in range(7):
            others = [j for j in range(7) if j == i or group[i] != group[j]]
            weights = [(1 + float(unit_audio[i] @ unit_audio[j])) / 2 for j in others]
            logits = [float(a[i] @ b[j]) / 0.2 for j in others]
            norm = math.log(sum(map(math.exp, logits)))
            total -= sum(w * (x - norm) for w, x in zip(weights, logits)) / sum(weights)
    loss = float(weighted_infonce_loss(code, audio, 0.2, raw_audio, torch.tensor(group)))
    assert loss == pytest.approx(total / 14, rel=1e-5)
    assert loss != pytest.approx(
        float(weighted_infonce_loss(code, audio, 0.2, raw_audio)), rel=1e-2
    )


def test_weighted_infonce_of_duplicates_only_has_no_gradient() -> None:
    code = functional.normalize(draw(1, 4, 3), dim=1)
    audio = code.flip(0).clone().requires_grad_()
    loss = weighted_infonce_loss(code, audio, 0.1, draw(3, 4, 9), torch.zeros(4, dtype=torch.int64))
    loss.backward()
    assert float(loss.detach()) == pytest.approx(0, abs=1e-6)
    assert torch.allclose(audio.grad, torch.zeros_like(audio), atol=1e-6)


def test_cka_loss_is_one_minus_cka() -> None:
    x, raw_audio = functional.normalize(draw(4, 40, 6), dim=1), 100 + draw(5, 40, 30)
    expected = 1 - metrics.cka(x.numpy(), raw_audio.numpy())
    assert float(cka_loss(x, raw_audio)) == pytest.approx(expected, abs=1e-5)
    assert float(cka_loss(x, 3 * x - 7)) == pytest.approx(0, abs=1e-5)
    assert float(cka_loss(x[:2], raw_audio[:2])) == 0
    assert torch.isfinite(cka_loss(torch.ones(5, 6), raw_audio[:5]))


def test_whitened_inputs_are_uncorrelated_with_variance_1() -> None:
    x = draw(6, 200, 8) @ draw(7, 8, 8)
    x[:, 3] = 5.0
    standardiser = Standardiser(8, 8)
    standardiser.fit_mean_and_scale(x)
    out = standardiser(x).numpy()
    expected = np.diag([1.0] * 7 + [0.0])  # seven columns vary, the eighth direction is 0
    np.testing.assert_allclose(np.cov(out.T, bias=True), expected, atol=1e-3)
    reduced = Standardiser(8, 3)
    reduced.fit_mean_and_scale(x)
    assert reduced(x).shape == (200, 3)
    np.testing.assert_allclose(reduced(x).numpy(), out[:, :3], atol=1e-4)
