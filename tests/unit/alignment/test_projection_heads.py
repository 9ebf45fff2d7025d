"""Projection heads: symmetric, standardised, and unchanged by saving."""

from __future__ import annotations

import pytest
import safetensors.torch
import torch
from torch import nn

from core.alignment import AlignmentConfig, ProjectionHeads
from core.alignment.projection_head_layers import Standardiser
from core.errors import EarshotError

SMALL = AlignmentConfig(layers=3, width=8, dim=4)


def test_both_heads_are_the_mlp_of_the_paper() -> None:
    heads = ProjectionHeads(5, 7, SMALL)
    for head, columns in ((heads.code_head, 5), (heads.audio_head, 7)):
        kinds = [type(step) for step in head if not isinstance(step, nn.Dropout)]
        block = [nn.Linear, nn.BatchNorm1d, nn.GELU]
        assert kinds == [*block, *block, nn.Linear]
        sizes = [step.weight.shape for step in head if isinstance(step, nn.Linear)]
        assert sizes == [(8, columns), (8, 8), (4, 8)]


@pytest.mark.parametrize("layers", [1, 2, 5])
def test_layers_counts_linear_layers(layers: int) -> None:
    heads = ProjectionHeads(5, 7, AlignmentConfig(layers=layers, width=8, dim=4))
    assert sum(isinstance(step, nn.Linear) for step in heads.code_head) == layers


def test_projects_to_unit_vectors_of_one_size() -> None:
    heads = ProjectionHeads(5, 7, SMALL).eval()
    code, audio = heads(torch.randn(6, 5), torch.randn(6, 7))
    assert code.shape == audio.shape == (6, 4)
    assert torch.allclose(code.norm(dim=1), torch.ones(6))
    assert heads.project_code_embeddings(torch.randn(1, 5)).shape == (
        1,
        4,
    )  # a batch of one, when not training


def test_dropout_rates_are_those_of_the_config() -> None:
    config = AlignmentConfig(layers=2, width=8, dim=4, dropout=0.25, input_dropout=0.6)
    rates = [s.p for s in ProjectionHeads(5, 7, config).code_head if isinstance(s, nn.Dropout)]
    assert rates == [0.6, 0.25]
    none = AlignmentConfig(layers=2, width=8, dim=4, dropout=0, input_dropout=0)
    assert not any(isinstance(s, nn.Dropout) for s in ProjectionHeads(5, 7, none).modules())


class TestStandardiser:
    def test_scales_columns_to_mean_0_and_variance_1(self) -> None:
        x = torch.randn(200, 3) * torch.tensor([1e-3, 1.0, 50.0]) + torch.tensor([5.0, 0, -9])
        step = Standardiser(3)
        step.fit_mean_and_scale(x)
        assert torch.allclose(step(x).mean(0), torch.zeros(3), atol=1e-3)
        assert torch.allclose(step(x).std(0, correction=0), torch.ones(3), atol=1e-3)

    def test_a_constant_column_is_not_scaled_up(self) -> None:
        x = torch.cat([torch.randn(50, 2), torch.full((50, 1), 0.1)], dim=1)
        x[7, 2] += 1e-8  # rounding
        step = Standardiser(3)
        step.fit_mean_and_scale(x)
        assert step(x)[:, 2].abs().max() < 1e-6
        assert step(x + 1)[:, 2].abs().max() < 2

    def test_columns_can_keep_their_proportions(self) -> None:
        x = 5 + torch.tensor([1.0, 10.0]) * torch.randn(100, 2)
        fitted = Standardiser(2)
        fitted.fit_mean_and_scale(x, per_column=False)
        out = fitted(x)
        assert out.mean(dim=0).abs().max() < 1e-5 and fitted.scale[0] == fitted.scale[1]
        assert out.var(dim=0, correction=0).mean() == pytest.approx(1, abs=1e-4)
        fitted.fit_mean_and_scale(torch.full((10, 2), 0.1), per_column=False)
        assert fitted(torch.full((1, 2), 0.1)).abs().max() < 1e-6

    def test_equal_rows_become_0(self) -> None:
        step = Standardiser(3)
        step.fit_mean_and_scale(torch.full((5, 3), 2.0))
        assert torch.equal(step(torch.full((5, 3), 2.0)), torch.zeros(5, 3))


class TestTemperature:
    def test_is_that_of_the_config_and_fixed_unless_learnable(self) -> None:
        heads = ProjectionHeads(2, 2, AlignmentConfig(temperature=0.2))
        assert heads.temperature.item() == pytest.approx(0.2)
        assert not heads.log_temperature.requires_grad
        learnable = AlignmentConfig(learnable_temperature=True)
        assert ProjectionHeads(2, 2, learnable).log_temperature.requires_grad

    @pytest.mark.parametrize(("log", "clamped"), [(-9.0, 0.01), (4.0, 1.0)])
    def test_is_clamped_and_can_return(self, log: float, clamped: float) -> None:
        heads = ProjectionHeads(2, 2, AlignmentConfig(learnable_temperature=True))
        heads.log_temperature.data.fill_(log)
        heads.clamp_temperature()
        assert heads.temperature.item() == pytest.approx(clamped)
        heads.temperature.backward()
        assert heads.log_temperature.grad != 0


class TestTensors:
    def test_loaded_heads_project_the_same(self) -> None:
        heads = ProjectionHeads(5, 7, SMALL)
        heads.code_input.fit_mean_and_scale(torch.randn(30, 5) * 3 + 2)
        heads.train()
        heads(torch.randn(9, 5), torch.randn(9, 7))  # moves BatchNorm's statistics
        stored = safetensors.torch.load(safetensors.torch.save(heads.get_tensors_to_save()))
        loaded = ProjectionHeads.from_tensors(SMALL, stored)
        x, y = torch.randn(4, 5), torch.randn(4, 7)
        heads.eval()
        assert torch.equal(loaded.project_code_embeddings(x), heads.project_code_embeddings(x))
        assert torch.equal(loaded.project_audio_embeddings(y), heads.project_audio_embeddings(y))

    def test_tensors_of_other_heads_are_refused(self) -> None:
        tensors = ProjectionHeads(5, 7, SMALL).get_tensors_to_save()
        with pytest.raises(EarshotError, match="do not fit their config"):
            ProjectionHeads.from_tensors(AlignmentConfig(layers=2, width=8, dim=4), tensors)
        del tensors["code_input.mean"]
        with pytest.raises(EarshotError, match="code_input.mean"):
            ProjectionHeads.from_tensors(SMALL, tensors)
