"""Heads that are solved for: against scikit-learn, in both ways to solve, kept, stopped."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge

from core.alignment import AlignmentConfig, ProjectionHeads, kernel_ridge, train

RIDGE = AlignmentConfig.from_preset("kernel_ridge", objective="ridge", l2=3.0, mean_fraction=0.0)
KERNEL = AlignmentConfig.from_preset("kernel_ridge", mean_fraction=0.0)


def pairs(n: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    code = torch.randn(n, 20, generator=generator)
    mixed = torch.randn(20, 6, generator=torch.Generator().manual_seed(99))
    return code, code @ mixed + 0.1 * torch.randn(n, 6, generator=generator) + 2


@pytest.mark.parametrize("n", [12, 60])  # fewer pairs than columns, and more
def test_the_solution_is_scikit_learns(n):
    code, audio = pairs(n)
    heads = train(code, audio, code[:0], audio[:0], RIDGE).heads
    x = heads.code_input(code).numpy()
    y = (audio / audio.norm(dim=1, keepdim=True)).numpy()
    expected = Ridge(alpha=3.0).fit(x, y).predict(x) - y.mean(axis=0)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    with torch.no_grad():
        np.testing.assert_allclose(heads.project_code(code).numpy(), expected, atol=1e-4)
        np.testing.assert_allclose(
            heads.project_audio(3 * audio),
            torch.nn.functional.normalize(torch.tensor(y - y.mean(axis=0))),
            atol=1e-5,
        )


def test_the_kernel_s_solution_is_scikit_learns():
    code, audio = pairs(60)
    heads = train(code, audio, code[:0], audio[:0], KERNEL).heads
    x, asked = (heads.code_input(each).numpy() for each in (code, pairs(9, seed=4)[0]))
    y = (audio / audio.norm(dim=1, keepdim=True)).numpy()
    gamma = kernel_ridge.RBF_GAMMA_SCALE / x.var(axis=0).sum()
    fitted = KernelRidge(alpha=KERNEL.l2, kernel="rbf", gamma=gamma).fit(x, y - y.mean(axis=0))
    expected = fitted.predict(asked)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    with torch.no_grad():
        found = heads.project_code(pairs(9, seed=4)[0]).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_a_kernel_that_compares_with_some_programs_is_near_to_one_that_does_with_all(
    monkeypatch: pytest.MonkeyPatch,
):
    code, audio = pairs(300)
    asked = pairs(20, seed=3)[0]
    found = []
    for most in (300, 200):
        monkeypatch.setattr(kernel_ridge, "MAX_REFERENCE_PROGRAMS", most)
        monkeypatch.setattr(kernel_ridge, "BLOCK_ROWS", 64)
        heads = train(code, audio, code[:0], audio[:0], KERNEL).heads
        assert len(heads.to_tensors()["code_head.rows"]) == most
        with torch.no_grad():
            found.append(heads.project_code(asked))
    assert (found[0] * found[1]).sum(dim=1).min() > 0.9


@pytest.mark.parametrize("objective", ["ridge", "kernel_ridge"])
def test_what_is_kept_of_the_mean_moves_both_sides_towards_it(objective):
    code, audio = pairs(60)
    mean = torch.nn.functional.normalize(audio, dim=1).mean(dim=0)
    near = []
    for kept in (0.0, 0.1, 1.0):
        config = AlignmentConfig.from_preset("kernel_ridge", objective=objective, mean_fraction=kept)
        heads = train(code, audio, code[:0], audio[:0], config).heads
        with torch.no_grad():
            near.append([float((side @ mean).mean()) for side in heads(code, audio)])
    assert near[0] < near[1] < near[2]


def test_programs_that_were_not_solved_for_find_their_clips():
    trained = train(*pairs(300), *pairs(40, seed=1), RIDGE)
    row = trained.history.iloc[0]
    assert len(trained.history) == 1 and row["recall_at_1"] > 0.5 and row["validation_loss"] < 0.2


def test_a_column_that_hardly_varies_does_not_count_for_more_than_the_others():
    code, audio = pairs(60)
    code[:, 0] = 0.0
    code[3, 0] = 1e-4
    heads = train(code, audio, code[:0], audio[:0], RIDGE).heads
    other = code[:1].clone()
    other[0, 0] = 1.0
    with torch.no_grad():
        assert float((heads.project_code(code[:1]) * heads.project_code(other)).sum()) > 0.9


@pytest.mark.parametrize("config", [RIDGE, KERNEL], ids=lambda config: config.objective)
def test_heads_come_back_from_what_was_saved(config):
    code, audio = pairs(60)
    heads = train(code, audio, code, audio, config).heads
    again = ProjectionHeads.from_tensors(config, heads.to_tensors())
    with torch.no_grad():
        assert torch.equal(again.project_code(code), heads.project_code(code))
        assert torch.equal(again.project_audio(audio), heads.project_audio(audio))


def test_it_can_be_asked_to_stop():
    code, audio = pairs(30)
    assert train(code, audio, code, audio, RIDGE, lambda row: True).stop_reason == "cancelled"
