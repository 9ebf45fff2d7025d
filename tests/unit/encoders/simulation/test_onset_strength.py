"""Onset strength of simulated power, in the mel bands of the measure of clips."""

import numpy as np
import pytest

from core.encoders.simulation.onset_strength import RISE_SPREAD, compute_mel_onset_strength
from core.encoders.simulation.third_octave_bands import BAND_COUNT, build_band_filters


def test_a_rise_counts_by_the_mel_bands_it_reaches():
    from librosa.filters import mel

    power = np.full((40, BAND_COUNT), 1e-3, np.float32)
    power[20:, 10:] *= 100
    filters = mel(sr=44_100, n_fft=4096, n_mels=64, fmin=30.0, fmax=16_000.0).T
    bands = build_band_filters()
    mel_power = power @ ((bands.T @ filters) / bands.sum(axis=0)[:, None])
    rise = (10 * np.log10(mel_power[20] / mel_power[19])).mean()
    strength = compute_mel_onset_strength(power)
    assert strength[20] == pytest.approx(rise * RISE_SPREAD[1], rel=1e-3)
    assert strength.sum() == pytest.approx(rise, rel=1e-3)


def test_rises_far_below_the_loudest_band_and_decays_do_not_count():
    power = np.full((40, BAND_COUNT), 1e-9, np.float32)
    power[:, 4] = 1.0
    power[20:, 20] = 1e-8
    assert compute_mel_onset_strength(power).max() < 0.01
    assert compute_mel_onset_strength(np.geomspace(1, 1e-3, 40)[:, None] * power[:1]).max() == 0
