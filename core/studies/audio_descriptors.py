"""What a listener would say of a clip, measured: how loud, high, bright, busy, full and noisy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import signal, stats

from core.studies.mantel import compute_pair_distances

FFT_SIZE, HOP_LENGTH = 4096, 1024  # samples
MIN_FREQUENCY_HZ, MAX_FREQUENCY_HZ = 30.0, 16_000.0  # Hz
BANDS_PER_OCTAVE = 6
SOUNDING_RANGE_DB = 20.0  # dB under the loudest frame: below, nothing much sounds
MIN_ONSET_RISE_DB = 3.0  # dB by which the mean band rises at an onset
MIN_ONSET_GAP_S = 0.1  # s between two onsets, at least
POWER_FLOOR = 1e-12
DESCRIPTOR_UNITS = {
    "loudness": "dB",
    "register": "octaves above 1 Hz: half of the energy lies below",
    "brightness": "octaves above 1 Hz: 95 % of the energy lies below",
    "pace": "onsets a second",
    "fullness": "share of the time that it sounds",
    "noise": "flatness of the spectrum, dB",
}


def measure_descriptors(samples: np.ndarray, sample_rate: int) -> dict[str, float]:
    """Measure a clip.

    Parameters
    ----------
    samples : array, float [frames, channels]
        At least `FFT` frames, not all silent.
    sample_rate : int

    Returns
    -------
    dict of str to float
        By `TRAITS`, in the units that are said there. noise is 0 dB for white noise and far
        below for a tone.
    """
    mono = samples.mean(axis=1).astype(np.float64)
    frequencies, _, spectrum = signal.stft(
        mono, sample_rate, nperseg=FFT_SIZE, noverlap=FFT_SIZE - HOP_LENGTH, boundary=None, padded=False
    )
    heard = (frequencies >= MIN_FREQUENCY_HZ) & (frequencies <= MAX_FREQUENCY_HZ)
    frequencies, power = frequencies[heard], np.square(np.abs(spectrum[heard]))  # [f, t]
    mean = power.mean(axis=1) + POWER_FLOOR * power.max()
    below = np.cumsum(mean) / mean.sum()
    level = 10 * np.log10(power.sum(axis=0) + POWER_FLOOR * power.max())  # dB [t]
    return {
        "loudness": float(10 * np.log10(np.mean(np.square(mono)) + POWER_FLOOR)),
        "register": float(np.log2(frequencies[np.searchsorted(below, 0.5)])),
        "brightness": float(np.log2(frequencies[np.searchsorted(below, 0.95)])),
        "pace": _count_onsets(power, frequencies, sample_rate) / (len(mono) / sample_rate),
        "fullness": float((level > level.max() - SOUNDING_RANGE_DB).mean()),
        "noise": float(10 * (np.log10(mean).mean() - np.log10(mean.mean()))),
    }


def _count_onsets(power: np.ndarray, frequencies: np.ndarray, sample_rate: int) -> int:
    """How often the spectrum rises at once: power [f, t]."""
    octaves = np.log2(frequencies / frequencies[0])
    edges = np.arange(0, octaves[-1], 1 / BANDS_PER_OCTAVE)
    starts = np.unique(np.searchsorted(octaves, edges))
    bands = np.add.reduceat(power, starts, axis=0)  # [bands, t]
    # What lies 60 dB under the loudest band is taken for silence, and so rises from there.
    decibels = 10 * np.log10(bands + 1e-6 * bands.max())
    rises = np.maximum(np.diff(decibels, axis=1), 0).mean(axis=0)
    rises = np.concatenate([[0.0], rises, [0.0]])  # an onset in the first step is one too
    first = decibels[:, 0].max() > decibels.max() - SOUNDING_RANGE_DB  # it sounds from the start
    peaks, _ = signal.find_peaks(
        rises, height=MIN_ONSET_RISE_DB, distance=max(1, round(MIN_ONSET_GAP_S * sample_rate / HOP_LENGTH))
    )
    return len(peaks) + int(first)


def correlate_descriptors(descriptors: pd.DataFrame, embedding_spaces: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """How far each space goes by each trait: are clips that differ in it far apart?

    Parameters
    ----------
    descriptors : DataFrame
        A row a clip, a column a trait.
    embedding_spaces : mapping of str to array, float [n, d]
        Row i is of the same clip.

    Returns
    -------
    DataFrame
        One row a trait, one column a space: Spearman's rank correlation, over all pairs, of the
        clips' difference in the trait and their cosine distance in the space. nan for a trait
        that doesn't vary.
    """
    first, second = np.triu_indices(len(descriptors), 1)
    rows = []
    for name in descriptors:
        values = descriptors[name].to_numpy(float)
        apart = np.abs(values[first] - values[second])
        row: dict[str, object] = {"trait": name}
        for space, x in embedding_spaces.items():
            flat = np.ptp(apart) == 0
            row[space] = np.nan if flat else stats.spearmanr(apart, compute_pair_distances(x)).statistic
        rows.append(row)
    return pd.DataFrame(rows)
