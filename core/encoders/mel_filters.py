"""Mel filterbank: triangular filters from spectrum bins to mel bands."""

from __future__ import annotations

import numpy as np


def build_mel_filterbank(
    band_count: int, fft_size: int, sample_rate: int, min_frequency: float, max_frequency: float
) -> np.ndarray:
    """Return triangular filters that average the bins of a power spectrum into mel bands.

    Parameters
    ----------
    band_count : int
    fft_size : int
        Samples per frame.
    sample_rate : int
        In Hz.
    min_frequency, max_frequency : float
        Limits of the bands in Hz.

    Returns
    -------
    float32 [band_count, fft_size // 2 + 1]
        Each row sums to 1, so a band is a weighted mean of its bins.

    References
    ----------
    The HTK Book, 3.4, section 5.4: mel = 2595 log10(1 + Hz / 700).

    Examples
    --------
    >>> build_mel_filterbank(64, 2048, 44_100, 30.0, 16_000.0).shape
    (64, 1025)
    """
    low_mel, high_mel = 2595 * np.log10(1 + np.array([min_frequency, max_frequency]) / 700)
    corner_mels = np.linspace(low_mel, high_mel, band_count + 2)
    corners = 700 * (10 ** (corner_mels / 2595) - 1)  # Hz [bands + 2]
    bins = np.arange(fft_size // 2 + 1) * sample_rate / fft_size  # Hz
    left, peak, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    rising, falling = (bins - left) / (peak - left), (right - bins) / (right - peak)
    filters = np.maximum(np.minimum(rising, falling), 0)
    return (filters / filters.sum(axis=1, keepdims=True)).astype(np.float32)
