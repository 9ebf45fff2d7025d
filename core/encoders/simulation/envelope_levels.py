"""Levels of envelopes over frames."""

from __future__ import annotations

import math
from functools import cache, lru_cache

import numpy as np

from core.encoders.simulation.third_octave_bands import (
    FFT_SIZE,
    FRAME_SECONDS,
    HOP_LENGTH,
    build_hann_window,
)

MAX_EVENT_FRAMES = 800  # longer than a clip of 18 s
FRAMES_BEFORE_ONSET = FFT_SIZE // (2 * HOP_LENGTH)  # that overlap the window of an onset
ENVELOPE_STEPS_PER_FRAME = 4
ENVELOPE_CACHE_SIZE = 1024


def compute_envelope_levels(options: dict[str, float], exponent: float) -> np.ndarray:
    """Return the level of an envelope per frame in dB: float32 [frames].

    Parameters
    ----------
    options : dict of str to float
        With defaults; times in seconds. Without "release", the sound decays by itself.
    exponent : float
        As in `SoundProfile`.

    Notes
    -----
    The mean square of each frame is weighted by the window, as in a measured spectrogram. Sonic
    Pi's default curve is linear in amplitude.
    """
    values = tuple([options.get(name, default) for name, default in _ENVELOPE_DEFAULTS.items()])
    return _compute_cached_envelope_levels("release" in options, values, exponent)


_ENVELOPE_DEFAULTS = {
    "attack": 0.0,
    "decay": 0.0,
    "sustain": 0.0,
    "release": 0.0,
    "attack_level": 1.0,
    "sustain_level": 1.0,
    "decay_level": -1.0,
}


# The notes of a loop mostly share their envelope.
@lru_cache(maxsize=ENVELOPE_CACHE_SIZE)
def _compute_cached_envelope_levels(
    has_release: bool, values: tuple[float, ...], exponent: float
) -> np.ndarray:
    if not has_release:
        return _average_envelope_over_windows(np.ones(MAX_EVENT_FRAMES * ENVELOPE_STEPS_PER_FRAME))
    attack, decay, sustain, release = (
        min(max(seconds, 0.0), MAX_EVENT_FRAMES * FRAME_SECONDS) for seconds in values[:4]
    )
    attack_level, sustain_level, decayed = values[4:]
    top = _clamp_envelope_level(attack_level)
    sustained = _clamp_envelope_level(sustain_level)
    decayed = sustained if decayed < 0 else _clamp_envelope_level(decayed)
    step_seconds = FRAME_SECONDS / ENVELOPE_STEPS_PER_FRAME
    total = min(attack + decay + sustain + release, MAX_EVENT_FRAMES * FRAME_SECONDS)
    times = (np.arange(max(1, math.ceil(total / step_seconds))) + 0.5) * step_seconds
    corners = np.cumsum([0.0, attack, decay, sustain, release])
    envelope = np.interp(times, corners, [0.0 if attack else top, top, decayed, sustained, 0.0])
    return _average_envelope_over_windows(
        np.power(envelope, exponent) if exponent != 1 else envelope
    )


def _clamp_envelope_level(level: float) -> float:
    return min(max(level, 0.0), 4.0)


@cache
def _build_window_weights() -> np.ndarray:
    """Return the squared window summed per step of the envelope; the sum is 1."""
    window: np.ndarray = build_hann_window().astype(np.float64) ** 2
    return window.reshape(-1, HOP_LENGTH // ENVELOPE_STEPS_PER_FRAME).sum(axis=1)


def _average_envelope_over_windows(envelope: np.ndarray) -> np.ndarray:
    """Return the windowed mean square of an envelope per frame in dB, from before its start."""
    weights = _build_window_weights()
    # The window of the frame two before the start does not reach the sound.
    energy = np.concatenate([np.zeros(ENVELOPE_STEPS_PER_FRAME), np.convolve(envelope**2, weights)])
    frames = energy[ENVELOPE_STEPS_PER_FRAME - 1 :: ENVELOPE_STEPS_PER_FRAME][:MAX_EVENT_FRAMES]
    levels: np.ndarray = 10 * np.log10(np.maximum(frames, 1e-12))
    return levels.astype(np.float32)
