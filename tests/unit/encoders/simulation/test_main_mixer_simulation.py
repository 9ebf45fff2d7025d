"""Simulation of the main mixer: volume, limiter, clipping and channels."""

import numpy as np
import pytest

from core.encoders.simulation.dry_and_wet_sound_mixing import MixedSound
from core.encoders.simulation.main_mixer_simulation import LIMITER_PEAK, apply_main_mixer
from core.encoders.simulation.third_octave_bands import BAND_COUNT
from core.sonicpi.sound_options_and_control_changes import OptionChange


def make_sound(amplitude, side_share=0.0):
    power = np.zeros((40, BAND_COUNT + 1), np.float32)
    power[:, 10] = amplitude**2 / 2
    power[:, BAND_COUNT] = amplitude**2
    return MixedSound(power, np.ones(BAND_COUNT), np.ones(BAND_COUNT), side_share)


def mix(amplitude, *changes, side_share=0.0):
    changes = [OptionChange(seconds, values) for seconds, values in changes]
    return apply_main_mixer(make_sound(amplitude, side_share), changes, 0.0)


def measure_gain(sound, amplitude, frame=-1):
    total = sound.power[frame, :BAND_COUNT].sum()
    return float(np.sqrt(total / (amplitude**2 / 2)))


def test_volume_applies_from_its_time_and_before_the_limiter():
    sound = mix(0.4, (0.4, {"pre_amp": 0.5}))
    assert measure_gain(sound, 0.4, 0) == pytest.approx(1, rel=1e-3)
    assert measure_gain(sound, 0.4) == pytest.approx(0.5, rel=1e-3)
    loud = mix(0.8, (0.0, {"pre_amp": 5.0}))
    assert loud.power[-1, BAND_COUNT] == pytest.approx(LIMITER_PEAK**2, rel=1e-3)


def test_amplitude_after_the_limiter_clips():
    clipped = mix(0.8, (0.0, {"amp": 10.0}))
    assert clipped.power[-1, BAND_COUNT] == 1
    # Between a sine and a square wave with the same peak.
    assert 0.5 < clipped.power[-1, :BAND_COUNT].sum() <= 1


def test_limiter_can_be_bypassed_and_filters_remove_bands():
    free = mix(0.8, (0.0, {"pre_amp": 2.0, "limiter_bypass": 1.0, "amp": 0.5}))
    assert measure_gain(free, 0.8) == pytest.approx(1, rel=1e-3)
    assert measure_gain(mix(0.4, (0.0, {"lpf": 30.0})), 0.4) < 0.1
    bypassed = mix(0.4, (0.0, {"lpf": 30.0, "lpf_bypass": 1.0}))
    assert measure_gain(bypassed, 0.4) == pytest.approx(1, rel=1e-3)


def test_mono_mode_removes_the_side_signal():
    sound = mix(0.4, (0.0, {"force_mono": 1.0}), side_share=0.5)
    assert sound.side_share == pytest.approx(0, abs=0.05)
    assert measure_gain(sound, 0.4) == pytest.approx(np.sqrt(0.5), rel=1e-3)
