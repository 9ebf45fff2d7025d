"""The trainer: it learns what is there, nothing where there is nothing, and the same twice."""

from __future__ import annotations

import math

import numpy as np
import pytest
import safetensors.torch
import torch

from core.alignment import AlignmentConfig, train
from core.alignment.trainer import split_batches, label_duplicate_rows, compute_validation_metrics
from core.errors import EarshotError
from core.evaluation import metrics

SMALL = AlignmentConfig(
    objective="infonce",
    width=128,
    dim=32,
    dropout=0.1,
    input_dropout=0.0,
    temperature=0.07,
    learning_rate=3e-3,
    epochs=40,
    batch_size=64,
    precision="fp32",
    device="cpu",
)
N, HELD_OUT = 240, 80


@pytest.fixture(autouse=True)
def threads():
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # tiny matrices: a second thread only waits
    yield
    torch.set_num_threads(before)


def world(n: int, noise: float = 0.1, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Code [n, 20] and audio [n, 24]: two curved, noisy views of one latent space."""
    views = torch.Generator().manual_seed(99)
    code_view, audio_view = torch.randn(8, 20, generator=views), torch.randn(8, 24, generator=views)
    draw = torch.Generator().manual_seed(seed)
    latent = torch.randn(n, 8, generator=draw)
    code = torch.tanh(latent @ code_view / 3) + noise * torch.randn(n, 20, generator=draw)
    audio = torch.tanh(latent @ audio_view / 3) + noise * torch.randn(n, 24, generator=draw)
    return 2 * code + 1, audio - 3


def trained_on(code, audio, config=SMALL, **more):
    cut = len(code) * 3 // 4
    return train(code[:cut], audio[:cut], code[cut:], audio[cut:], config, **more)


def recall(heads, code, audio) -> float:
    with torch.no_grad():
        projected = [side.numpy() for side in heads(code, audio)]
    return metrics.recall_at_k(*projected, 1)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"objective": "soft_infonce"},
        {"distance_weight": 1.0},
        {"learnable_temperature": True},
        {"standardise": False},
        {"schedule": "constant"},
        {"layers": 1},
        {"precision": "bf16"},
    ],
    ids=str,
)
def test_recovers_a_shared_latent_space_on_held_out_pairs(more):
    config = AlignmentConfig.from_dict({**SMALL.to_dict(), **more})
    code, audio = world(N)
    heads = trained_on(code, audio, config).heads
    held_out = world(HELD_OUT, seed=1)
    assert recall(heads, *held_out) > 0.8
    with torch.no_grad():
        projected = heads.project_code(held_out[0]).numpy()
    code, audio = (side.numpy() for side in held_out)
    # Against raw audio too, which no head can bend.
    assert metrics.overlap_at_k(projected, audio) > metrics.overlap_at_k(code, audio)


def test_shuffled_pairs_score_at_chance_on_held_out_pairs():
    code, audio = world(N)
    shuffled = audio[torch.randperm(N, generator=torch.Generator().manual_seed(5))]
    trained = trained_on(code, shuffled)
    held_code, held_audio = world(400, seed=1)
    assert recall(trained.heads, held_code, held_audio) < 0.02  # chance is 1 / 400
    with torch.no_grad():
        projected = [side.numpy() for side in trained.heads(held_code, held_audio)]
    assert metrics.median_rank(*projected) == pytest.approx(200, abs=40)
    own = trained_on(code, audio)
    assert recall(own.heads, held_code, held_audio) > 0.5


@pytest.mark.parametrize("objective", ["infonce", "soft_infonce"])
def test_the_same_seed_gives_the_same_bytes(objective):
    config = AlignmentConfig.from_dict({**SMALL.to_dict(), "objective": objective, "epochs": 6})
    code, audio = world(N)
    runs = [trained_on(code, audio, config) for _ in range(2)]
    first, second = (safetensors.torch.save(run.heads.to_tensors()) for run in runs)
    assert first == second
    assert runs[0].history.equals(runs[1].history)
    other = trained_on(code, audio, AlignmentConfig.from_dict({**config.to_dict(), "seed": 1}))
    assert safetensors.torch.save(other.heads.to_tensors()) != first


def test_leaves_the_callers_random_numbers_alone():
    torch.manual_seed(123)
    expected = torch.rand(3)
    torch.manual_seed(123)
    trained_on(*world(40))
    assert torch.equal(torch.rand(3), expected)


class TestHistory:
    def test_has_a_row_an_epoch_and_the_best_weights_are_kept(self):
        code, audio = world(120, noise=0.8)
        trained = trained_on(
            code,
            audio,
            AlignmentConfig(
                width=32,
                dim=16,
                dropout=0,
                input_dropout=0,
                temperature=0.07,
                epochs=40,
                patience=5,
                learning_rate=0.01,
                precision="fp32",
            ),
        )
        history = trained.history
        assert list(history["epoch"]) == list(range(1, len(history) + 1))
        assert trained.best_epoch == history["epoch"][history["validation_loss"].idxmin()]
        assert trained.stop_reason == "patience" and len(history) == trained.best_epoch + 5
        again = compute_validation_metrics(trained.heads, code[90:], audio[90:])
        best = history.iloc[trained.best_epoch - 1]
        for name, value in again.items():
            assert value == pytest.approx(best[name], rel=1e-5), name

    def test_its_measures_are_those_of_the_metrics(self):
        code, audio = world(120)
        trained = trained_on(code, audio)
        found = compute_validation_metrics(trained.heads, code[90:], audio[90:])
        with torch.no_grad():
            x, y = (side.numpy() for side in trained.heads(code[90:], audio[90:]))
        assert found["cka"] == pytest.approx(metrics.cka(x, y), rel=1e-5)
        assert found["cka_raw"] == pytest.approx(metrics.cka(x, audio[90:].numpy()), rel=1e-5)
        assert found["recall_at_1"] == pytest.approx(metrics.recall_at_k(x, y, 1))

    def test_the_learning_rate_rises_and_falls(self):
        config = AlignmentConfig.from_dict(
            {**SMALL.to_dict(), "warmup_fraction": 0.3, "patience": 0, "epochs": 20}
        )
        rates = trained_on(*world(80), config).history["learning_rate"].to_numpy()
        assert rates[0] < rates[3] <= rates.max() <= config.learning_rate
        assert rates[-1] < 0.1 * rates.max()

    def test_a_listener_hears_every_epoch_and_can_stop(self):
        heard = []

        def listen(row):
            heard.append(row)
            return len(heard) == 3

        trained = trained_on(*world(60), on_epoch=listen)
        assert [row["epoch"] for row in heard] == [1, 2, 3]
        assert trained.stop_reason == "cancelled" and len(trained.history) == 3
        assert all(isinstance(value, (int, float)) for row in heard for value in row.values())


class TestSmallCorpora:
    @pytest.mark.parametrize("n", [2, 3, 5, 9])
    def test_a_handful_of_pairs_can_be_trained_on(self, n):
        code, audio = world(n)
        config = AlignmentConfig(width=8, dim=4, epochs=3, batch_size=2, distance_weight=0.5)
        for objective in ("infonce", "soft_infonce"):
            chosen = AlignmentConfig.from_dict({**config.to_dict(), "objective": objective})
            trained = train(code, audio, code[:1], audio[:1], chosen)
            assert torch.isfinite(trained.heads.project_code(code)).all()

    def test_without_validation_pairs_all_epochs_are_run(self):
        code, audio = world(40)
        trained = train(code, audio, code[:0], audio[:0], SMALL)
        assert trained.best_epoch == len(trained.history) == SMALL.epochs
        assert trained.history["validation_loss"].isna().all()

    @pytest.mark.parametrize("n", range(2, 40))
    def test_no_batch_is_of_one_and_no_pair_is_left_out(self, n):
        for size in (2, 3, 16, 100):
            cut = split_batches(torch.arange(n), size)
            assert torch.equal(torch.cat(cut), torch.arange(n))
            lengths = [len(batch) for batch in cut]
            assert min(lengths) >= 2 and max(lengths) - min(lengths) <= 1
            assert max(lengths) <= size + (size == 2)


def test_equal_code_is_one_source():
    code = torch.tensor([[1.0, 2], [3, 4], [1, 2], [5, 6]])
    numbers = label_duplicate_rows(code)
    assert numbers[0] == numbers[2] and len(set(numbers.tolist())) == 3
    assert label_duplicate_rows(code[:2]) is None


def test_twins_do_not_keep_a_pair_from_being_learnt():
    code, audio = (side.repeat(8, 1) for side in world(30))
    config = AlignmentConfig.from_dict({**SMALL.to_dict(), "batch_size": 512})
    trained = train(code, audio, code[:0], audio[:0], config)
    # Were the 8 twins in a batch negatives, no loss could be below log 8.
    assert trained.history["loss"].min() < 0.5 * math.log(8)


class TestErrors:
    def test_too_few_pairs(self):
        code, audio = world(4)
        with pytest.raises(EarshotError, match="1 training pairs"):
            train(code[:1], audio[:1], code, audio, SMALL)

    def test_rows_that_do_not_match(self):
        code, audio = world(10)
        with pytest.raises(EarshotError, match="validation pairs"):
            train(code, audio, code[:5], audio[:4], SMALL)
        with pytest.raises(EarshotError, match="training pairs"):
            train(code[0], audio, code, audio, SMALL)

    def test_embeddings_that_are_not_finite(self):
        code, audio = world(10)
        audio[3, 3] = np.nan
        with pytest.raises(EarshotError, match="audio embeddings of the training"):
            train(code, audio, code, audio, SMALL)

    def test_divergence_is_said_and_what_to_do(self):
        code, audio = world(40)
        wild = AlignmentConfig(width=64, dim=4, layers=2, precision="fp32")
        code = torch.full_like(code, 2e38)
        code[0] = -2e38  # further from the mean than a number of 32 bits reaches
        with pytest.raises(EarshotError, match="diverged.*learning rate"):
            train(code, audio, code, audio, wild)

    @pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
    def test_a_gpu_that_is_not_there(self):
        code, audio = world(10)
        with pytest.raises(EarshotError, match="No GPU"):
            train(code, audio, code, audio, AlignmentConfig(device="cuda"))


def with_habits(code: torch.Tensor, seed: int) -> torch.Tensor:
    """Code beside columns that say nothing of its sound: how it happens to be written."""
    habits = torch.randn(len(code), 24, generator=torch.Generator().manual_seed(seed))
    return torch.cat([code, 6 * habits], dim=1)


def test_programs_written_otherwise_teach_what_does_not_matter():
    code, audio = world(N)
    written = with_habits(code, 5)
    otherwise = torch.stack([with_habits(code, 6), with_habits(code, 7)])
    held_out, heard = world(HELD_OUT, seed=1)
    asked = with_habits(held_out, 8)
    brief = AlignmentConfig.from_dict({**SMALL.to_dict(), "epochs": 20})
    found = [
        recall(
            train(written, audio, asked[:0], heard[:0], brief, augmented_code=more).heads, asked, heard
        )
        for more in (None, otherwise)
    ]
    assert found[1] > found[0] + 0.05


@pytest.mark.parametrize("objective", ["infonce", "soft_infonce"])
def test_hard_negatives_are_further_from_the_clips_than_without(objective):
    code, audio = world(N)
    held_out, heard = world(HELD_OUT, seed=1)
    # One thing is changed in every program: a column that is the same in all as they are.
    changed, other = (torch.cat([x, torch.full((len(x), 1), 2.0)], dim=1) for x in (code, held_out))
    code, held_out = (torch.cat([x, torch.zeros(len(x), 1)], dim=1) for x in (code, held_out))
    config = AlignmentConfig.from_dict(
        {**SMALL.to_dict(), "epochs": 20, "objective": objective, "cka_weight": 0.0}
    )
    preferred = []
    for against in (None, changed):
        heads = train(code, audio, held_out[:0], heard[:0], config, hard_negatives=against).heads
        with torch.no_grad():
            clips = heads.project_audio(heard)
            own, theirs = ((heads.project_code(x) * clips).sum(dim=1) for x in (held_out, other))
        preferred.append(float((own - theirs).mean()))
    assert preferred[1] > preferred[0] + 0.05


def test_what_is_rewritten_or_changed_has_a_row_for_each_program():
    code, audio = world(40)
    for more in ({"augmented_code": code[None, 1:]}, {"hard_negatives": code[1:]}):
        with pytest.raises(EarshotError, match="row a program"):
            train(code, audio, code[:0], audio[:0], SMALL, **more)
