"""Filters of FX, fixed or moved by a wave, as changes of the power per band."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.encoders.simulation.dry_and_wet_sound_mixing import MixedSound
from core.encoders.simulation.event_simulation import (
    compute_high_pass_response_db,
    compute_low_pass_response_db,
)
from core.encoders.simulation.modulation_wave import (
    WAVE_STEPS_PER_FRAME,
    Options,
    compute_modulation_wave,
)
from core.encoders.simulation.third_octave_bands import (
    BAND_CENTRE_NOTES,
    BAND_COUNT,
    SEMITONES_PER_BAND,
)

BAND_PASS_WIDTH_SEMITONES = 12.0
MIN_RECIPROCAL_QUALITY = 0.05
SWEEP_STEPS = 25
MAX_EQUALIZER_DB, EQUALIZER_WIDTH = 15.0, 12.0  # at 1; semitones


def filter_sound_bands(sound: MixedSound, levels: np.ndarray) -> MixedSound:
    """Return a sound whose bands change by levels [bands] in dB; the peak follows their sum."""
    gains = np.power(np.float32(10), levels / 10).astype(np.float32)
    power = sound.power.copy()
    power[:, :BAND_COUNT] *= gains
    return replace(sound, power=_scale_band_peaks_like_frame_sums(power, sound.power))


def _scale_band_peaks_like_frame_sums(power: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Return power whose peaks changed by as much as the sum of the bands of each frame."""
    total = power[:, :BAND_COUNT].sum(axis=1)
    total_before = before[:, :BAND_COUNT].sum(axis=1)
    power[:, BAND_COUNT] = before[:, BAND_COUNT] * (total + 1e-15) / (total_before + 1e-15)
    return power


def apply_low_pass(sound: MixedSound, options: Options) -> MixedSound:
    """Return a sound after a low-pass filter without resonance."""
    return filter_sound_bands(sound, compute_low_pass_response_db(options.get("cutoff", 100.0)))


def apply_high_pass(sound: MixedSound, options: Options) -> MixedSound:
    """Return a sound after a high-pass filter without resonance."""
    return filter_sound_bands(sound, compute_high_pass_response_db(options.get("cutoff", 100.0)))


def apply_resonant_low_pass(sound: MixedSound, options: Options) -> MixedSound:
    """Return a sound after a resonant low-pass filter."""
    response = _compute_resonant_response(options.get("cutoff", 100.0), options.get("res", 0.5), 1)
    return filter_sound_bands(sound, 10 * np.log10(response))


def apply_resonant_high_pass(sound: MixedSound, options: Options) -> MixedSound:
    """Return a sound after a resonant high-pass filter."""
    response = _compute_resonant_response(options.get("cutoff", 100.0), options.get("res", 0.5), -1)
    return filter_sound_bands(sound, 10 * np.log10(response))


def _compute_resonant_response(cutoff: float, res: float, side: int) -> np.ndarray:
    """Return the power response of a second-order filter per band: float [bands].

    Parameters
    ----------
    cutoff : float
        As a MIDI note.
    res : float
        Resonance; 1 minus the reciprocal of the quality.
    side : {1, -1}
        Low-pass or high-pass.
    """
    reciprocal_quality = min(max(1 - res, MIN_RECIPROCAL_QUALITY), 1.0)
    notes = BAND_CENTRE_NOTES[:, None] + SEMITONES_PER_BAND * np.array([-1 / 3, 0.0, 1 / 3])
    ratios = 2 ** (side * (notes - min(max(cutoff, 0.0), 140.0)) / 12)
    response = 1 / ((1 - ratios**2) ** 2 + (reciprocal_quality * ratios) ** 2)
    mean: np.ndarray = np.maximum(response.mean(axis=1), 1e-6)
    return mean


def apply_band_pass(sound: MixedSound, options: Options) -> MixedSound:
    """Return a sound after a band-pass filter."""
    distance = np.abs(BAND_CENTRE_NOTES - options.get("centre", 100.0))
    width = BAND_PASS_WIDTH_SEMITONES * max(1 - options.get("res", 0.6), 0.05) * 2
    levels = -20 * np.log10(1 + (distance / width) ** 2)
    return filter_sound_bands(sound, np.maximum(levels, -60).astype(np.float32))


def apply_swept_filter(sound: MixedSound, options: Options) -> MixedSound:
    """Filter by a low-pass whose cutoff follows a wave."""
    low, high = options.get("cutoff_min", 60.0), options.get("cutoff_max", 120.0)
    res = options.get("res", 0.8)
    responses = np.stack(
        [
            _compute_resonant_response(cutoff, res, 1)
            for cutoff in np.linspace(low, high, SWEEP_STEPS)
        ]
    )
    # Steps per frame, averaged: a sweep may be shorter than a frame.
    steps = (
        (compute_modulation_wave(options, len(sound.power), 0) * (SWEEP_STEPS - 1))
        .round()
        .astype(int)
    )
    gains = responses[steps].reshape(len(sound.power), WAVE_STEPS_PER_FRAME, -1).mean(axis=1)
    power = sound.power.copy()
    power[:, :BAND_COUNT] *= gains.astype(np.float32)
    return replace(sound, power=_scale_band_peaks_like_frame_sums(power, sound.power))


def apply_equalizer(sound: MixedSound, options: Options) -> MixedSound:
    """Raise or lower the bands around the centres of the equalizer and beyond its shelves."""
    levels: np.ndarray = np.zeros(BAND_COUNT)
    for name in ("low", "mid", "high"):
        gain = options.get(name, 0.0)
        distance = (BAND_CENTRE_NOTES - options.get(f"{name}_note", 80.0)) / EQUALIZER_WIDTH
        levels = levels + MAX_EQUALIZER_DB * gain / (1 + distance**2)
    for name, side in (("low_shelf", -1), ("high_shelf", 1)):
        gain = options.get(name, 0.0)
        distance = side * (BAND_CENTRE_NOTES - options.get(f"{name}_note", 80.0)) / EQUALIZER_WIDTH
        levels = levels + MAX_EQUALIZER_DB * gain / (1 + np.exp(-4 * distance))
    return filter_sound_bands(sound, np.clip(levels, -60, 60).astype(np.float32))
