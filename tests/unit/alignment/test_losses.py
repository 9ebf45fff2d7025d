"""Losses against their formulas, and the behaviour that they should cause."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from core.alignment.losses import (
    SoftTargets,
    compute_pairwise_cosine_similarities,
    distance_preservation_loss,
    infonce_loss,
    soft_infonce_loss,
)

Pairs = tuple[torch.Tensor, torch.Tensor]


@pytest.fixture
def pairs() -> Pairs:
    generator = torch.Generator().manual_seed(3)
    code, audio = torch.randn(2, 12, 5, generator=generator, dtype=torch.float64)
    return functional.normalize(code, dim=1), functional.normalize(audio, dim=1)


def compute_by_formula(code, audio, temperature, skip=lambda i, j: False):
    """The paper's formula, pair by pair, in both directions."""
    total = 0.0
    for a, b in ((code, audio), (audio, code)):
        for i in range(len(a)):
            terms = [
                math.exp(float(a[i] @ b[j]) / temperature) for j in range(len(b)) if not skip(i, j)
            ]
            total -= math.log(math.exp(float(a[i] @ b[i]) / temperature) / sum(terms))
    return total / (2 * len(code))


class TestInfoNCE:
    @pytest.mark.parametrize("temperature", [0.05, 0.5])
    def test_equals_the_formula(self, pairs: Pairs, temperature) -> None:
        loss = float(infonce_loss(*pairs, temperature))
        assert loss == pytest.approx(compute_by_formula(*pairs, temperature))

    def test_hard_negatives_are_contrasted_with_clips_only(self, pairs: Pairs) -> None:
        code, audio = pairs
        hard_negatives = functional.normalize(
            torch.randn(3, 5, generator=torch.Generator().manual_seed(5)), dim=1
        ).to(code)
        total = 0.0
        for i in range(len(code)):
            positive = math.exp(float(code[i] @ audio[i]) / 0.2)
            clips = sum(math.exp(float(code[i] @ row) / 0.2) for row in audio)
            programs = sum(
                math.exp(float(audio[i] @ row) / 0.2) for row in (*code, *hard_negatives)
            )
            total -= math.log(positive / clips) + math.log(positive / programs)
        loss = infonce_loss(code, audio, 0.2, hard_negatives=hard_negatives)
        assert float(loss) == pytest.approx(total / (2 * len(code)))
        soft = soft_infonce_loss(
            code,
            audio,
            0.2,
            SoftTargets(torch.randn(12, 4), weight=0.0),
            hard_negatives=hard_negatives,
        )
        assert float(soft) == pytest.approx(float(loss))

    def test_is_symmetric(self, pairs: Pairs) -> None:
        code, audio = pairs
        assert float(infonce_loss(code, audio, 0.1)) == pytest.approx(
            float(infonce_loss(audio, code, 0.1))
        )

    def test_is_log_n_when_all_rows_are_equal(self) -> None:
        same = functional.normalize(torch.ones(16, 4), dim=1)
        assert float(infonce_loss(same, same, 0.07)) == pytest.approx(math.log(16))

    def test_is_0_when_pairs_are_equal_and_others_orthogonal(self) -> None:
        eye = torch.eye(8)
        assert float(infonce_loss(eye, eye, 0.01)) == pytest.approx(0, abs=1e-6)

    def test_duplicates_are_not_each_others_negatives(self, pairs: Pairs) -> None:
        groups = [0, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1, 8]
        expected = compute_by_formula(
            *pairs, 0.2, skip=lambda i, j: i != j and groups[i] == groups[j]
        )
        loss = infonce_loss(*pairs, 0.2, torch.tensor(groups))
        assert float(loss) == pytest.approx(expected)

    def test_duplicates_have_no_gradient_from_each_other(self) -> None:
        code = functional.normalize(
            torch.randn(4, 3, generator=torch.Generator().manual_seed(0)), dim=1
        )
        audio = code.flip(0).clone().requires_grad_()
        source_ids = torch.tensor([0, 0, 0, 0])
        infonce_loss(code, audio, 0.1, source_ids).backward()
        assert torch.allclose(audio.grad, torch.zeros_like(audio), atol=1e-6)

    def test_distinct_source_ids_change_nothing(self, pairs: Pairs) -> None:
        plain = infonce_loss(*pairs, 0.1)
        assert torch.equal(infonce_loss(*pairs, 0.1, torch.arange(12)), plain)


