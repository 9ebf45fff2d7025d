"""Training recovers shared structure, finds none in shuffled pairs, and is reproducible."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

from core.alignment import AlignmentConfig, TrainingPairs, TrainingResult, ValidationPairs, train
from core.alignment.projection_heads import ProjectionHeads
from core.alignment.training_pair_types_and_batches import (
    assign_same_label_to_equal_rows,
    split_rows_into_batches,
)
from core.alignment.validation_metrics import compute_validation_metrics
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
PAIR_COUNT, HELD_OUT_COUNT = 240, 80


@pytest.fixture(autouse=True)
def _use_one_thread() -> Iterator[None]:
    """Train with one thread: on tiny matrices a second one only waits."""
    thread_count = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(thread_count)


def make_pairs(n: int, noise: float = 0.1, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Code [n, 20] and audio [n, 24]: two curved, noisy views of one latent space."""
    views = torch.Generator().manual_seed(99)
    code_view, audio_view = torch.randn(8, 20, generator=views), torch.randn(8, 24, generator=views)
    draw = torch.Generator().manual_seed(seed)
    latent = torch.randn(n, 8, generator=draw)
    code = torch.tanh(latent @ code_view / 3) + noise * torch.randn(n, 20, generator=draw)
    audio = torch.tanh(latent @ audio_view / 3) + noise * torch.randn(n, 24, generator=draw)
    return 2 * code + 1, audio - 3


def train_and_validate(
    code: torch.Tensor, audio: torch.Tensor, config: AlignmentConfig = SMALL, **options: Any
) -> TrainingResult:
    """Train on the first three quarters and validate on the rest."""
    count = len(code) * 3 // 4
    training_pairs = TrainingPairs(code[:count], audio[:count])
    return train(training_pairs, ValidationPairs(code[count:], audio[count:]), config, **options)


def train_on_all(training_pairs: TrainingPairs, config: AlignmentConfig = SMALL) -> TrainingResult:
    """Train on all pairs, without validation pairs."""
    no_pairs = ValidationPairs(training_pairs.code[:0], training_pairs.audio[:0])
    return train(training_pairs, no_pairs, config)


def compute_recall(heads: ProjectionHeads, code: torch.Tensor, audio: torch.Tensor) -> float:
    with torch.no_grad():
        projected = [side.numpy() for side in heads(code, audio)]
    return metrics.recall_at_k(*projected, 1)


