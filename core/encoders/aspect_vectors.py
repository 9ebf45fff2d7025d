"""Vectors of the aspects in which clips resemble each other: timbre, rhythm, pitch and level.

The same functions describe a measured clip (`core.encoders.clip_aspect_encoder`) and a simulated
one (`core.encoders.simulation`): both are powers in third-octave bands over short-time frames.
"""

from __future__ import annotations

import numpy as np

from core.encoders.simulation.onset_strength import (
    LAG_SECONDS,
    compute_level_over_time_steps,
    compute_onset_periodicity,
    compute_onset_strength,
    convert_power_to_levels_db,
)
from core.encoders.simulation.third_octave_bands import BAND_CENTRE_NOTES, BAND_COUNT, FRAME_SECONDS

ASPECTS = ("timbre", "rhythm", "pitch", "level")
CEPSTRUM_COUNT = 12
DYNAMIC_RANGE_DB = 60.0
# The onsets of low, middle and high bands, as of kick, snare and hi-hat.
BAND_GROUPS = (slice(0, 9), slice(9, 18), slice(18, BAND_COUNT))
LEVEL_STEP_COUNT = 24
OCTAVE_COUNT = 9
ASPECT_DIMS = {
    "timbre": 2 * CEPSTRUM_COUNT,
    "rhythm": (1 + len(BAND_GROUPS)) * len(LAG_SECONDS) + 2,
    "pitch": 12 + OCTAVE_COUNT + 1,
    "level": LEVEL_STEP_COUNT + 2,
}
ASPECT_VECTOR_DIM = sum(ASPECT_DIMS.values())


def split_aspect_vectors_by_aspect(vectors: np.ndarray) -> dict[str, np.ndarray]:
    """Return the part of each aspect of vectors [n, ASPECT_VECTOR_DIM], by `ASPECTS`.

    Examples
    --------
    >>> split_aspect_vectors_by_aspect(np.zeros((2, ASPECT_VECTOR_DIM)))["pitch"].shape
    (2, 22)
    """
    ends = np.cumsum(list(ASPECT_DIMS.values()))
    return dict(zip(ASPECTS, np.split(vectors, ends[:-1], axis=1)))


def compute_aspect_vector(power: np.ndarray, pitch_classes: np.ndarray) -> np.ndarray:
    """Return the aspects of a sound, one after the other: float32 [ASPECT_VECTOR_DIM].

    Parameters
    ----------
    power : float [frames, bands]
        As `core.encoders.simulation.third_octave_bands` defines frames and bands.
    pitch_classes : float [12]
        Share of each pitch class; the sum is 1, or 0 without pitch.

    Notes
    -----
    - ``timbre``: mean and spread over time of 12 cepstral coefficients of the level per band
      (MFCC statistics), without the first, which is the level.
    - ``rhythm``: autocorrelation of the onset strength (tempogram) of the whole sound and of its
      low, middle and high bands, and how strong and how frequent onsets are.
    - ``pitch``: pitch classes, the share of each octave in the energy, and the mean octave.
    - ``level``: level of each of 24 parts relative to the mean, mean level, and spread.
    """
    levels = convert_power_to_levels_db(power)
    relative = np.maximum(levels, levels.max() - DYNAMIC_RANGE_DB)
    blocks = [
        _compute_timbre_aspect(relative, power),
        _compute_rhythm_aspect(power),
        _compute_pitch_aspect(power, pitch_classes),
        _compute_level_aspect(power),
    ]
    return np.concatenate(blocks).astype(np.float32)


def _compute_timbre_aspect(relative: np.ndarray, power: np.ndarray) -> np.ndarray:
    """Return mean and spread of the cepstrum, weighted by the level of the frames."""
    from scipy.fft import dct  # The list of encoders imports this module without scipy.

    cepstra = dct(relative, axis=1, norm="ortho")[:, 1 : CEPSTRUM_COUNT + 1]
    weights = np.sqrt(power.sum(axis=1, dtype=np.float64))
    weights = weights / weights.sum() if weights.sum() > 0 else np.full(len(power), 1 / len(power))
    mean = weights @ cepstra
    spread = np.sqrt(np.maximum(weights @ (cepstra - mean) ** 2, 0))
    return np.concatenate([mean, spread]) / 20


def _compute_rhythm_aspect(power: np.ndarray) -> np.ndarray:
    strengths = [compute_onset_strength(power)]
    strengths += [compute_onset_strength(power[:, group]) for group in BAND_GROUPS]
    whole = strengths[0]
    peaks = (whole[1:-1] > whole[:-2]) & (whole[1:-1] >= whole[2:]) & (whole[1:-1] > 1.0)
    rate = np.log2(peaks.sum() / (len(power) * FRAME_SECONDS) + 0.05)
    periodicities = [compute_onset_periodicity(strength) for strength in strengths]
    return np.concatenate([*periodicities, [np.log1p(whole.mean()), rate / 2]])


def _compute_pitch_aspect(power: np.ndarray, pitch_classes: np.ndarray) -> np.ndarray:
    energies = np.sqrt(power.sum(axis=0, dtype=np.float64))  # compressed, or the bass is all
    shares = energies / (energies.sum() or 1)
    octaves = shares.reshape(OCTAVE_COUNT, -1).sum(axis=1)
    height = shares @ (BAND_CENTRE_NOTES - 60) / 12
    return np.concatenate([3 * np.asarray(pitch_classes), 2 * octaves, [height]])


def _compute_level_aspect(power: np.ndarray) -> np.ndarray:
    steps = compute_level_over_time_steps(power, LEVEL_STEP_COUNT)
    mean = steps.mean()
    return np.concatenate([steps - mean, [2 * mean, 2 * steps.std()]])
