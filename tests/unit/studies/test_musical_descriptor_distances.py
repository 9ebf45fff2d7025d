"""Descriptors of rhythm, melody and timbre on clips of every combination of the three."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from core.studies.musical_descriptor_distances import (
    ASPECTS,
    DESCRIPTOR_ASPECTS,
    average_descriptor_ranks_by_aspect,
    compute_descriptor_distances,
    measure_musical_descriptors,
)

SAMPLE_RATE = 44_100
RHYTHMS = ((0.5,), (0.2,), (0.3, 0.3, 0.15))
MELODIES = ((60, 64), (54, 57), (73, 75))
HARMONICS = (1, 4, 12)


def make_clip(rhythm, melody, harmonic_count, seconds=4.0):
    """Return notes at the given gaps in seconds, in turn through the melody."""
    samples = np.zeros(int((seconds + 1) * SAMPLE_RATE))
    start = number = 0
    while start < seconds:
        time = np.arange(int(0.15 * SAMPLE_RATE)) / SAMPLE_RATE
        hertz = 440 * 2 ** ((melody[number % len(melody)] - 69) / 12)
        partials = [np.sin(2 * np.pi * hertz * k * time) / k for k in range(1, harmonic_count + 1)]
        note = np.sum(partials, axis=0) * np.exp(-12 * time)
        at = int(start * SAMPLE_RATE)
        samples[at : at + len(note)] += note
        start += rhythm[number % len(rhythm)]
        number += 1
    samples = samples[: int(seconds * SAMPLE_RATE)] * 0.2
    return np.stack([samples, samples], axis=1)


FACTORS = list(product(range(3), range(3), range(3)))  # rhythm, melody, timbre of each clip


@pytest.fixture(scope="module")
def distances():
    descriptors = [
        measure_musical_descriptors(
            make_clip(RHYTHMS[rhythm], MELODIES[melody], HARMONICS[timbre]), SAMPLE_RATE
        )
        for rhythm, melody, timbre in FACTORS
    ]
    return compute_descriptor_distances(descriptors)


def measure_separation(values, factor):
    """Return the probability that clips that differ in a factor are farther apart than others."""
    first, second = np.triu_indices(len(FACTORS), 1)
    levels = np.array(FACTORS)[:, factor]
    differs = levels[first] != levels[second]
    return np.mean(values[differs][:, None] > values[~differs][None]) + 0.5 * np.mean(
        values[differs][:, None] == values[~differs][None]
    )


def test_each_aspect_follows_what_it_describes_and_no_other(distances):
    for aspect, values in average_descriptor_ranks_by_aspect(distances).items():
        separation = [measure_separation(values, factor) for factor in range(3)]
        own = ASPECTS.index(aspect)
        assert separation[own] > 0.8, (aspect, separation)
        others = [value for factor, value in enumerate(separation) if factor != own]
        assert max(others) < 0.7, (aspect, separation)


def test_every_descriptor_has_an_aspect_and_distances_of_all_pairs(distances):
    assert set(distances) == set(DESCRIPTOR_ASPECTS)
    for values in distances.values():
        assert (
            values.shape == (27 * 26 // 2,)
            and np.isfinite(values).all()
            and (values >= -1e-9).all()
        )


def test_a_melody_s_pitch_classes_are_found():
    descriptors = measure_musical_descriptors(make_clip((0.25,), (60, 67), 4), SAMPLE_RATE)
    classes = descriptors["pitch classes"]
    assert classes.sum() == pytest.approx(1)
    assert set(np.argsort(-classes)[:2]) == {0, 7}
    assert descriptors["pitch height"][0] == pytest.approx(63.5 / 12, abs=0.3)


def test_a_regular_rhythm_repeats_at_its_period():
    periodicity = measure_musical_descriptors(make_clip((0.5,), (60,), 3), SAMPLE_RATE)[
        "periodicity"
    ]
    lag = 0.1 + periodicity[: int(0.75 * 43)].argmax() * 1024 / SAMPLE_RATE
    assert lag == pytest.approx(0.5, abs=0.03)


def test_noise_is_noisier_than_a_chord_and_rich_tones_have_more_harmonics():
    noise = np.random.default_rng(0).normal(size=(2 * SAMPLE_RATE, 1)) * 0.1
    pure, rich = (make_clip((0.25,), (60,), count) for count in (1, 12))
    noisy, plain, full = (
        measure_musical_descriptors(clip, SAMPLE_RATE) for clip in (noise, pure, rich)
    )
    assert noisy["noisiness"][0] > 0.8 > 0.2 > full["noisiness"][0]
    assert plain["harmonic profile"].argmax() == 0
    assert plain["harmonic profile"][0] > 2 * full["harmonic profile"][0]


def test_steady_sounds_have_finite_descriptors():
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    tone = np.sin(2 * np.pi * 440 * time)[:, None] * 0.1
    noise = np.random.default_rng(0).normal(size=(SAMPLE_RATE, 1)) * 0.1
    both = [measure_musical_descriptors(clip, SAMPLE_RATE) for clip in (tone, noise)]
    for values in compute_descriptor_distances(both).values():
        assert np.isfinite(values).all()
