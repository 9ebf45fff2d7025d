"""Descriptors of rhythm, melody and timbre of a clip, and the distances of clips by each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import fft, signal, stats

from core.encoders.mel_filters import build_mel_filterbank
from core.studies.audio_descriptors import measure_audio_descriptors

FFT_SIZE, HOP_LENGTH = 4096, 1024  # samples
MEL_BAND_COUNT, MEL_MIN_HZ, MEL_MAX_HZ = 40, 30.0, 16_000.0
POWER_FLOOR = 1e-6  # of the loudest band and frame, 60 dB below it
# Lags of the onset strength's autocorrelation: from 32nd notes to a bar.
MIN_LAG_S, MAX_LAG_S = 0.1, 2.0
# Pitches as MIDI notes; the salience of each is a weighted sum over its harmonics.
MIN_PITCH, MAX_PITCH = 36, 95
HARMONIC_WEIGHTS = (1.0, 0.8, 0.64, 0.51, 0.41)
PROFILE_HARMONIC_COUNT = 12
HARMONIC_HALF_WIDTH = 2  # bins: half of the Hann window's main lobe
ENVELOPE_COEFFICIENTS = slice(1, 13)  # the first one is the level
# What a descriptor describes. Those that are profiles are compared by their correlation.
DESCRIPTOR_ASPECTS = {
    "periodicity": "rhythm",
    "onset rate": "rhythm",
    "pitch classes": "melody",
    "pitch height": "melody",
    "spectral envelope": "timbre",
    "harmonic profile": "timbre",
    "noisiness": "timbre",
}
ASPECTS = tuple(dict.fromkeys(DESCRIPTOR_ASPECTS.values()))
PROFILE_DESCRIPTORS = {"periodicity", "pitch classes"}


def measure_musical_descriptors(samples: np.ndarray, sample_rate: int) -> dict[str, np.ndarray]:
    """Measure what describes the rhythm, the melody and the timbre of a clip.

    Parameters
    ----------
    samples : array, float [frames, channels]
        At least 4096 frames, not all silent.
    sample_rate : int
        In Hz.

    Returns
    -------
    dict of str to array, float [d]
        Keys of `DESCRIPTOR_ASPECTS`. periodicity: autocorrelation of the onset strength at lags of
        0.1 to 2 s. onset rate: log2 of onsets per second. pitch classes: share of each of the 12 in
        the dominant pitch over time. pitch height: mean of the dominant pitch in octaves. spectral
        envelope: 12 cepstral coefficients of the mean mel spectrum. harmonic profile: share of each
        of the dominant pitch's first 12 harmonics. noisiness: share of the power that lies at none
        of them.
    """
    mono = samples.mean(axis=1).astype(np.float32)
    frequencies, _, spectrum = signal.stft(
        mono,
        sample_rate,
        nperseg=FFT_SIZE,
        noverlap=FFT_SIZE - HOP_LENGTH,
        boundary=None,
        padded=False,
    )
    power = np.square(np.abs(spectrum))  # [bins, frames]
    filters = build_mel_filterbank(MEL_BAND_COUNT, FFT_SIZE, sample_rate, MEL_MIN_HZ, MEL_MAX_HZ)
    bands = filters @ power
    levels = 10 * np.log10(bands + POWER_FLOOR * bands.max())  # dB [bands, frames]
    pitches, weights = _find_dominant_pitches(frequencies, power)
    harmonic_power = _measure_harmonic_power(frequencies, power, pitches) @ weights
    harmonic_amplitude = np.sqrt(harmonic_power)
    general = measure_audio_descriptors(samples, sample_rate)
    return {
        "periodicity": _compute_periodicity(levels, sample_rate),
        "onset rate": np.array([np.log2(max(general["onset rate"], 0.1))]),
        "pitch classes": np.bincount(pitches % 12, weights, minlength=12),
        "pitch height": np.array([pitches @ weights / 12]),
        "spectral envelope": fft.dct(levels.mean(axis=1), norm="ortho")[ENVELOPE_COEFFICIENTS],
        "harmonic profile": harmonic_amplitude / harmonic_amplitude.sum(),
        "noisiness": np.array([max(1 - harmonic_power.sum() / (power.sum(axis=0) @ weights), 0.0)]),
    }


def _compute_periodicity(levels: np.ndarray, sample_rate: int) -> np.ndarray:
    """Return the autocorrelation of the onset strength; zeros if it is constant."""
    strength = np.maximum(np.diff(levels, axis=1), 0).mean(axis=0)
    strength = strength - strength.mean()
    lags = np.arange(
        round(MIN_LAG_S * sample_rate / HOP_LENGTH), round(MAX_LAG_S * sample_rate / HOP_LENGTH)
    )
    total = strength @ strength
    if total == 0:
        return np.zeros(len(lags))
    padded = np.pad(strength, (0, int(lags[-1])))  # a short clip has no long lags
    return np.array([padded[lag : lag + len(strength)] @ strength for lag in lags]) / total


def _find_dominant_pitches(
    frequencies: np.ndarray, power: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the most salient pitch of each frame, as a MIDI note, and the frame's weight.

    Subharmonic summation: D. J. Hermes, Journal of the Acoustical Society of America 83, 1988.
    """
    notes = np.arange(MIN_PITCH, MAX_PITCH + 1)
    fundamentals = 440 * 2 ** ((notes - 69) / 12)
    magnitude = np.sqrt(power)
    salience = np.zeros((len(notes), power.shape[1]))
    for harmonic, weight in enumerate(HARMONIC_WEIGHTS, 1):
        positions = fundamentals * harmonic / (frequencies[1] - frequencies[0])
        nearest_bins = np.round(positions).astype(int)
        salience += weight * magnitude[np.minimum(nearest_bins, len(frequencies) - 1)]
    weights = power.sum(axis=0)
    return notes[salience.argmax(axis=0)], weights / weights.sum()


