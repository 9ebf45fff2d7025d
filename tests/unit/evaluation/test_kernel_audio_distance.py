"""Kernel audio distance against its definition and on known cases."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import EarshotError
from core.evaluation.kernel_audio_distance import kernel_audio_distance


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(4)


def test_equals_the_definition(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.evaluation.kernel_audio_distance.BLOCK_ROWS", 7)
    x, y = rng.normal(size=(20, 3)), rng.normal(size=(31, 3)) + 0.5
    bandwidth = 1.7

    def kernel(a, b):
        return np.exp(-np.square(a - b).sum() / (2 * bandwidth**2))

    within = [
        np.mean([kernel(a, b) for i, a in enumerate(rows) for j, b in enumerate(rows) if i != j])
        for rows in (x, y)
    ]
    between = np.mean([kernel(a, b) for a in x for b in y])
    expected = 1000 * (within[0] + within[1] - 2 * between)
    assert kernel_audio_distance(x, y, bandwidth=bandwidth) == pytest.approx(expected)


def test_the_default_bandwidth_is_the_median_distance_of_the_reference(rng) -> None:
    x, y = rng.normal(size=(20, 3)), rng.normal(size=(31, 3))
    distances = [np.linalg.norm(x[i] - x[j]) for i in range(20) for j in range(i)]
    assert kernel_audio_distance(x, y) == pytest.approx(
        kernel_audio_distance(x, y, bandwidth=float(np.median(distances)))
    )


def test_samples_of_one_distribution_are_at_0_whatever_their_size(rng) -> None:
    for size in (10, 100):
        values = [kernel_audio_distance(*rng.normal(size=(2, size, 5))) for _ in range(60)]
        standard_error = np.std(values) / np.sqrt(60)
        assert abs(np.mean(values)) < 3.5 * standard_error


def test_grows_with_the_distance(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(2, 80, 5))
    distances = [kernel_audio_distance(x, y + shift) for shift in (0, 0.5, 1, 2)]
    assert distances == sorted(distances) and distances[-1] > 100


def test_refuses_what_has_no_distance(rng: np.random.Generator) -> None:
    x = rng.normal(size=(5, 3))
    for bad in (x[:1], x[:, :2]):
        with pytest.raises(EarshotError, match="no kernel distance"):
            kernel_audio_distance(x, bad)
    with pytest.raises(EarshotError, match="bandwidth"):
        kernel_audio_distance(np.ones((5, 3)), x)
