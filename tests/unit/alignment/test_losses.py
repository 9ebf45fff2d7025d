"""Losses against their formulas, and what they are for."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from core.alignment.losses import compute_cosine_similarities, distance_preservation_loss, infonce_loss, soft_infonce_loss


@pytest.fixture
def pairs() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    code, audio = torch.randn(2, 12, 5, generator=generator, dtype=torch.float64)
    return F.normalize(code, dim=1), F.normalize(audio, dim=1)


def written_out(code, audio, temperature, skip=lambda i, j: False):
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
    def test_equals_the_formula(self, pairs: tuple[torch.Tensor, torch.Tensor], temperature):
        found = float(infonce_loss(*pairs, temperature))
        assert found == pytest.approx(written_out(*pairs, temperature))

    def test_hard_negatives_are_told_from_by_clips_alone(
        self, pairs: tuple[torch.Tensor, torch.Tensor]
    ):
        code, audio = pairs
        against = F.normalize(torch.randn(3, 5, generator=torch.Generator().manual_seed(5)), dim=1)
        against = against.to(code)
        total = 0.0
        for i in range(len(code)):
            own = math.exp(float(code[i] @ audio[i]) / 0.2)
            clips = sum(math.exp(float(code[i] @ each) / 0.2) for each in audio)
            programs = sum(math.exp(float(audio[i] @ each) / 0.2) for each in (*code, *against))
            total -= math.log(own / clips) + math.log(own / programs)
        found = infonce_loss(code, audio, 0.2, hard_negatives=against)
        assert float(found) == pytest.approx(total / (2 * len(code)))
        soft = soft_infonce_loss(code, audio, 0.2, torch.randn(12, 4), 0.0, hard_negatives=against)
        assert float(soft) == pytest.approx(float(found))

    def test_is_symmetric(self, pairs: tuple[torch.Tensor, torch.Tensor]):
        code, audio = pairs
        assert float(infonce_loss(code, audio, 0.1)) == pytest.approx(float(infonce_loss(audio, code, 0.1)))

    def test_is_log_n_when_nothing_is_told_apart(self):
        same = F.normalize(torch.ones(16, 4), dim=1)
        assert float(infonce_loss(same, same, 0.07)) == pytest.approx(math.log(16))

    def test_is_0_when_pairs_are_alike_and_all_else_is_not(self):
        eye = torch.eye(8)
        assert float(infonce_loss(eye, eye, 0.01)) == pytest.approx(0, abs=1e-6)

    def test_duplicates_are_not_each_others_negatives(
        self, pairs: tuple[torch.Tensor, torch.Tensor]
    ):
        groups = [0, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1, 8]
        expected = written_out(*pairs, 0.2, skip=lambda i, j: i != j and groups[i] == groups[j])
        found = infonce_loss(*pairs, 0.2, torch.tensor(groups))
        assert float(found) == pytest.approx(expected)

    def test_duplicates_push_on_each_other_neither_way(self):
        code = F.normalize(torch.randn(4, 3, generator=torch.Generator().manual_seed(0)), dim=1)
        audio = code.flip(0).clone().requires_grad_()
        twins = torch.tensor([0, 0, 0, 0])
        infonce_loss(code, audio, 0.1, twins).backward()
        assert torch.allclose(audio.grad, torch.zeros_like(audio), atol=1e-6)

    def test_numbers_that_are_all_different_change_nothing(
        self, pairs: tuple[torch.Tensor, torch.Tensor]
    ):
        plain = infonce_loss(*pairs, 0.1)
        assert torch.equal(infonce_loss(*pairs, 0.1, torch.arange(12)), plain)


class TestSoftInfoNCE:
    def test_without_weight_it_is_info_nce(self, pairs: tuple[torch.Tensor, torch.Tensor]):
        heard = torch.randn(12, 6, generator=torch.Generator().manual_seed(1))
        soft = soft_infonce_loss(*pairs, 0.1, heard, soft_target_weight=0.0)
        assert float(soft) == pytest.approx(float(infonce_loss(*pairs, 0.1)))

    def test_equals_the_formula(self, pairs: tuple[torch.Tensor, torch.Tensor]):
        code, audio = pairs
        heard = torch.randn(12, 6, generator=torch.Generator().manual_seed(1))
        weight, soft_temperature, temperature = 0.7, 0.6, 0.2
        cosine = F.cosine_similarity(heard[:, None], heard[None], dim=2)
        spread = float(cosine[~torch.eye(12, dtype=torch.bool)].std(correction=0))
        likeness = (cosine / (soft_temperature * spread)).exp()
        target = (1 - weight) * torch.eye(12) + weight * likeness / likeness.sum(1, keepdim=True)
        expected = 0.0
        for a, b in ((code, audio), (audio, code)):
            guess = (a @ b.T / temperature).exp()
            guess = guess / guess.sum(1, keepdim=True)
            expected -= float((target * guess.log()).sum(1).mean()) / 2
        found = soft_infonce_loss(code, audio, temperature, heard, weight, soft_temperature)
        assert float(found) == pytest.approx(expected, rel=1e-5)

    def test_its_least_value_is_where_guesses_equal_audio_similarity(self):
        # Projections that are the clips themselves give exactly the target's softmax.
        heard = F.normalize(torch.randn(9, 6, generator=torch.Generator().manual_seed(2)), dim=1)
        spread = float(compute_cosine_similarities(heard)[~torch.eye(9, dtype=torch.bool)].std(correction=0))
        best = soft_infonce_loss(heard, heard, 0.1, heard, 1.0, 0.1 / spread)
        target = (compute_cosine_similarities(heard) / 0.1).softmax(dim=1)
        entropy = -(target * target.log()).sum(1).mean()
        assert float(best) == pytest.approx(float(entropy), rel=1e-5)
        other = F.normalize(heard + 0.3, dim=1)
        assert float(soft_infonce_loss(other, heard, 0.1, heard, 1.0, 0.1 / spread)) > float(best)

    def test_an_encoder_whose_clips_are_all_alike_gives_the_same_targets(
        self, pairs: tuple[torch.Tensor, torch.Tensor]
    ):
        heard = torch.randn(12, 6, generator=torch.Generator().manual_seed(1))
        unit = F.normalize(heard, dim=1)
        narrow = torch.cat([0.1 * unit, torch.full((12, 1), 0.99**0.5)], dim=1)  # cosines > 0.97
        assert compute_cosine_similarities(narrow).min() > 0.97
        for temperature in (0.5, 2.0):
            losses = [
                float(soft_infonce_loss(*pairs, 0.1, x, soft_target_temperature=temperature))
                for x in (heard, narrow)
            ]
            assert losses[0] == pytest.approx(losses[1], rel=1e-3)

    @pytest.mark.parametrize("n", [2, 3, 8])
    def test_clips_that_are_all_equal_give_a_number(self, n):
        x = F.normalize(torch.randn(n, 3), dim=1).requires_grad_()
        loss = soft_infonce_loss(x, x, 0.1, torch.ones(n, 5))
        loss.backward()
        assert torch.isfinite(loss) and torch.isfinite(x.grad).all()

    def test_a_near_twin_is_less_wrong_than_a_stranger(self):
        heard = torch.tensor([[1.0, 0.0], [0.99, 0.14], [0.0, 1.0]])
        audio = torch.eye(3)
        twin = torch.tensor([[0.7, 0.7, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
        stranger = torch.tensor([[0.7, 0.0, 0.7], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
        loss = [float(soft_infonce_loss(code, audio, 0.2, heard)) for code in (twin, stranger)]
        assert loss[0] < loss[1]
        hard = [float(infonce_loss(code, audio, 0.2)) for code in (twin, stranger)]
        assert hard[0] == pytest.approx(hard[1])

    def test_duplicates_are_in_neither_guess_nor_target(
        self, pairs: tuple[torch.Tensor, torch.Tensor]
    ):
        heard = torch.randn(12, 6, generator=torch.Generator().manual_seed(1))
        twins = torch.zeros(12, dtype=torch.int64)  # all one source: nothing to tell apart
        assert float(soft_infonce_loss(*pairs, 0.1, heard, source_ids=twins)) == pytest.approx(0)


class TestDistancePreservation:
    def test_is_0_for_the_same_distances_at_another_scale(self):
        heard = F.normalize(torch.randn(10, 4, generator=torch.Generator().manual_seed(0)), dim=1)
        assert float(distance_preservation_loss(heard, 5 * heard)) == pytest.approx(0, abs=1e-9)

    def test_grows_with_what_is_lost(self):
        generator = torch.Generator().manual_seed(0)
        heard = torch.randn(30, 4, generator=generator)
        losses = [
            float(
                distance_preservation_loss(
                    F.normalize(heard + noise * torch.randn(30, 4, generator=generator), dim=1),
                    heard,
                )
            )
            for noise in (0.1, 0.5, 3.0)
        ]
        assert losses == sorted(losses) and losses[0] > 0

    @pytest.mark.parametrize("n", [1, 2])
    def test_of_few_rows_there_is_nothing_to_preserve(self, n):
        x = F.normalize(torch.ones(n, 3), dim=1).requires_grad_()
        loss = distance_preservation_loss(x, torch.ones(n, 5))
        loss.backward()
        assert float(loss.detach()) == 0

    def test_rows_that_are_all_equal_give_a_number(self):
        x = F.normalize(torch.ones(5, 3), dim=1).requires_grad_()
        loss = distance_preservation_loss(x, torch.eye(5))
        loss.backward()
        assert torch.isfinite(loss) and torch.isfinite(x.grad).all()
