"""Mel filterbank: triangular filters from spectrum bins to mel bands."""

from __future__ import annotations

import numpy as np

# Slaney's mel scale: 3 mel per 200 Hz up to 1 kHz, then 27 mel per factor of 6.4. Sample rates here
# are above 2 kHz, so the highest band always lies in the logarithmic part.
SLANEY_BREAK_HZ = 1000.0
SLANEY_HZ_PER_MEL = 200 / 3
SLANEY_LOG_STEP = np.log(6.4) / 27


def build_mel_filterbank(
    band_count: int,
    fft_size: int,
    sample_rate: int,
    min_frequency: float,
    max_frequency: float,
    *,
    normalize: bool = True,
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
    normalize : bool
        Whether each row sums to 1. Otherwise each triangle is 1 high, as in torchaudio.

    Returns
    -------
    float32 [band_count, fft_size // 2 + 1]
        With `normalize`, a band is a weighted mean of its bins.

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
    filters = _build_triangular_filters(corners, fft_size, sample_rate)
    if normalize:
        filters = filters / filters.sum(axis=1, keepdims=True)
    return filters.astype(np.float32)


def build_slaney_mel_filterbank(band_count: int, fft_size: int, sample_rate: int) -> np.ndarray:
    """Return triangular filters of equal area on Slaney's mel scale, from 0 Hz to half the rate.

    Parameters
    ----------
    band_count : int
    fft_size : int
        Samples per frame.
    sample_rate : int
        In Hz.

    Returns
    -------
    float32 [band_count, fft_size // 2 + 1]
        Each filter is 2 / (its width in Hz) high.

    References
    ----------
    M. Slaney: Auditory Toolbox, 1998. The scale is linear up to 1 kHz and logarithmic above. It is
    the default of `librosa.filters.mel`.

    Examples
    --------
    >>> build_slaney_mel_filterbank(96, 512, 16_000).shape
    (96, 257)
    """
    break_mel = SLANEY_BREAK_HZ / SLANEY_HZ_PER_MEL
    top_mel = break_mel + np.log(sample_rate / 2 / SLANEY_BREAK_HZ) / SLANEY_LOG_STEP
    mels = np.linspace(0, top_mel, band_count + 2)
    corners = np.where(
        mels < break_mel,
        mels * SLANEY_HZ_PER_MEL,
        SLANEY_BREAK_HZ * np.exp(SLANEY_LOG_STEP * (mels - break_mel)),
    )  # Hz [bands + 2]
    filters = _build_triangular_filters(corners, fft_size, sample_rate)
    return (filters * (2 / (corners[2:] - corners[:-2]))[:, None]).astype(np.float32)


def _build_triangular_filters(corners: np.ndarray, fft_size: int, sample_rate: int) -> np.ndarray:
    """Return triangles of height 1 between corners in Hz [bands + 2], [bands, bins]."""
    bins = np.arange(fft_size // 2 + 1) * sample_rate / fft_size  # Hz
    left, peak, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    rising, falling = (bins - left) / (peak - left), (right - bins) / (right - peak)
    return np.maximum(np.minimum(rising, falling), 0)
