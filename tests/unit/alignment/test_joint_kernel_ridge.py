"""Joint kernel ridge regression: two predictions of a clip, mixed and whitened."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.alignment import AlignmentConfig, ProjectionHeads, TrainingPairs, ValidationPairs, train
from core.alignment.joint_kernel_ridge import (
    measure_agreement,
    measure_similarity_of_retrieved_clips,
)
from core.alignment.projection_heads import measure_projection_strengths, project_embeddings
from core.errors import EarshotError
from core.evaluation import metrics

OBJECTIVES = ("joint_kernel_ridge", "whitened_joint_kernel_ridge")
CONFIG, WHITENED_CONFIG = (AlignmentConfig.from_preset(objective) for objective in OBJECTIVES)
SIMULATION_DIM = 5
GROUPS = np.repeat([f"t{number}" for number in range(12)], 20)
IS_TRAINING = np.arange(len(GROUPS)) < 180


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def latent(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=(len(GROUPS), 6))


@pytest.fixture
def audio(latent: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Clips in which each of the latent dimensions counts alike."""
    return (latent @ np.linalg.qr(rng.normal(size=(10, 6)))[0].T).astype(np.float32)


def fit(
    code: np.ndarray,
    audio: np.ndarray,
    groups: np.ndarray | None = GROUPS,
    config: AlignmentConfig = CONFIG,
) -> ProjectionHeads:
    """Fit on the first 9 of 12 groups."""
    pairs = TrainingPairs(
        torch.from_numpy(code[IS_TRAINING]),
        torch.from_numpy(audio[IS_TRAINING]),
        groups=None if groups is None else groups[IS_TRAINING],
        simulation_dim=SIMULATION_DIM,
    )
    no_validation = ValidationPairs(pairs.code[:0], pairs.audio[:0])
    return train(pairs, no_validation, config).heads


def join(code: np.ndarray, simulation: np.ndarray) -> np.ndarray:
    return np.hstack([code, simulation]).astype(np.float32)


def measure_held_out_agreement(
    heads: ProjectionHeads, code: np.ndarray, audio: np.ndarray
) -> float:
    """Return the debiased CKA of predictions and raw audio of the last 3 groups."""
    predicted = project_embeddings(heads, code[~IS_TRAINING], "code")
    return metrics.cka(predicted, audio[~IS_TRAINING], debiased=True)


def test_code_and_simulation_together_agree_more_than_either(
    latent: np.ndarray, audio: np.ndarray, rng: np.random.Generator
) -> None:
    """Code states one half of what clips differ in, and the simulation the other."""
    noise = 0.1 * rng.normal(size=(2, len(audio), 2))
    parts = np.hstack([latent[:, :3], noise[0]]), np.hstack([latent[:, 3:], noise[1]])
    nothing = np.zeros((len(audio), SIMULATION_DIM))
    agreements = {}
    for name, code in {
        "both": join(*parts),
        "code": join(parts[0], nothing),
        "simulation": join(nothing, parts[1]),
    }.items():
        agreements[name] = measure_held_out_agreement(fit(code, audio), code, audio)
    both = agreements.pop("both")
    assert both > max(agreements.values()) + 0.08, (both, agreements)


@pytest.mark.parametrize("config", [CONFIG, WHITENED_CONFIG])
@pytest.mark.parametrize("is_simulation_informative", [True, False])
def test_the_weight_follows_what_predicts_held_out_templates(
    latent: np.ndarray,
    audio: np.ndarray,
    rng: np.random.Generator,
    is_simulation_informative: bool,
    config: AlignmentConfig,
) -> None:
    noise = rng.normal(size=(len(audio), SIMULATION_DIM))
    code = join(noise, latent[:, :5]) if is_simulation_informative else join(latent[:, :5], noise)
    weight = fit(code, audio, config=config).get_chosen_constants()["simulation_weight"]
    assert (weight >= 0.8) == is_simulation_informative and (weight <= 0.2) != (weight >= 0.8)


def test_what_only_repeats_the_template_has_no_weight_on_other_templates(
    latent: np.ndarray, audio: np.ndarray
) -> None:
    """Code that names the template predicts its other variants, and nothing about new ones."""
    own_offset = np.repeat(np.eye(12), 20, axis=0)
    audio = audio * 0.3 + (own_offset @ np.random.default_rng(1).normal(size=(12, 10)) * 3)
    code = join(own_offset, latent[:, :5])
    weights = [
        fit(code, audio.astype(np.float32), groups).get_chosen_constants()["simulation_weight"]
        for groups in (GROUPS, None)
    ]
    assert weights[0] == 1.0 and weights[1] < 1.0, weights


