"""Ridge and kernel ridge heads: against scikit-learn, saved and loaded, and cancelled."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge

from core.alignment import (
    AlignmentConfig,
    ProjectionHeads,
    TrainingPairs,
    ValidationPairs,
    kernel_ridge,
    projection_head_layers,
    train,
)
from core.alignment.projection_head_layers import KernelRidgeHead

RIDGE = AlignmentConfig.from_preset("kernel_ridge", objective="ridge", l2=3.0, mean_fraction=0.0)
KERNEL = AlignmentConfig.from_preset("kernel_ridge", mean_fraction=0.0)


def make_pairs(n: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    code = torch.randn(n, 20, generator=generator)
    mixed = torch.randn(20, 6, generator=torch.Generator().manual_seed(99))
    return code, code @ mixed + 0.1 * torch.randn(n, 6, generator=generator) + 2


def fit_heads(code: torch.Tensor, audio: torch.Tensor, config: AlignmentConfig) -> ProjectionHeads:
    return train(TrainingPairs(code, audio), ValidationPairs(code[:0], audio[:0]), config).heads


@pytest.mark.parametrize("n", [12, 60])  # fewer pairs than columns, and more
def test_ridge_equals_scikit_learn(n: int) -> None:
    code, audio = make_pairs(n)
    heads = fit_heads(code, audio, RIDGE)
    x = heads.code_input(code).numpy()
    y = (audio / audio.norm(dim=1, keepdim=True)).numpy()
    expected = Ridge(alpha=3.0).fit(x, y).predict(x) - y.mean(axis=0)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    with torch.no_grad():
        np.testing.assert_allclose(heads.project_code_embeddings(code).numpy(), expected, atol=1e-4)
        np.testing.assert_allclose(
            heads.project_audio_embeddings(3 * audio),
            torch.nn.functional.normalize(torch.tensor(y - y.mean(axis=0))),
            atol=1e-5,
        )


def test_kernel_ridge_equals_scikit_learn() -> None:
    code, audio = make_pairs(60)
    heads = fit_heads(code, audio, KERNEL)
    queries = make_pairs(9, seed=4)[0]
    x, standardised_queries = (heads.code_input(rows).numpy() for rows in (code, queries))
    y = (audio / audio.norm(dim=1, keepdim=True)).numpy()
    gamma = kernel_ridge.RBF_GAMMA_SCALE / x.var(axis=0).sum()
    reference = KernelRidge(alpha=KERNEL.l2, kernel="rbf", gamma=gamma).fit(x, y - y.mean(axis=0))
    expected = reference.predict(standardised_queries)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    with torch.no_grad():
        predicted = heads.project_code_embeddings(queries).numpy()
    np.testing.assert_allclose(predicted, expected, atol=1e-3)


def test_a_subset_of_reference_programs_predicts_nearly_the_same_as_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code, audio = make_pairs(300)
    queries = make_pairs(20, seed=3)[0]
    predictions = []
    for max_count in (300, 200):
        monkeypatch.setattr(kernel_ridge, "MAX_REFERENCE_PROGRAMS", max_count)
        monkeypatch.setattr(kernel_ridge, "BLOCK_ROWS", 64)
        monkeypatch.setattr(kernel_ridge, "GRAM_BLOCK_COLUMNS", 30)
        heads = fit_heads(code, audio, KERNEL)
        assert len(heads.get_tensors_to_save()["code_head.rows"]) == max_count
        with torch.no_grad():
            predictions.append(heads.project_code_embeddings(queries))
    assert (predictions[0] * predictions[1]).sum(dim=1).min() > 0.9


def test_a_subset_of_reference_programs_equals_the_closed_form(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kernel_ridge, "MAX_REFERENCE_PROGRAMS", 70)
    monkeypatch.setattr(kernel_ridge, "BLOCK_ROWS", 64)
    monkeypatch.setattr(kernel_ridge, "GRAM_BLOCK_COLUMNS", 30)
    code, audio = make_pairs(300)
    head = fit_heads(code, audio, KERNEL).code_head
    assert isinstance(head, KernelRidgeHead)
    x = fit_heads(code, audio, KERNEL).code_input(code)
    y = torch.nn.functional.normalize(audio.double(), dim=1)
    kernel = head.compute_gaussian_kernel(x).double()  # [300, 70]
    system = kernel.T @ kernel + KERNEL.l2 * head.compute_gaussian_kernel(head.rows).double()
    expected = torch.linalg.solve(system, kernel.T @ (y - y.mean(dim=0)))
    np.testing.assert_allclose(kernel @ head.weight.double(), kernel @ expected, atol=1e-4)


def test_a_fit_never_holds_more_than_a_block_of_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_ridge, "MAX_REFERENCE_PROGRAMS", 50)
    monkeypatch.setattr(kernel_ridge, "BLOCK_ROWS", 64)
    monkeypatch.setattr(projection_head_layers, "KERNEL_BLOCK_ROWS", 64)
    row_counts = []
    compute_kernel = KernelRidgeHead.compute_gaussian_kernel

    def count_rows(head: KernelRidgeHead, x: torch.Tensor) -> torch.Tensor:
        row_counts.append(len(x))
        return compute_kernel(head, x)

    monkeypatch.setattr(KernelRidgeHead, "compute_gaussian_kernel", count_rows)
    code, audio = make_pairs(300)
    heads = fit_heads(code, audio, KERNEL)
    assert max(row_counts) == 64
    in_blocks = heads.project_code_embeddings(code)
    monkeypatch.setattr(projection_head_layers, "KERNEL_BLOCK_ROWS", 300)
    torch.testing.assert_close(in_blocks, heads.project_code_embeddings(code))
    assert max(row_counts) == 300


@pytest.mark.parametrize("objective", ["ridge", "kernel_ridge"])
def test_mean_fraction_moves_both_modalities_towards_the_mean(objective: str) -> None:
    code, audio = make_pairs(60)
    mean = torch.nn.functional.normalize(audio, dim=1).mean(dim=0)
    similarities = []
    for fraction in (0.0, 0.1, 1.0):
        config = AlignmentConfig.from_preset(
            "kernel_ridge", objective=objective, mean_fraction=fraction
        )
        heads = fit_heads(code, audio, config)
        with torch.no_grad():
            similarities.append([float((side @ mean).mean()) for side in heads(code, audio)])
    assert similarities[0] < similarities[1] < similarities[2]


def test_held_out_programs_find_their_clips() -> None:
    validation_pairs = ValidationPairs(*make_pairs(40, seed=1))
    trained = train(TrainingPairs(*make_pairs(300)), validation_pairs, RIDGE)
    row = trained.history.iloc[0]
    assert len(trained.history) == 1 and row["recall_at_1"] > 0.5 and row["validation_loss"] < 0.2


def test_a_column_of_little_variance_does_not_outweigh_the_others() -> None:
    code, audio = make_pairs(60)
    code[:, 0] = 0.0
    code[3, 0] = 1e-4
    heads = fit_heads(code, audio, RIDGE)
    other = code[:1].clone()
    other[0, 0] = 1.0
    with torch.no_grad():
        assert (
            float(
                (
                    heads.project_code_embeddings(code[:1]) * heads.project_code_embeddings(other)
                ).sum()
            )
            > 0.9
        )


@pytest.mark.parametrize("config", [RIDGE, KERNEL], ids=lambda config: config.objective)
def test_saved_heads_predict_the_same_when_loaded(config: AlignmentConfig) -> None:
    code, audio = make_pairs(60)
    heads = fit_heads(code, audio, config)
    loaded = ProjectionHeads.from_tensors(config, heads.get_tensors_to_save())
    with torch.no_grad():
        assert torch.equal(
            loaded.project_code_embeddings(code), heads.project_code_embeddings(code)
        )
        assert torch.equal(
            loaded.project_audio_embeddings(audio), heads.project_audio_embeddings(audio)
        )


def test_callback_can_cancel() -> None:
    code, audio = make_pairs(30)
    result = train(
        TrainingPairs(code, audio), ValidationPairs(code, audio), RIDGE, lambda row: True
    )
    assert result.stop_reason == "cancelled"
