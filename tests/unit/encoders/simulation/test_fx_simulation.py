"""Simulation of FX: what each does to level, spectrum, time and width."""

import numpy as np
import pytest

from core.encoders.simulation.dry_and_wet_sound_mixing import MixedSound
from core.encoders.simulation.fx_simulation import apply_fx
from core.encoders.simulation.third_octave_bands import BAND_COUNT, FRAME_SECONDS
from core.sonicpi.sonic_pi_inventory import load_sonic_pi_inventory


@pytest.fixture
def burst():
    """Half a second of noise of equal power in each band, then silence."""
    power = np.zeros((200, BAND_COUNT + 1), np.float32)
    power[:21] = 1e-4
    power[:21, BAND_COUNT] = 0.01
    flat = np.ones(BAND_COUNT, np.float32)
    return MixedSound(power, flat, flat, 0.0)


def sum_energy(sound, bands=slice(0, BAND_COUNT)):
    return float(sound.power[:, bands].sum())


@pytest.mark.parametrize("name", sorted(load_sonic_pi_inventory()["fx"]))
def test_every_fx_leaves_a_finite_sound(burst, name):
    sound = apply_fx(burst, name, {})
    assert np.isfinite(sound.power).all() and (sound.power >= 0).all()
    assert sound.power.shape == burst.power.shape and 0 <= sound.side_share <= 1


def test_filters_keep_their_side_of_the_cutoff(burst):
    low, high = slice(0, 8), slice(20, BAND_COUNT)
    low_passed = apply_fx(burst, "lpf", {"cutoff": 70})
    assert sum_energy(low_passed, low) == pytest.approx(sum_energy(burst, low), rel=0.1)
    assert sum_energy(low_passed, high) < 0.01 * sum_energy(burst, high)
    assert sum_energy(apply_fx(burst, "hpf", {"cutoff": 100}), low) < 0.01 * sum_energy(burst, low)


def test_amp_and_mix(burst):
    assert sum_energy(apply_fx(burst, "level", {"amp": 0.5})) == pytest.approx(
        sum_energy(burst) / 4
    )
    dry = apply_fx(burst, "reverb", {"mix": 0})
    assert np.allclose(dry.power, burst.power)


def test_echo_repeats_after_its_phase_and_reverb_fades(burst):
    start = round(1.0 / FRAME_SECONDS)
    echo = apply_fx(burst, "echo", {"phase": 1.0, "decay": 4})
    assert echo.power[start + 5, 0] == pytest.approx(burst.power[5, 0], rel=0.05)
    tail = apply_fx(burst, "reverb", {"mix": 1, "room": 0.9}).power[30:, 5]
    assert (np.diff(tail) < 0).all() and tail[0] > 0


def test_slicer_switches_on_and_off(burst):
    sliced = apply_fx(burst, "slicer", {"phase": 0.25}).power[:20, 3]
    assert sliced.min() < 0.1 * sliced.max()


def test_panslicer_and_mono_set_the_width(burst):
    wide = apply_fx(burst, "panslicer", {})
    assert wide.side_share == pytest.approx(0.5)
    assert apply_fx(wide, "mono", {}).side_share == 0