@pytest.mark.parametrize("config", [CONFIG, WHITENED_CONFIG])
def test_saved_heads_project_alike(
    latent: np.ndarray, audio: np.ndarray, rng: np.random.Generator, config: AlignmentConfig
) -> None:
    code = join(rng.normal(size=(len(audio), 4)), latent[:, :5])
    heads = fit(code, audio, config=config)
    restored = ProjectionHeads.from_tensors(config, heads.get_tensors_to_save())
    assert restored.get_chosen_constants() == heads.get_chosen_constants() != {}
    np.testing.assert_array_equal(
        project_embeddings(restored, code, "code"), project_embeddings(heads, code, "code")
    )
    projected = project_embeddings(restored, audio, "audio")
    np.testing.assert_array_equal(projected, project_embeddings(heads, audio, "audio"))
    np.testing.assert_allclose(np.linalg.norm(projected, axis=1), 1, atol=1e-5)
    other = AlignmentConfig.from_preset("kernel_ridge")
    with pytest.raises(EarshotError, match="do not fit their config"):
        ProjectionHeads.from_tensors(other, heads.get_tensors_to_save())


def test_code_unlike_all_programs_is_predicted_weakly(
    latent: np.ndarray, audio: np.ndarray
) -> None:
    code = join(latent, latent[:, :5])
    heads = fit(code, audio)
    near, far = (
        measure_projection_strengths(heads, rows, "code").mean()
        for rows in (code[~IS_TRAINING], code[~IS_TRAINING] + 40)
    )
    assert far < 0.1 * near, (near, far)
    assert (measure_projection_strengths(heads, audio, "audio") > 0).all()


@pytest.mark.parametrize(("simulation_dim", "count"), [(0, 60), (9, 60), (SIMULATION_DIM, 7)])
def test_refuses_code_without_simulation_or_too_few_programs(
    rng: np.random.Generator, simulation_dim: int, count: int
) -> None:
    code, audio = torch.from_numpy(rng.normal(size=(2, count, 9)))
    pairs = TrainingPairs(code, audio, simulation_dim=simulation_dim)
    with pytest.raises(EarshotError, match="joint_kernel_ridge needs") as error:
        train(pairs, ValidationPairs(code[:0], audio[:0]), WHITENED_CONFIG)
    assert error.value.remedy


def test_agreement_is_the_mean_of_the_published_measures(rng: np.random.Generator) -> None:
    true = rng.normal(size=(80, 12))
    predicted = true + 0.8 * rng.normal(size=true.shape)
    whitened = true * np.linspace(0.2, 2, 12)
    true, predicted, whitened = (
        rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (true, predicted, whitened)
    )
    expected = (
        (1 / metrics.compute_match_ranks(predicted, whitened)).mean()
        + sum(metrics.cka(predicted, clips, debiased=True) for clips in (whitened, true)) / 2
        + sum(metrics.mutual_knn(predicted, clips, 10) for clips in (whitened, true)) / 2
    ) / 3
    assert measure_agreement(predicted, whitened, true) == pytest.approx(expected, abs=1e-6)
    retrieved_rows = np.argsort(-(predicted[:20] @ true[20:].T), axis=1)[:, :5]
    similarity = measure_similarity_of_retrieved_clips(predicted[:20], true[:20], true[20:])
    expected = metrics.normalized_similarity(retrieved_rows, true[:20], true[20:]).mean()
    assert similarity == pytest.approx(expected, abs=1e-5)


def test_whitening_finds_clips_that_differ_in_small_ways(rng: np.random.Generator) -> None:
    """Large differences are predicted badly and small ones well, as among variants."""
    true = rng.normal(size=(len(GROUPS), 6)) * [3, 3, 3, 0.3, 0.3, 0.3]
    simulation = true[:, 3:] / 0.3
    guess = true[:, :3] + 3 * rng.normal(size=(len(GROUPS), 3))
    code = join(np.hstack([guess, simulation]), np.hstack([simulation, guess[:, :2]]))
    ranks = []
    for config in (CONFIG, WHITENED_CONFIG):
        heads = fit(code, true.astype(np.float32), config=config)
        projected = project_embeddings(heads, true[~IS_TRAINING], "audio")
        predicted = project_embeddings(heads, code[~IS_TRAINING], "code")
        ranks.append(metrics.compute_match_ranks(predicted, projected).mean())
    assert ranks[1] < 0.6 * ranks[0], ranks