class TestSoftInfoNCE:
    def test_without_weight_it_is_infonce(self, pairs: Pairs) -> None:
        raw_audio = torch.randn(12, 6, generator=torch.Generator().manual_seed(1))
        soft = soft_infonce_loss(*pairs, 0.1, SoftTargets(raw_audio, weight=0.0))
        assert float(soft) == pytest.approx(float(infonce_loss(*pairs, 0.1)))

    def test_equals_the_formula(self, pairs: Pairs) -> None:
        code, audio = pairs
        raw_audio = torch.randn(12, 6, generator=torch.Generator().manual_seed(1))
        weight, soft_temperature, temperature = 0.7, 0.6, 0.2
        cosine = functional.cosine_similarity(raw_audio[:, None], raw_audio[None], dim=2)
        spread = float(cosine[~torch.eye(12, dtype=torch.bool)].std(correction=0))
        exponentials = (cosine / (soft_temperature * spread)).exp()
        target = (1 - weight) * torch.eye(12) + weight * exponentials / exponentials.sum(
            1, keepdim=True
        )
        expected = 0.0
        for a, b in ((code, audio), (audio, code)):
            prediction = (a @ b.T / temperature).exp()
            prediction = prediction / prediction.sum(1, keepdim=True)
            expected -= float((target * prediction.log()).sum(1).mean()) / 2
        loss = soft_infonce_loss(
            code, audio, temperature, SoftTargets(raw_audio, weight, soft_temperature)
        )
        assert float(loss) == pytest.approx(expected, rel=1e-5)

    def test_minimum_is_reached_where_predictions_equal_audio_similarity(self) -> None:
        # Projections that are the clips themselves give exactly the target's softmax.
        raw_audio = functional.normalize(
            torch.randn(9, 6, generator=torch.Generator().manual_seed(2)), dim=1
        )
        spread = float(
            compute_pairwise_cosine_similarities(raw_audio)[~torch.eye(9, dtype=torch.bool)].std(
                correction=0
            )
        )
        soft_targets = SoftTargets(raw_audio, 1.0, 0.1 / spread)
        best = soft_infonce_loss(raw_audio, raw_audio, 0.1, soft_targets)
        target = (compute_pairwise_cosine_similarities(raw_audio) / 0.1).softmax(dim=1)
        entropy = -(target * target.log()).sum(1).mean()
        assert float(best) == pytest.approx(float(entropy), rel=1e-5)
        other = functional.normalize(raw_audio + 0.3, dim=1)
        assert float(soft_infonce_loss(other, raw_audio, 0.1, soft_targets)) > float(best)

    def test_an_encoder_with_high_cosines_gives_the_same_targets(self, pairs: Pairs) -> None:
        raw_audio = torch.randn(12, 6, generator=torch.Generator().manual_seed(1))
        unit = functional.normalize(raw_audio, dim=1)
        narrow = torch.cat([0.1 * unit, torch.full((12, 1), 0.99**0.5)], dim=1)  # cosines > 0.97
        assert compute_pairwise_cosine_similarities(narrow).min() > 0.97
        for temperature in (0.5, 2.0):
            losses = [
                float(soft_infonce_loss(*pairs, 0.1, SoftTargets(x, temperature=temperature)))
                for x in (raw_audio, narrow)
            ]
            assert losses[0] == pytest.approx(losses[1], rel=1e-3)

    @pytest.mark.parametrize("n", [2, 3, 8])
    def test_equal_clips_give_a_finite_loss(self, n: int) -> None:
        x = functional.normalize(torch.randn(n, 3), dim=1).requires_grad_()
        loss = soft_infonce_loss(x, x, 0.1, SoftTargets(torch.ones(n, 5)))
        loss.backward()
        assert torch.isfinite(loss) and torch.isfinite(x.grad).all()

    def test_a_similar_clip_costs_less_than_a_dissimilar_one(self) -> None:
        raw_audio = torch.tensor([[1.0, 0.0], [0.99, 0.14], [0.0, 1.0]])
        audio = torch.eye(3)
        similar = torch.tensor([[0.7, 0.7, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
        dissimilar = torch.tensor([[0.7, 0.0, 0.7], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
        loss = [
            float(soft_infonce_loss(code, audio, 0.2, SoftTargets(raw_audio)))
            for code in (similar, dissimilar)
        ]
        assert loss[0] < loss[1]
        hard = [float(infonce_loss(code, audio, 0.2)) for code in (similar, dissimilar)]
        assert hard[0] == pytest.approx(hard[1])

    def test_duplicates_are_in_neither_prediction_nor_target(self, pairs: Pairs) -> None:
        raw_audio = torch.randn(12, 6, generator=torch.Generator().manual_seed(1))
        source_ids = torch.zeros(12, dtype=torch.int64)  # one source: no negatives
        assert float(
            soft_infonce_loss(*pairs, 0.1, SoftTargets(raw_audio), source_ids=source_ids)
        ) == pytest.approx(0)


class TestDistancePreservation:
    def test_is_0_for_the_same_distances_at_another_scale(self) -> None:
        raw_audio = functional.normalize(
            torch.randn(10, 4, generator=torch.Generator().manual_seed(0)), dim=1
        )
        assert float(distance_preservation_loss(raw_audio, 5 * raw_audio)) == pytest.approx(
            0, abs=1e-9
        )

    def test_grows_with_noise(self) -> None:
        generator = torch.Generator().manual_seed(0)
        raw_audio = torch.randn(30, 4, generator=generator)
        losses = [
            float(
                distance_preservation_loss(
                    functional.normalize(
                        raw_audio + noise * torch.randn(30, 4, generator=generator), dim=1
                    ),
                    raw_audio,
                )
            )
            for noise in (0.1, 0.5, 3.0)
        ]
        assert losses == sorted(losses) and losses[0] > 0

    @pytest.mark.parametrize("n", [1, 2])
    def test_is_0_for_too_few_rows(self, n: int) -> None:
        x = functional.normalize(torch.ones(n, 3), dim=1).requires_grad_()
        loss = distance_preservation_loss(x, torch.ones(n, 5))
        loss.backward()
        assert float(loss.detach()) == 0

    def test_equal_rows_give_a_finite_loss(self) -> None:
        x = functional.normalize(torch.ones(5, 3), dim=1).requires_grad_()
        loss = distance_preservation_loss(x, torch.eye(5))
        loss.backward()
        assert torch.isfinite(loss) and torch.isfinite(x.grad).all()
