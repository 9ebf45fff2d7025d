"""Level, onset strength and periodicity of powers in bands over frames."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from core.encoders.simulation.third_octave_bands import (
    FFT_SIZE,
    FRAME_SECONDS,
    build_band_filters,
)
from core.sonicpi.audio_clip_and_render_result import SAMPLE_RATE

POWER_FLOOR = 1e-12
DYNAMIC_RANGE_DB = 80.0  # of the levels whose rises are onsets
# Of the measure of clips, `core.encoders.clip_descriptor_encoder`.
MEL_RANGE_DB, INITIAL_FRAMES = 60.0, 3
MEL_BANDS, MIN_MEL_HZ, MAX_MEL_HZ = 64, 30.0, 16_000.0
RISE_SPREAD = np.array([0.15, 0.7, 0.15])  # chosen on the starter corpus
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

    Its mean is one over mel bands, its levels have the same range, and the first frames, where
    every sound rises, are 0. Sounds that begin between two frames rise in both.

    Parameters
    ----------
    power : float [frames, bands]
    """
    mel_power = power @ _build_mel_filters_of_bands()
    levels = 10 * np.log10(np.maximum(mel_power, 1e-20))
    levels = np.maximum(levels, levels.max() - MEL_RANGE_DB)
    rises = np.maximum(np.diff(levels, axis=0), 0).mean(axis=1)
    strength: np.ndarray = np.convolve(np.concatenate([[0.0], rises]), RISE_SPREAD, "same")
    strength[:INITIAL_FRAMES] = 0
    return strength


@cache
def _build_mel_filters_of_bands() -> np.ndarray:
    """Return the weight of each third-octave band in each mel band: float32 [bands, MEL_BANDS].

    The mel filters are triangles of equal area, as `librosa.filters.mel` has them. The power of a
    band counts as evenly spread over its width.
    """
    edges = _convert_mel_to_hz(
        np.linspace(_convert_hz_to_mel(MIN_MEL_HZ), _convert_hz_to_mel(MAX_MEL_HZ), MEL_BANDS + 2)
    )
    frequencies = np.arange(FFT_SIZE // 2 + 1) * SAMPLE_RATE / FFT_SIZE
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    rising = (frequencies[:, None] - low) / (centre - low)
    falling = (high - frequencies[:, None]) / (high - centre)
    filters = np.maximum(np.minimum(rising, falling), 0) * 2 / (high - low)  # [bins, mel bands]
    bands = build_band_filters()  # [bins, bands]
    weights: np.ndarray = (bands.T @ filters) / np.maximum(bands.sum(axis=0)[:, None], 1e-9)
    return weights.astype(np.float32)


def _convert_hz_to_mel(hz: float) -> float:
    """Return a frequency on Slaney's mel scale in kHz below 1 kHz, logarithmic above."""
    return hz / 1000 if hz < 1000 else 1 + math.log(hz / 1000) / MEL_LOG_STEP


def _convert_mel_to_hz(mels: np.ndarray) -> np.ndarray:
    hz: np.ndarray = 1000 * np.where(mels < 1, mels, np.exp((mels - 1) * MEL_LOG_STEP))
    return hz


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
    levels = convert_power_to_levels_db(_compute_means_of_parts(power.sum(axis=1), step_count))
    return np.maximum(levels, MIN_STEP_LEVEL_DB) / 12 + 2


def _compute_means_of_parts(values: np.ndarray, part_count: int) -> np.ndarray:
    """Return the means of the parts that `np.array_split` makes; of empty ones 0."""
    length, longer_count = divmod(len(values), part_count)
    split = longer_count * (length + 1)
    means = np.zeros(part_count, values.dtype)
    if longer_count:
        means[:longer_count] = values[:split].reshape(longer_count, -1).mean(axis=1)
    if length:
        means[longer_count:] = values[split:].reshape(part_count - longer_count, -1).mean(axis=1)
    return means
