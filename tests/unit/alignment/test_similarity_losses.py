"""Losses that know how alike clips sound, against their formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from core.alignment.heads import Standardiser
from core.alignment.losses import cka_loss, weighted_infonce_loss
from core.evaluation import metrics


def drawn(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_weighted_targets_are_the_formula_written_out():
    code, audio = (F.normalize(drawn(seed, 7, 5), dim=1) for seed in (1, 2))
    heard = drawn(3, 7, 9)
    own = F.normalize(heard - heard.mean(dim=0), dim=1)
    total = 0.0
    for a, b in ((code, audio), (audio, code)):
        for i in range(7):
            weights = [(1 + float(own[i] @ own[j])) / 2 for j in range(7)]
            logits = [float(a[i] @ b[j]) / 0.2 for j in range(7)]
            norm = math.log(sum(map(math.exp, logits)))
            total -= sum(w * (x - norm) for w, x in zip(weights, logits)) / sum(weights)
    assert float(weighted_infonce_loss(code, audio, 0.2, heard)) == pytest.approx(total / 14, rel=1e-5)


def test_weighted_targets_leave_twins_out_of_guess_and_target():
    code, audio = (F.normalize(drawn(seed, 7, 5), dim=1) for seed in (1, 2))
    heard = drawn(3, 7, 9)
    group = [0, 1, 0, 2, 3, 0, 2]
    own = F.normalize(heard - heard.mean(dim=0), dim=1)
    total = 0.0
    for a, b in ((code, audio), (audio, code)):
        for i in range(7):
            others = [j for j in range(7) if j == i or group[i] != group[j]]
            weights = [(1 + float(own[i] @ own[j])) / 2 for j in others]
            logits = [float(a[i] @ b[j]) / 0.2 for j in others]
            norm = math.log(sum(map(math.exp, logits)))
            total -= sum(w * (x - norm) for w, x in zip(weights, logits)) / sum(weights)
    found = float(weighted_infonce_loss(code, audio, 0.2, heard, torch.tensor(group)))
    assert found == pytest.approx(total / 14, rel=1e-5)
    assert found != pytest.approx(float(weighted_infonce_loss(code, audio, 0.2, heard)), rel=1e-2)


def test_weighted_targets_of_nothing_but_twins_push_neither_way():
    code = F.normalize(drawn(1, 4, 3), dim=1)
    audio = code.flip(0).clone().requires_grad_()
    loss = weighted_infonce_loss(code, audio, 0.1, drawn(3, 4, 9), torch.zeros(4, dtype=torch.int64))
    loss.backward()
    assert float(loss.detach()) == pytest.approx(0, abs=1e-6)
    assert torch.allclose(audio.grad, torch.zeros_like(audio), atol=1e-6)


def test_kernel_alignment_is_one_minus_cka():
    x, heard = F.normalize(drawn(4, 40, 6), dim=1), 100 + drawn(5, 40, 30)
    expected = 1 - metrics.cka(x.numpy(), heard.numpy())
    assert float(cka_loss(x, heard)) == pytest.approx(expected, abs=1e-5)
    assert float(cka_loss(x, 3 * x - 7)) == pytest.approx(0, abs=1e-5)
    assert float(cka_loss(x[:2], heard[:2])) == 0
    assert torch.isfinite(cka_loss(torch.ones(5, 6), heard[:5]))


def test_whitened_inputs_are_uncorrelated_and_of_one_size():
    x = drawn(6, 200, 8) @ drawn(7, 8, 8)
    x[:, 3] = 5.0
    fitted = Standardiser(8, 8)
    fitted.fit(x)
    out = fitted(x).numpy()
    expected = np.diag([1.0] * 7 + [0.0])  # seven columns vary, the eighth direction is silent
    np.testing.assert_allclose(np.cov(out.T, bias=True), expected, atol=1e-3)
    few = Standardiser(8, 3)
    few.fit(x)
    assert few(x).shape == (200, 3)
    np.testing.assert_allclose(few(x).numpy(), out[:, :3], atol=1e-4)