def _measure_harmonic_power(
    frequencies: np.ndarray, power: np.ndarray, pitches: np.ndarray
) -> np.ndarray:
    """Return the power around each harmonic of each frame's pitch, [harmonics, frames]."""
    fundamentals = 440 * 2 ** ((pitches - 69) / 12)  # Hz [frames]
    harmonics = np.arange(1, PROFILE_HARMONIC_COUNT + 1)[:, None] * fundamentals
    bins = np.round(harmonics / (frequencies[1] - frequencies[0])).astype(int)
    frames = np.arange(power.shape[1])
    total = np.zeros(bins.shape)
    for offset in range(-HARMONIC_HALF_WIDTH, HARMONIC_HALF_WIDTH + 1):
        is_inside = bins + offset < len(frequencies)
        total += np.where(is_inside, power[np.where(is_inside, bins + offset, 0), frames], 0)
    return total


def compute_descriptor_distances(
    descriptors: Sequence[Mapping[str, np.ndarray]],
) -> dict[str, np.ndarray]:
    """Return the distances of all pairs of clips by each descriptor.

    Parameters
    ----------
    descriptors : sequence of dict
        Of each clip, as `measure_musical_descriptors` returns them.

    Returns
    -------
    dict of str to array, float [n(n-1)/2]
        Profiles: 1 minus their correlation. Others: Euclidean distance. In the order of
        `core.studies.correlation_of_distances_and_mantel_test.compute_pair_distances`.
    """
    first, second = np.triu_indices(len(descriptors), 1)
    distances = {}
    for name in DESCRIPTOR_ASPECTS:
        values = np.stack([clip[name] for clip in descriptors])  # [n, d]
        if name in PROFILE_DESCRIPTORS:
            centered = values - values.mean(axis=1, keepdims=True)
            norms = np.linalg.norm(centered, axis=1, keepdims=True)
            rows = centered / np.where(norms > 0, norms, 1)
            distances[name] = 1 - np.einsum("pd,pd->p", rows[first], rows[second])
        else:
            distances[name] = np.linalg.norm(values[first] - values[second], axis=1)
    return distances


def average_descriptor_ranks_by_aspect(
    distances: Mapping[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """Return the distances by rhythm, melody and timbre: the mean rank by their descriptors.

    Parameters
    ----------
    distances : mapping of str to array, float [n(n-1)/2]
        As `compute_descriptor_distances` returns them.

    Returns
    -------
    dict of str to array, float [n(n-1)/2]
        Keys `ASPECTS`.
    """
    return {
        aspect: np.mean(
            [
                stats.rankdata(distances[name])
                for name, described in DESCRIPTOR_ASPECTS.items()
                if described == aspect
            ],
            axis=0,
        )
        for aspect in ASPECTS
    }
