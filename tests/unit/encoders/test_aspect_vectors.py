"""Aspect vectors: each aspect follows its own change of a clip."""

import numpy as np
import pytest

from core.encoders import get_encoder
from core.encoders.aspect_vectors import ASPECT_VECTOR_DIM, ASPECTS, split_aspect_vectors_by_aspect
from core.encoders.clip_aspect_encoder import measure_clip_aspects
from core.sonicpi.audio_clip_and_render_result import SAMPLE_RATE, Clip

SECONDS = np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE


def make_pulses(hz=440.0, period=0.5, harmonics=1, amplitude=0.1):
    tone = sum(np.sin(2 * np.pi * hz * n * SECONDS) / n for n in range(1, harmonics + 1))
    return (amplitude * tone * np.exp(-8 * (SECONDS % period))).astype(np.float32)


def measure_changes(**changes):
    """Return the aspect with the largest change, by distance relative to the vector's length."""
    before, after = (
        split_aspect_vectors_by_aspect(measure_clip_aspects(pulses, SAMPLE_RATE)[None])
        for pulses in (make_pulses(), make_pulses(**changes))
    )
    return {
        name: float(np.linalg.norm(before[name] - after[name]) / np.linalg.norm(before[name]))
        for name in ASPECTS
    }


@pytest.mark.parametrize(
    ("changes", "aspect"),
    [
        ({"hz": 622.25}, "pitch"),
        ({"period": 0.375}, "rhythm"),
        ({"harmonics": 12}, "timbre"),
        ({"amplitude": 0.005}, "level"),
    ],
)
def test_each_aspect_follows_its_own_change(changes, aspect):
    distances = measure_changes(**changes)
    assert max(distances, key=distances.__getitem__) == aspect, distances


def test_a_level_alone_changes_neither_timbre_nor_pitch_nor_rhythm():
    distances = measure_changes(amplitude=0.02)
    assert max(distances[name] for name in ("timbre", "pitch", "rhythm")) < 0.05


def test_encoder_takes_short_silent_and_resampled_clips():
    clips = [
        Clip(np.zeros((SAMPLE_RATE, 2), np.float32)),
        Clip(make_pulses()[:1000, None].repeat(2, axis=1)),
        Clip(make_pulses()[::2, None].repeat(2, axis=1), SAMPLE_RATE // 2),
    ]
    vectors = get_encoder("aspects").embed(clips)
    assert vectors.shape == (3, ASPECT_VECTOR_DIM) and np.isfinite(vectors).all()
