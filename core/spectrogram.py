"""A clip's sound over time and frequency, on the scale of levels that ears have."""

from __future__ import annotations

import numpy as np
from scipy.fft import rfft

FFT_SIZE = 4096  # samples a frame: 93 ms at 44.1 kHz
MIN_FREQUENCY_HZ = 30.0  # Hz
MIN_LEVEL_DB = -90.0  # dB under a full-scale sine


def compute_spectrogram(
    samples: np.ndarray, sample_rate: int, column_count: int = 360, band_count: int = 110
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Level of each band of frequencies in each stretch of time.

    Parameters
    ----------
    samples : float [frames, channels]
        In [-1, 1]; of several channels the loudest counts.
    sample_rate : int
        In Hz.
    column_count, band_count : int
        Stretches of time, all of the same length; bands between 30 Hz and half the
        sample rate, all of the same ratio.

    Returns
    -------
    seconds : float [columns + 1]
        Edges of the stretches.
    hertz : float [bands + 1]
        Edges of the bands.
    level : float32 [bands, columns]
        Of the strongest frequency in the band, in dB; 0 is a full-scale sine's (up to
        1.4 dB less between two bins of the Hann window), no less than `FLOOR`.
    """
    frames = max(len(samples), 1)
    seconds = np.linspace(0, frames / sample_rate, column_count + 1)
    hertz = np.geomspace(MIN_FREQUENCY_HZ, sample_rate / 2, band_count + 1)
    middles = ((np.arange(column_count) + 0.5) * frames / column_count).astype(int)
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FFT_SIZE) / FFT_SIZE)
    taper = (taper / (taper.sum() / 2)).astype(np.float32)  # a full-scale sine: 0 dB
    # A band that is narrower than a bin shows the bin that it lies in.
    bins = np.clip(np.round(hertz * FFT_SIZE / sample_rate).astype(int), 0, FFT_SIZE // 2)
    power = np.zeros((column_count, band_count), np.float32)
    for channel in np.atleast_2d(np.asarray(samples, np.float32).T):
        padded = np.pad(channel, (FFT_SIZE // 2, FFT_SIZE // 2 + 1))
        stretches = np.lib.stride_tricks.sliding_window_view(padded, FFT_SIZE)[middles]
        spectrum = np.square(np.abs(rfft(stretches * taper, axis=1)))  # [columns, FFT // 2 + 1]
        power = np.maximum(power, np.maximum.reduceat(spectrum, bins, axis=1)[:, :band_count])
    level = 10 * np.log10(np.maximum(power, 10 ** (MIN_LEVEL_DB / 10)))
    return seconds, hertz, level.T.astype(np.float32)
