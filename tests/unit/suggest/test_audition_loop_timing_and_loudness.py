"""Tests of loops of equal bars and equal loudness."""

from __future__ import annotations

import numpy as np
import pytest

from core.encoders.clip_descriptor_encoder import measure_integrated_loudness
from core.errors import EarshotError
from core.sonicpi import Clip
from core.suggest.audition_loop_timing_and_loudness import (
    MAX_LOOP_SECONDS,
    TARGET_LOUDNESS_LUFS,
    compute_loop_timings,
    compute_loudness_gain,
)


def make_noise(level: float) -> Clip:
    samples = np.random.default_rng(0).uniform(-level, level, (88_200, 2))
    return Clip(samples.astype(np.float32))


@pytest.mark.parametrize("level", [0.02, 0.2, 0.9])
def test_the_gain_brings_clips_to_one_loudness(level: float) -> None:
    clip = make_noise(level)
    gain = compute_loudness_gain(clip)
    loudness = measure_integrated_loudness(Clip(clip.samples * np.float32(gain)))
    assert loudness == pytest.approx(TARGET_LOUDNESS_LUFS, abs=0.1) or gain == pytest.approx(
        10 ** (12 / 20)
    )


def test_the_gain_never_clips_and_takes_silence() -> None:
    samples = np.zeros((88_200, 2), np.float32)
    samples[::20_000] = 0.9
    assert compute_loudness_gain(Clip(samples)) <= 1 / 0.9 + 1e-6
    assert compute_loudness_gain(Clip(samples * 0)) <= 10 ** (12 / 20) + 1e-9


def test_all_loops_have_the_same_bars_at_their_own_tempo() -> None:
    timings = compute_loop_timings(
        ["use_bpm 120; play 60", "use_bpm 60; play 60", "play 60", "play ("], bars=4
    )
    assert [timing.seconds for timing in timings] == [8.0, 16.0, 16.0, 16.0]
    slow = compute_loop_timings(["use_bpm 20; play 60", "use_bpm 120; play 60"], bars=8)
    assert {timing.bars for timing in slow} == {2}
    assert slow[0].seconds <= MAX_LOOP_SECONDS
    # Tempos that no bar fits are bounded.
    assert compute_loop_timings(["use_bpm 0.001; play 60"], bars=1)[0].seconds == 12.0
    with pytest.raises(EarshotError, match="0 bars"):
        compute_loop_timings(["play 60"], bars=0)
