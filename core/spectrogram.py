"""A clip's sound over time and frequency, on the scale of levels that ears have."""

from __future__ import annotations

import numpy as np
from scipy.fft import rfft

FFT = 4096  # samples a frame: 93 ms at 44.1 kHz
LOWEST = 30.0  # Hz
FLOOR = -90.0  # dB under a full-scale sine


def spectrogram(
    samples: np.ndarray, sample_rate: int, columns: int = 360, bands: int = 110
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Level of each band of frequencies in each stretch of time.

    Parameters
    ----------
    samples : float [frames, channels]
        In [-1, 1]; of several channels the loudest counts.
    sample_rate : int
        In Hz.
    columns, bands : int
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
    seconds = np.linspace(0, frames / sample_rate, columns + 1)
    hertz = np.geomspace(LOWEST, sample_rate / 2, bands + 1)
    middles = ((np.arange(columns) + 0.5) * frames / columns).astype(int)
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FFT) / FFT)
    taper = (taper / (taper.sum() / 2)).astype(np.float32)  # a full-scale sine: 0 dB
    # A band that is narrower than a bin shows the bin that it lies in.
    bins = np.clip(np.round(hertz * FFT / sample_rate).astype(int), 0, FFT // 2)
    power = np.zeros((columns, bands), np.float32)
    for channel in np.atleast_2d(np.asarray(samples, np.float32).T):
        padded = np.pad(channel, (FFT // 2, FFT // 2 + 1))
        stretches = np.lib.stride_tricks.sliding_window_view(padded, FFT)[middles]
        spectrum = np.square(np.abs(rfft(stretches * taper, axis=1)))  # [columns, FFT // 2 + 1]
        power = np.maximum(power, np.maximum.reduceat(spectrum, bins, axis=1)[:, :bands])
    level = 10 * np.log10(np.maximum(power, 10 ** (FLOOR / 10)))
    return seconds, hertz, level.T.astype(np.float32)
