"""Level, onset strength and periodicity of powers in bands over frames."""

from __future__ import annotations

import math

import numpy as np

from core.encoders.simulation.third_octave_bands import FRAME_SECONDS

POWER_FLOOR = 1e-12
DYNAMIC_RANGE_DB = 80.0  # of the levels whose rises are onsets
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
