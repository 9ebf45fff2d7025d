"""Level, onset strength and periodicity of powers in bands over frames."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from core.encoders.simulation.third_octave_bands import (
    BAND_CENTRES_HZ,
    FRAME_SECONDS,
    SEMITONES_PER_BAND,
)

POWER_FLOOR = 1e-12
DYNAMIC_RANGE_DB = 80.0  # of the levels whose rises are onsets
# Of the measure of clips, `core.encoders.clip_descriptor_encoder`.
MEL_RANGE_DB, INITIAL_FRAMES, MIN_MEL_HZ, MAX_MEL_HZ = 60.0, 3, 30.0, 16_000.0
MEL_LOG_STEP = math.log(6.4) / 27 * 15  # of 1 kHz in mel, 15 of which lie below it
LAG_SECONDS = np.geomspace(0.1, 2.0, 24)
MAX_LAG_FRAMES = int(2.05 / FRAME_SECONDS) + 2
MIN_STEP_LEVEL_DB = -70.0


def convert_power_to_levels_db(power: np.ndarray) -> np.ndarray:
    """Return powers as levels in dB, at least -120 dB."""
    levels: np.ndarray = 10 * np.log10(np.maximum(power, POWER_FLOOR))
    return levels


def compute_onset_strength(power: np.ndarray) -> np.ndarray:
    """Return the mean rise in level over the bands per frame, in dB: float [frames]."""
    levels = convert_power_to_levels_db(power)
    levels = np.maximum(levels, levels.max() - DYNAMIC_RANGE_DB)
    rises = np.maximum(np.diff(levels, axis=0), 0).mean(axis=1)
    return np.concatenate([[0.0], rises])


def compute_mel_onset_strength(power: np.ndarray) -> np.ndarray:
    """Return the rise in level per frame in dB as the measure of clips has it: float [frames].

    Its mean is one over mel bands, of which low third-octave bands have few, its levels have the
    same range, and the first frames, where every sound rises, are 0.

    Parameters
    ----------
    power : float [frames, bands]
    """
    levels = convert_power_to_levels_db(power)
    levels = np.maximum(levels, levels.max() - MEL_RANGE_DB)
    strength = np.concatenate([[0.0], np.maximum(np.diff(levels, axis=0), 0) @ _get_mel_shares()])
    strength[:INITIAL_FRAMES] = 0
    return strength


@cache
def _get_mel_shares() -> np.ndarray:
    """Return the share of each third-octave band in the mel bands of the measure: float [bands].

    Slaney's mel scale is linear below 1 kHz and logarithmic above.
    """
    ratio = 2 ** (SEMITONES_PER_BAND / 24)
    low, high = (
        np.clip(BAND_CENTRES_HZ * factor, MIN_MEL_HZ, MAX_MEL_HZ) for factor in (1 / ratio, ratio)
    )
    low_mels, high_mels = (
        np.where(hz < 1000, hz / 1000, 1 + np.log(np.maximum(hz, 1000) / 1000) / MEL_LOG_STEP)
        for hz in (low, high)
    )
    widths: np.ndarray = high_mels - low_mels
    return widths / widths.sum()


def compute_autocorrelation(strength: np.ndarray) -> np.ndarray:
    """Return the autocorrelation at lags of up to 2 s, 1 at lag 0; zeros if it is constant."""
    centred = strength - strength.mean()
    size = 2 ** math.ceil(math.log2(2 * len(centred)))
    spectrum = np.abs(np.fft.rfft(centred, size)) ** 2
    correlation = np.fft.irfft(spectrum)[: int(2.05 / FRAME_SECONDS) + 2]
    return correlation / correlation[0] if correlation[0] > 0 else np.zeros_like(correlation)


def compute_onset_periodicity(strength: np.ndarray) -> np.ndarray:
    """Return the autocorrelation of the onset strength at `LAG_SECONDS`: float [lags]."""
    correlation = compute_autocorrelation(strength)
    lags = np.arange(len(correlation)) * FRAME_SECONDS
    return np.interp(LAG_SECONDS, lags, correlation)


def compute_level_over_time_steps(power: np.ndarray, step_count: int) -> np.ndarray:
    """Return the level of each of equal parts of the sound, about 1 in size: float [steps]."""
    parts = np.array_split(power.sum(axis=1), step_count)
    levels = np.array(
        [convert_power_to_levels_db(part.mean()) if len(part) else -120.0 for part in parts]
    )
    return np.maximum(levels, MIN_STEP_LEVEL_DB) / 12 + 2
