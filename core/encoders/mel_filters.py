"""The mel scale: a spectrum in steps that sound equal."""

from __future__ import annotations

import numpy as np


def build_mel_filterbank(band_count: int, fft_size: int, sample_rate: int, min_frequency: float, max_frequency: float) -> np.ndarray:
    """Triangles that gather the bins of a power spectrum into mel bands.

    Parameters
    ----------
    band_count : int
    fft_size : int
        Samples a frame.
    sample_rate, min_frequency, max_frequency : float
        In Hz; the bands lie between `min_frequency` and `max_frequency`.

    Returns
    -------
    float32 [bands, fft // 2 + 1]
        Each row sums to 1, so a band is a weighted mean of its bins.

    References
    ----------
    The HTK Book, 3.4, section 5.4: mel = 2595 log10(1 + Hz / 700).
    """
    limits = 2595 * np.log10(1 + np.array([min_frequency, max_frequency]) / 700)
    corners = 700 * (10 ** (np.linspace(*limits, band_count + 2) / 2595) - 1)  # Hz [bands + 2]
    bins = np.arange(fft_size // 2 + 1) * sample_rate / fft_size
    left, peak, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    rising, falling = (bins - left) / (peak - left), (right - bins) / (right - peak)
    bank = np.maximum(np.minimum(rising, falling), 0)
    return (bank / bank.sum(axis=1, keepdims=True)).astype(np.float32)
