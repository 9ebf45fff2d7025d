"""Waves that move the level, filter or pitch of a sound."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from core.encoders.simulation.envelope_levels import FRAMES_BEFORE_ONSET
from core.encoders.simulation.third_octave_bands import (
    FRAME_SECONDS,
    HOP_LENGTH,
    build_hann_window,
)

Options = dict[str, float]
WAVE_STEPS_PER_FRAME = 8
PULSE_WAVE = 1
GLIDE_PITCHES = 5
MIN_PHASE_SECONDS = 0.01


def compute_modulation_wave(options: Options, frame_count: int, default_wave: int) -> np.ndarray:
    """Return a wave between 0 and 1: float [frame_count * WAVE_STEPS_PER_FRAME]."""
    phase = max(options.get("phase", 0.25), 0.01)
    width = min(max(options.get("pulse_width", 0.5), 0.0), 1.0)
    steps = np.arange(frame_count * WAVE_STEPS_PER_FRAME) - WAVE_STEPS_PER_FRAME // 2
    times = steps / WAVE_STEPS_PER_FRAME * FRAME_SECONDS
    position = (times / phase + options.get("phase_offset", 0.0)) % 1
    wave = int(options.get("wave", default_wave))
    if wave == 1:
        shape = (position < width).astype(np.float64)
    elif wave == 0:
        shape = 1 - position
    else:
        shape = (
            1 - np.abs(2 * position - 1) if wave == 2 else (1 + np.sin(2 * np.pi * position)) / 2
        )
    return 1 - shape if options.get("invert_wave", 0.0) else shape


def compute_pitch_shares(options: Options, frame_count: int) -> Iterator[tuple[float, np.ndarray]]:
    """Yield the pitches of a synth such as `mod_saw`, and their shares of the sound.

    Parameters
    ----------
    options : dict of str to float
        With defaults; "mod_phase" in seconds.
    frame_count : int
        From `FRAMES_BEFORE_ONSET` before the onset.

    Yields
    ------
    position : float
        0 at the note, 1 at `mod_range` above it.
    shares : float [frames]
        Of the time that the window of a frame covers.

    Notes
    -----
    As measured, each wave begins at the upper pitch.
    """
    step_count = (frame_count + 2 * FRAMES_BEFORE_ONSET) * WAVE_STEPS_PER_FRAME
    steps = np.arange(step_count) - 2 * FRAMES_BEFORE_ONSET * WAVE_STEPS_PER_FRAME + 0.5
    times = np.maximum(steps, 0) / WAVE_STEPS_PER_FRAME * FRAME_SECONDS
    position = (times / max(options.get("mod_phase", 0.25), MIN_PHASE_SECONDS)) % 1
    wave = int(options.get("mod_wave", PULSE_WAVE))
    if wave == PULSE_WAVE:
        width = min(max(options.get("mod_pulse_width", 0.5), 0.0), 1.0)
        heights = (position < width).astype(np.float64)
        pitches = np.array([0.0, 1.0])
    else:
        heights = 1 - position if wave == 0 else np.abs(2 * position - 1)
        heights = (1 - np.cos(np.pi * heights)) / 2 if wave == 3 else heights
        pitches = np.linspace(0, 1, GLIDE_PITCHES)
    if options.get("mod_invert_wave", 0.0):
        heights = 1 - heights
    nearest = np.rint(heights * (len(pitches) - 1)).astype(int)
    window = build_hann_window().astype(np.float64) ** 2
    weights = window.reshape(-1, HOP_LENGTH // WAVE_STEPS_PER_FRAME).sum(axis=1)
    for index, pitch in enumerate(pitches):
        shares = np.convolve(nearest == index, weights, mode="valid")[::WAVE_STEPS_PER_FRAME]
        yield float(pitch), shares[:frame_count]
