"""Shares of the pitches of synths that move between two of them."""

import numpy as np
import pytest

from core.encoders.simulation.envelope_levels import FRAMES_BEFORE_ONSET
from core.encoders.simulation.modulation_wave import compute_pitch_shares
from core.encoders.simulation.third_octave_bands import FRAME_SECONDS


def compute_mean_position(options, frame_count=200):
    shares = list(compute_pitch_shares(options, frame_count))
    assert np.allclose(sum(share for _, share in shares), 1)
    return sum(position * share for position, share in shares)


def test_a_pulse_begins_at_the_upper_pitch_and_lasts_its_width():
    positions = compute_mean_position({"mod_phase": 2.0, "mod_pulse_width": 0.25})
    upper = round(0.25 / FRAME_SECONDS) + FRAMES_BEFORE_ONSET
    lower = round(1.25 / FRAME_SECONDS) + FRAMES_BEFORE_ONSET
    assert positions[upper] == pytest.approx(1) and positions[lower] == pytest.approx(0)
    inverted = compute_mean_position(
        {"mod_phase": 2.0, "mod_pulse_width": 0.25, "mod_invert_wave": 1.0}
    )
    assert np.allclose(inverted, 1 - positions)


@pytest.mark.parametrize("wave", [0, 2, 3])
def test_other_waves_glide(wave):
    positions = compute_mean_position({"mod_phase": 2.0, "mod_wave": wave})
    assert positions[:4].min() > 0.9
    assert positions.min() < 0.15 and np.abs(np.diff(positions)[4:60]).max() < 0.3


def test_a_fast_wave_is_heard_as_both_pitches():
    positions = compute_mean_position({"mod_phase": 0.02})
    assert positions[20:] == pytest.approx(np.full(180, 0.5), abs=0.1)
