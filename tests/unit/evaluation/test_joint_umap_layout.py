"""The map: reproducible, started from given positions, finite for any number of programs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.manifold import trustworthiness

from core.errors import EarshotError
from core.evaluation import joint_umap_layout
from core.evaluation.joint_umap_layout import compute_joint_umap_layout


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(4)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 5, 9, 20])
def test_any_number_of_programs_has_a_finite_map(rng: np.random.Generator, n: int) -> None:
    code, audio = compute_joint_umap_layout(rng.normal(size=(n, 6)), rng.normal(size=(n, 9)))
    assert code.shape == audio.shape == (n, 2)
    assert code.dtype == audio.dtype == np.float32
    assert np.isfinite(code).all() and np.isfinite(audio).all()


def test_is_bit_identical_for_a_seed(rng: np.random.Generator):
    code, audio = rng.normal(size=(40, 6)), rng.normal(size=(40, 9))
    first, second, other = (compute_joint_umap_layout(code, audio, seed) for seed in (1, 1, 2))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[0], other[0])


def test_unrelated_spaces_are_apart_and_shared_ones_together(
    rng: np.random.Generator,
):
    latent = rng.normal(size=(80, 8))
    code = np.hstack([latent + 3, np.zeros((80, 4))])
    audio = np.hstack([np.zeros((80, 8)), rng.normal(size=(80, 8)) + 3])
    before = compute_joint_umap_layout(code, audio)
    gap = np.linalg.norm(before[0].mean(0) - before[1].mean(0))
    assert gap > 2 * max(side.std(0).max() for side in before)
    # Started from two separate groups, aligned pairs nevertheless end up together.
    shared = latent, latent + 0.2 * rng.normal(size=latent.shape)
    after = compute_joint_umap_layout(*shared, initial_positions=before)
    within = np.linalg.norm(after[0] - after[1], axis=1)
    across = np.linalg.norm(after[0] - np.roll(after[1], 7, axis=0), axis=1)
    assert np.median(within) < 0.2 * np.median(across)


def test_keeps_neighbourhoods(rng: np.random.Generator):
    centres = rng.normal(size=(6, 10)) * 4
    points = centres[np.arange(120) % 6] + rng.normal(size=(120, 10))
    positions = np.vstack(compute_joint_umap_layout(points[:60], points[60:]))
    assert trustworthiness(points, positions, metric="cosine", n_neighbors=8) > 0.85


def test_a_large_map_places_the_points_beside_their_neighbours_in_a_sample(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(joint_umap_layout, "MAX_UMAP_POINTS", 199)
    monkeypatch.setattr(joint_umap_layout, "SAMPLED_POINTS", 60)
    centres = rng.normal(size=(5, 10)) * 4
    points = centres[np.arange(200) % 5] + rng.normal(size=(200, 10))
    code, audio = points[:120], points[120:]
    first, second = (compute_joint_umap_layout(code, audio) for _ in range(2))
    assert [part.shape for part in first] == [(120, 2), (80, 2)]
    np.testing.assert_array_equal(np.vstack(first), np.vstack(second))
    positions = np.vstack(first)
    assert positions.dtype == np.float32 and len(np.unique(positions, axis=0)) == 200
    assert trustworthiness(points, positions, metric="cosine", n_neighbors=8) > 0.85
    # One point fewer is laid out whole.
    whole = compute_joint_umap_layout(code[1:], audio)
    assert not np.array_equal(whole[0], first[0][1:])


def test_equal_embeddings_still_have_a_finite_map() -> None:
    code, audio = compute_joint_umap_layout(np.ones((20, 4)), np.ones((20, 4)))
    assert np.isfinite(code).all() and np.isfinite(audio).all()


def test_does_not_change_the_number_of_threads(rng: np.random.Generator):
    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            compute_joint_umap_layout(rng.normal(size=(20, 3)), rng.normal(size=(20, 3)))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)


def test_invalid_input_is_refused(rng: np.random.Generator):
    x = rng.normal(size=(5, 3))
    with pytest.raises(EarshotError, match="start from"):
        compute_joint_umap_layout(x, x, initial_positions=(np.ones((4, 2)), np.ones((5, 2))))
    with pytest.raises(EarshotError, match="not finite"):
        compute_joint_umap_layout(x * np.nan, x)
