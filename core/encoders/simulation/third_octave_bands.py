"""Third-octave bands over short-time frames, the scale on which sounds are simulated."""

from __future__ import annotations

from functools import cache

import numpy as np

from core.sonicpi.audio_clip_and_render_result import SAMPLE_RATE

FFT_SIZE, HOP_LENGTH = 4096, 1024  # samples, as of the encoder `descriptors`
FRAME_SECONDS = HOP_LENGTH / SAMPLE_RATE
BAND_COUNT = 27
BANDS_PER_OCTAVE = 3
SEMITONES_PER_BAND = 12 / BANDS_PER_OCTAVE
LOWEST_BAND_EDGE_HZ = 31.25
BAND_EDGES_HZ = LOWEST_BAND_EDGE_HZ * 2 ** (np.arange(BAND_COUNT + 1) / BANDS_PER_OCTAVE)
BAND_CENTRES_HZ = np.sqrt(BAND_EDGES_HZ[:-1] * BAND_EDGES_HZ[1:])
BAND_CENTRE_NOTES = 69 + 12 * np.log2(BAND_CENTRES_HZ / 440)  # MIDI


@cache
def build_band_filters() -> np.ndarray:
    """Return the share of each FFT bin in each band, float32 [FFT_SIZE // 2 + 1, BAND_COUNT].

    A bin is spread over the bands that it overlaps: the lowest bands are narrower than a bin.
    """
    bin_hz = SAMPLE_RATE / FFT_SIZE
    bin_edges = np.maximum((np.arange(FFT_SIZE // 2 + 1) - 0.5) * bin_hz, 1e-3)
    low = np.maximum(bin_edges[:, None], BAND_EDGES_HZ[None, :-1])
    high = np.minimum(bin_edges[:, None] + bin_hz, BAND_EDGES_HZ[None, 1:])
    return (np.maximum(high - low, 0) / bin_hz).astype(np.float32)


@cache
def build_hann_window() -> np.ndarray:
    """Return a periodic Hann window whose squares add up to 1: float32 [FFT_SIZE]."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FFT_SIZE) / FFT_SIZE)
    return (window / np.sqrt((window**2).sum())).astype(np.float32)


def compute_frame_spectra(channel: np.ndarray) -> np.ndarray:
    """Return the power per FFT bin of centred frames, float32 [frames, FFT_SIZE // 2 + 1].

    Parameters
    ----------
    channel : float [samples]

    Notes
    -----
    The bins of a frame add up to its mean square, weighted by the window.
    """
    from scipy.fft import rfft  # Not needed by those who simulate.

    padded = np.pad(np.asarray(channel, np.float32), FFT_SIZE // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT_SIZE)[::HOP_LENGTH]
    spectrum = rfft(frames * build_hann_window(), axis=1)
    power: np.ndarray = (np.square(spectrum.real) + np.square(spectrum.imag)) * np.float32(
        2 / FFT_SIZE
    )
    return power
