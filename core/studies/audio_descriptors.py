"""Audio descriptors of a clip: loudness, frequency content, onset rate and noisiness."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import signal, stats

from core.studies.correlation_of_distances_and_mantel_test import compute_pair_distances

FFT_SIZE, HOP_LENGTH = 4096, 1024  # samples
MIN_FREQUENCY_HZ, MAX_FREQUENCY_HZ = 30.0, 16_000.0
BANDS_PER_OCTAVE = 6
SOUNDING_RANGE_DB = 20.0  # a frame sounds if it is at most this far below the loudest one
MIN_ONSET_RISE_DB = 3.0  # mean rise over all bands
MIN_ONSET_GAP_S = 0.1
POWER_FLOOR = 1e-12
BAND_FLOOR = 1e-6  # of the loudest band, 60 dB below it
DESCRIPTOR_UNITS = {
    "loudness": "dB",
    "median frequency": "octaves above 1 Hz; half of the energy lies below",
    "spectral rolloff": "octaves above 1 Hz; 95 % of the energy lies below",
    "onset rate": "onsets per second",
    "sounding fraction": "fraction of frames that sound",
    "spectral flatness": "dB",
}


def measure_audio_descriptors(samples: np.ndarray, sample_rate: int) -> dict[str, float]:
    """Measure the descriptors of a clip.

    Parameters
    ----------
    samples : array, float [frames, channels]
        At least `FFT_SIZE` frames, not all silent.
    sample_rate : int
        In Hz.

    Returns
    -------
    dict of str to float
        Keys and units as in `DESCRIPTOR_UNITS`. Spectral flatness is 0 dB for white noise and
        much lower for a tone.
    """
    mono = samples.mean(axis=1).astype(np.float64)
    frequencies, _, spectrum = signal.stft(
        mono,
        sample_rate,
        nperseg=FFT_SIZE,
        noverlap=FFT_SIZE - HOP_LENGTH,
        boundary=None,
        padded=False,
    )
    in_range = (frequencies >= MIN_FREQUENCY_HZ) & (frequencies <= MAX_FREQUENCY_HZ)
    frequencies, power = frequencies[in_range], np.square(np.abs(spectrum[in_range]))  # [f, t]
    mean = power.mean(axis=1) + POWER_FLOOR * power.max()
    cumulative = np.cumsum(mean) / mean.sum()
    level = 10 * np.log10(power.sum(axis=0) + POWER_FLOOR * power.max())  # dB [t]
    return {
        "loudness": float(10 * np.log10(np.mean(np.square(mono)) + POWER_FLOOR)),
        "median frequency": float(np.log2(frequencies[np.searchsorted(cumulative, 0.5)])),
        "spectral rolloff": float(np.log2(frequencies[np.searchsorted(cumulative, 0.95)])),
        "onset rate": _count_spectral_onsets(power, frequencies, sample_rate)
        / (len(mono) / sample_rate),
        "sounding fraction": float((level > level.max() - SOUNDING_RANGE_DB).mean()),
        "spectral flatness": float(10 * (np.log10(mean).mean() - np.log10(mean.mean()))),
    }


def _count_spectral_onsets(power: np.ndarray, frequencies: np.ndarray, sample_rate: int) -> int:
    """Count the frames at which the spectrum, power [f, t], rises sharply."""
    octaves = np.log2(frequencies / frequencies[0])
    edges = np.arange(0, octaves[-1], 1 / BANDS_PER_OCTAVE)
    starts = np.unique(np.searchsorted(octaves, edges))
    bands = np.add.reduceat(power, starts, axis=0)  # [bands, t]
    # The floor keeps a rise out of near silence from counting as a large one.
    decibels = 10 * np.log10(bands + BAND_FLOOR * bands.max())
    rises = np.maximum(np.diff(decibels, axis=1), 0).mean(axis=0)
    rises = np.concatenate([[0.0], rises, [0.0]])  # A peak needs neighbours on both sides.
    sounds_at_start = decibels[:, 0].max() > decibels.max() - SOUNDING_RANGE_DB
    min_gap = max(1, round(MIN_ONSET_GAP_S * sample_rate / HOP_LENGTH))
    peaks, _ = signal.find_peaks(rises, height=MIN_ONSET_RISE_DB, distance=min_gap)
    return len(peaks) + int(sounds_at_start)


def correlate_descriptors_with_embeddings(
    descriptors: pd.DataFrame, embedding_spaces: Mapping[str, np.ndarray]
) -> pd.DataFrame:
    """Correlate differences in each descriptor with distances in each embedding space.

    Parameters
    ----------
    descriptors : DataFrame
        One row per clip, one column per descriptor.
    embedding_spaces : mapping of str to array, float [n, d]
        Row i belongs to the same clip.

    Returns
    -------
    DataFrame
        Column ``descriptor``, and one column per space: Spearman's rank correlation, over all
        pairs, of the clips' difference in the descriptor and their cosine distance in the space;
        nan for a descriptor that is constant.
    """
    first, second = np.triu_indices(len(descriptors), 1)
    rows = []
    for name in descriptors:
        values = descriptors[name].to_numpy(float)
        differences = np.abs(values[first] - values[second])
        is_constant = np.ptp(differences) == 0
        row: dict[str, object] = {"descriptor": name}
        for space, embeddings in embedding_spaces.items():
            distances = compute_pair_distances(embeddings)
            row[space] = (
                np.nan if is_constant else stats.spearmanr(differences, distances).statistic
            )
        rows.append(row)
    return pd.DataFrame(rows)
