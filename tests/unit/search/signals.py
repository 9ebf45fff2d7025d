"""Sine tones for the tests of search."""

from __future__ import annotations

import numpy as np

from core.sonicpi import Clip

SAMPLE_RATE = 44_100


def make_tone(hertz: float, seconds: float = 0.5, sample_rate: int = SAMPLE_RATE) -> np.ndarray:
    times = np.arange(int(seconds * sample_rate)) / sample_rate
    return (0.5 * np.sin(2 * np.pi * hertz * times)).astype(np.float32)


def make_tone_clip(hertz: float) -> Clip:
    return Clip(np.repeat(make_tone(hertz)[:, None], 2, axis=1))
