"""Audio descriptors of synthetic clips."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.studies.audio_descriptors import (
    correlate_descriptors_with_embeddings,
    measure_audio_descriptors,
)

SAMPLE_RATE = 44_100


def test_descriptors_of_clips_with_known_sound():
    time = np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE
    pulses = np.zeros_like(time)
    decay = np.exp(-20 * time[: SAMPLE_RATE // 5])
    pulse = np.sin(2 * np.pi * 200 * time[: SAMPLE_RATE // 5]) * decay
    for start in np.arange(8) * SAMPLE_RATE // 2 + SAMPLE_RATE // 4:  # two per second
        pulses[start:][: SAMPLE_RATE // 5] += pulse
    clips = {
        "tone": 0.1 * np.sin(2 * np.pi * 440 * time),
        "noise": 0.1 * np.random.default_rng(0).normal(size=len(time)),
        "pulses": pulses,
    }
    measured = {
        name: measure_audio_descriptors(np.stack([x, x], axis=1), SAMPLE_RATE)
        for name, x in clips.items()
    }
    tone, noise = measured["tone"], measured["noise"]
    assert tone["loudness"] == pytest.approx(20 * np.log10(0.1 / 2**0.5), abs=0.01)
    assert tone["median frequency"] == pytest.approx(np.log2(440), abs=0.03)
    assert noise["spectral flatness"] == pytest.approx(0, abs=0.1)
    assert tone["spectral flatness"] < -60
    assert noise["spectral rolloff"] == pytest.approx(np.log2(0.95 * 16_000), abs=0.02)
    assert measured["pulses"]["onset rate"] == 2 and tone["onset rate"] == 0.25
    assert tone["sounding fraction"] == 1
    assert 0.2 < measured["pulses"]["sounding fraction"] < 0.5


def test_a_space_of_one_descriptor_correlates_with_that_descriptor():
    descriptors = pd.DataFrame(
        {
            "onset rate": np.arange(8.0),
            "spectral flatness": np.random.default_rng(3).normal(size=8),
            "constant": 1.0,
        }
    )
    angle = np.linspace(0, 1, 8)  # The cosine distance grows with the difference.
    space = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    correlations = correlate_descriptors_with_embeddings(descriptors, {"x": space}).set_index(
        "descriptor"
    )["x"]
    assert correlations["onset rate"] > 0.95
    assert abs(correlations["spectral flatness"]) < 0.6
    assert np.isnan(correlations["constant"])
