"""The `aspects` encoder: timbre, rhythm, pitch and level of a clip, one vector each.

`core.encoders.aspect_vectors` describes the vectors and separates them.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from core.encoders.aspect_vectors import compute_aspect_vector
from core.encoders.audio_encoder_base import ParallelClipEncoder, mix_to_mono, resample_waveform
from core.encoders.simulation.third_octave_bands import (
    FFT_SIZE,
    build_band_filters,
    compute_frame_spectra,
)
from core.sonicpi.audio_clip_and_render_result import SAMPLE_RATE, Clip

MIN_PITCH_HZ, MAX_PITCH_HZ = 60.0, 2000.0
MIN_CLIP_SECONDS = 0.5  # shorter clips are padded with silence


class ClipAspectEncoder(ParallelClipEncoder):
    """Timbre, rhythm, pitch and level of clips; no neural network and no weights."""

    def _embed_clip(self, indexed_clip: tuple[int, Clip]) -> np.ndarray:
        index, clip = indexed_clip
        return measure_clip_aspects(mix_to_mono(clip, index), clip.sample_rate)


def measure_clip_aspects(mono: np.ndarray, sample_rate: int) -> np.ndarray:
    """Return the aspects of a sound: float32 [ASPECT_VECTOR_DIM].

    Parameters
    ----------
    mono : float [samples]
    sample_rate : int
        In Hz.
    """
    if sample_rate != SAMPLE_RATE:
        mono = resample_waveform(mono, sample_rate, SAMPLE_RATE)
    missing = int(MIN_CLIP_SECONDS * SAMPLE_RATE) - len(mono)
    spectra = compute_frame_spectra(np.pad(mono, (0, max(0, missing))))
    return compute_aspect_vector(
        spectra @ build_band_filters(), _measure_pitch_class_shares_of_spectra(spectra)
    )


@cache
def _build_pitch_class_filters() -> tuple[slice, np.ndarray]:
    """Return the range of FFT bins with pitch, and their pitch classes as one-hot rows."""
    frequencies = np.arange(FFT_SIZE // 2 + 1) * SAMPLE_RATE / FFT_SIZE
    first, last = np.searchsorted(frequencies, (MIN_PITCH_HZ, MAX_PITCH_HZ))
    notes = 69 + 12 * np.log2(frequencies[first:last] / 440)
    return slice(int(first), int(last)), np.eye(12, dtype=np.float32)[
        np.round(notes).astype(int) % 12
    ]


def _measure_pitch_class_shares_of_spectra(spectra: np.ndarray) -> np.ndarray:
    """Return the share of each pitch class in the spectral peaks: float [12]."""
    bins, classes = _build_pitch_class_filters()
    magnitudes = np.sqrt(spectra.mean(axis=0))
    inner = magnitudes[bins]
    is_peak = (inner > magnitudes[bins.start - 1 : bins.stop - 1]) & (
        inner >= magnitudes[bins.start + 1 : bins.stop + 1]
    )
    shares = (inner * is_peak) @ classes
    total = float(shares.sum())
    return shares / total if total > 0 else shares