@pytest.mark.parametrize(
    "overrides",
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
def test_recovers_a_shared_latent_space_on_held_out_pairs(overrides: dict[str, Any]) -> None:
    config = AlignmentConfig.from_dict({**SMALL.to_dict(), **overrides})
    code, audio = make_pairs(PAIR_COUNT)
    heads = train_and_validate(code, audio, config).heads
    held_out = make_pairs(HELD_OUT_COUNT, seed=1)
    assert compute_recall(heads, *held_out) > 0.8
    with torch.no_grad():
        projected = heads.project_code_embeddings(held_out[0]).numpy()
    code, audio = (side.numpy() for side in held_out)
    # Also against raw audio, which no head can distort.
    assert metrics.overlap_at_k(projected, audio) > metrics.overlap_at_k(code, audio)


def test_shuffled_pairs_score_at_chance_on_held_out_pairs() -> None:
    code, audio = make_pairs(PAIR_COUNT)
    shuffled = audio[torch.randperm(PAIR_COUNT, generator=torch.Generator().manual_seed(5))]
    trained = train_and_validate(code, shuffled)
    held_code, held_audio = make_pairs(400, seed=1)
    assert compute_recall(trained.heads, held_code, held_audio) < 0.02  # chance is 1 / 400
    with torch.no_grad():
        projected = [side.numpy() for side in trained.heads(held_code, held_audio)]
    assert metrics.median_rank(*projected) == pytest.approx(200, abs=40)
    paired = train_and_validate(code, audio)
    assert compute_recall(paired.heads, held_code, held_audio) > 0.5


@pytest.mark.parametrize("objective", ["infonce", "soft_infonce"])
def test_the_same_seed_gives_the_same_bytes(objective: str) -> None:
    config = AlignmentConfig.from_dict({**SMALL.to_dict(), "objective": objective, "epochs": 6})
    code, audio = make_pairs(PAIR_COUNT)
    runs = [train_and_validate(code, audio, config) for _ in range(2)]
    first, second = (safetensors.torch.save(run.heads.get_tensors_to_save()) for run in runs)
    assert first == second
    assert runs[0].history.equals(runs[1].history)
    other = train_and_validate(
        code, audio, AlignmentConfig.from_dict({**config.to_dict(), "seed": 1})
    )
    assert safetensors.torch.save(other.heads.get_tensors_to_save()) != first


def test_does_not_change_the_random_numbers_of_the_caller() -> None:
    torch.manual_seed(123)
    expected = torch.rand(3)
    torch.manual_seed(123)
    train_and_validate(*make_pairs(40))
    assert torch.equal(torch.rand(3), expected)


class TestHistory:
    def test_has_one_row_per_epoch_and_the_best_weights_are_returned(self) -> None:
        code, audio = make_pairs(120, noise=0.8)
        trained = train_and_validate(
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
        recomputed = compute_validation_metrics(trained.heads, code[90:], audio[90:])
        best = history.iloc[trained.best_epoch - 1]
        for name, value in recomputed.items():
            assert value == pytest.approx(best[name], rel=1e-5), name

    def test_validation_metrics_equal_those_of_evaluation(self) -> None:
        code, audio = make_pairs(120)
        trained = train_and_validate(code, audio)
        values = compute_validation_metrics(trained.heads, code[90:], audio[90:])
        with torch.no_grad():
            x, y = (side.numpy() for side in trained.heads(code[90:], audio[90:]))
        assert values["cka"] == pytest.approx(metrics.cka(x, y), rel=1e-5)
        assert values["cka_raw"] == pytest.approx(metrics.cka(x, audio[90:].numpy()), rel=1e-5)
        assert values["recall_at_1"] == pytest.approx(metrics.recall_at_k(x, y, 1))

    def test_learning_rate_rises_and_falls(self) -> None:
        config = AlignmentConfig.from_dict(
            {**SMALL.to_dict(), "warmup_fraction": 0.3, "patience": 0, "epochs": 20}
        )
        rates = train_and_validate(*make_pairs(80), config).history["learning_rate"].to_numpy()
        assert rates[0] < rates[3] <= rates.max() <= config.learning_rate
        assert rates[-1] < 0.1 * rates.max()

    def test_callback_gets_every_epoch_and_can_stop(self) -> None:
        rows: list[dict[str, float]] = []

        def stop_after_three(row: dict[str, float]) -> bool:
            rows.append(row)
            return len(rows) == 3

        trained = train_and_validate(*make_pairs(60), on_epoch=stop_after_three)
        assert [row["epoch"] for row in rows] == [1, 2, 3]
        assert trained.stop_reason == "cancelled" and len(trained.history) == 3
        assert all(isinstance(value, (int, float)) for row in rows for value in row.values())


class TestSmallCorpora:
    @pytest.mark.parametrize("n", [2, 3, 5, 9])
    def test_a_few_pairs_can_be_train_and_validate(self, n: int) -> None:
        code, audio = make_pairs(n)
        config = AlignmentConfig(width=8, dim=4, epochs=3, batch_size=2, distance_weight=0.5)
        for objective in ("infonce", "soft_infonce"):
            chosen = AlignmentConfig.from_dict({**config.to_dict(), "objective": objective})
            trained = train(
                TrainingPairs(code, audio), ValidationPairs(code[:1], audio[:1]), chosen
            )
            assert torch.isfinite(trained.heads.project_code_embeddings(code)).all()

    def test_without_validation_pairs_all_epochs_are_run(self) -> None:
        code, audio = make_pairs(40)
        trained = train_on_all(TrainingPairs(code, audio))
        assert trained.best_epoch == len(trained.history) == SMALL.epochs
        assert trained.history["validation_loss"].isna().all()

    @pytest.mark.parametrize("n", range(2, 40))
    def test_no_batch_has_one_row_and_no_pair_is_left_out(self, n: int) -> None:
        for size in (2, 3, 16, 100):
            batches = split_rows_into_batches(torch.arange(n), size)
            assert torch.equal(torch.cat(batches), torch.arange(n))
            lengths = [len(batch) for batch in batches]
            assert min(lengths) >= 2 and max(lengths) - min(lengths) <= 1
            assert max(lengths) <= size + (size == 2)


def test_equal_code_is_one_source() -> None:
    code = torch.tensor([[1.0, 2], [3, 4], [1, 2], [5, 6]])
    labels = assign_same_label_to_equal_rows(code)
    assert labels is not None
    assert labels[0] == labels[2] and len(set(labels.tolist())) == 3
    assert assign_same_label_to_equal_rows(code[:2]) is None


def test_pairs_with_equal_code_are_not_negatives_of_each_other() -> None:
    code, audio = (side.repeat(8, 1) for side in make_pairs(30))
    config = AlignmentConfig.from_dict({**SMALL.to_dict(), "batch_size": 512})
    trained = train_on_all(TrainingPairs(code, audio), config)
    # If the 8 equal rows of a batch were negatives, no loss could be below log 8.
    assert trained.history["loss"].min() < 0.5 * math.log(8)


class TestErrors:
    def test_too_few_pairs(self) -> None:
        code, audio = make_pairs(4)
        with pytest.raises(EarshotError, match="1 training pairs"):
            train(TrainingPairs(code[:1], audio[:1]), ValidationPairs(code, audio), SMALL)

    def test_rows_that_do_not_match(self) -> None:
        code, audio = make_pairs(10)
        with pytest.raises(EarshotError, match="validation pairs"):
            train(TrainingPairs(code, audio), ValidationPairs(code[:5], audio[:4]), SMALL)
        with pytest.raises(EarshotError, match="training pairs"):
            train(TrainingPairs(code[0], audio), ValidationPairs(code, audio), SMALL)

    def test_embeddings_that_are_not_finite(self) -> None:
        code, audio = make_pairs(10)
        audio[3, 3] = np.nan
        with pytest.raises(EarshotError, match="audio embeddings of the training"):
            train(TrainingPairs(code, audio), ValidationPairs(code, audio), SMALL)

    def test_divergence_raises_an_error_with_a_remedy(self) -> None:
        code, audio = make_pairs(40)
        wild = AlignmentConfig(width=64, dim=4, layers=2, precision="fp32")
        code = torch.full_like(code, 2e38)
        code[0] = -2e38  # its distance from the mean overflows float32
        with pytest.raises(EarshotError, match="diverged.*learning rate"):
            train(TrainingPairs(code, audio), ValidationPairs(code, audio), wild)

    @pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
    def test_a_missing_gpu(self) -> None:
        code, audio = make_pairs(10)
        with pytest.raises(EarshotError, match="No GPU"):
            train(
                TrainingPairs(code, audio),
                ValidationPairs(code, audio),
                AlignmentConfig(device="cuda"),
            )


def add_irrelevant_columns(code: torch.Tensor, seed: int) -> torch.Tensor:
    """Append columns that are unrelated to the sound, such as a programmer's habits."""
    habits = torch.randn(len(code), 24, generator=torch.Generator().manual_seed(seed))
    return torch.cat([code, 6 * habits], dim=1)


def test_augmented_code_teaches_which_columns_are_irrelevant() -> None:
    code, audio = make_pairs(PAIR_COUNT)
    original = add_irrelevant_columns(code, 5)
    rewritten = torch.stack([add_irrelevant_columns(code, seed) for seed in (6, 7)])
    held_out_code, held_out_audio = make_pairs(HELD_OUT_COUNT, seed=1)
    queries = add_irrelevant_columns(held_out_code, 8)
    config = AlignmentConfig.from_dict({**SMALL.to_dict(), "epochs": 20})
    recalls = [
        compute_recall(
            train_on_all(TrainingPairs(original, audio, augmented_code=code), config).heads,
            queries,
            held_out_audio,
        )
        for code in (None, rewritten)
    ]
    assert recalls[1] > recalls[0] + 0.05


@pytest.mark.parametrize("objective", ["infonce", "soft_infonce"])
def test_hard_negatives_are_further_from_the_clips_than_without(objective: str) -> None:
    code, audio = make_pairs(PAIR_COUNT)
    held_out_code, held_out_audio = make_pairs(HELD_OUT_COUNT, seed=1)
    # The same change in every program: a column that is 0 in all original programs.
    changed, held_out_changed = (
        torch.cat([x, torch.full((len(x), 1), 2.0)], dim=1) for x in (code, held_out_code)
    )
    code, held_out_code = (
        torch.cat([x, torch.zeros(len(x), 1)], dim=1) for x in (code, held_out_code)
    )
    config = AlignmentConfig.from_dict(
        {**SMALL.to_dict(), "epochs": 20, "objective": objective, "cka_weight": 0.0}
    )
    margins = []
    for hard_negatives in (None, changed):
        pairs = TrainingPairs(code, audio, hard_negatives=hard_negatives)
        heads = train_on_all(pairs, config).heads
        with torch.no_grad():
            clips = heads.project_audio_embeddings(held_out_audio)
            similarity, changed_similarity = (
                (heads.project_code_embeddings(x) * clips).sum(dim=1)
                for x in (held_out_code, held_out_changed)
            )
        margins.append(float((similarity - changed_similarity).mean()))
    assert margins[1] > margins[0] + 0.05


def test_augmented_code_and_hard_negatives_need_one_row_per_program() -> None:
    code, audio = make_pairs(40)
    for pairs in (
        TrainingPairs(code, audio, augmented_code=code[None, 1:]),
        TrainingPairs(code, audio, hard_negatives=code[1:]),
    ):
        with pytest.raises(EarshotError, match="row per program"):
            train_on_all(pairs)
