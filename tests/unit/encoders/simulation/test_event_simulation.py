"""Simulation of one event: level, envelope, pitch, panning and samples."""

import numpy as np
import pytest

from core.encoders.simulation.event_simulation import (
    compute_envelope_levels,
    compute_side_share_after_panning,
    shift_levels_by_bands,
    simulate_event,
)
from core.encoders.simulation.third_octave_bands import BAND_CENTRE_NOTES, BAND_COUNT, FRAME_SECONDS
from core.sonicpi.score_events import ScoreEvent


def measure_level(**options):
    event = ScoreEvent(0.0, "synth", "beep", {"sustain": 1.0, **options})
    return 10 * np.log10(simulate_event(event).power[:, :BAND_COUNT].sum(axis=1).max())


def test_twice_the_amplitude_is_six_decibels():
    assert measure_level(amp=0.5) - measure_level(amp=0.25) == pytest.approx(6.02, abs=0.01)


def test_a_beep_has_its_energy_at_its_pitch():
    for note in (45, 60, 81):
        event = ScoreEvent(0.0, "synth", "beep", {"note": note, "sustain": 1.0})
        energies = simulate_event(event).band_energies
        assert abs(BAND_CENTRE_NOTES[energies.argmax()] - note) <= 4


def test_a_lower_cutoff_takes_the_high_bands_away():
    high = [
        simulate_event(ScoreEvent(0.0, "synth", "saw", {"cutoff": cutoff})).band_energies[20:].sum()
        for cutoff in (40, 60, 80, 110, 130)
    ]
    assert high == sorted(high) and high[0] < 1e-3 * high[-1]


def test_envelope_is_linear_in_amplitude_and_as_long_as_its_stages():
    levels = compute_envelope_levels(
        {"attack": 0.0, "decay": 0.0, "sustain": 1.0, "release": 1.0}, 1.0
    )
    onset = 2  # frames that overlap the start of a sound lie before it
    assert levels[onset + round(0.5 / FRAME_SECONDS)] == pytest.approx(0, abs=0.1)
    assert levels[onset + round(1.5 / FRAME_SECONDS)] == pytest.approx(-6, abs=0.3)
    assert (len(levels) - 2 * onset) * FRAME_SECONDS == pytest.approx(2.0, abs=0.05)


def test_a_modulated_synth_alternates_between_its_pitches():
    options = {"note": 48, "mod_range": 24, "mod_phase": 1.0, "sustain": 2.0}
    power = simulate_event(ScoreEvent(0.0, "synth", "mod_sine", options)).power[:, :BAND_COUNT]
    frames = [2 + round(seconds / FRAME_SECONDS) for seconds in (0.25, 0.75, 1.25)]
    for frame, note in zip(frames, (72, 48, 72)):
        assert abs(BAND_CENTRE_NOTES[power[frame].argmax()] - note) <= 4
    steady = simulate_event(ScoreEvent(0.0, "synth", "mod_sine", {**options, "mod_range": 0}))
    assert np.ptp(steady.power[frames, :BAND_COUNT].argmax(axis=1)) == 0


def test_a_slow_sample_changes_without_steps():
    event = ScoreEvent(0.0, "sample", "ambi_drone", {"rate": 0.2, "start": 0.3, "finish": 0.5})
    levels = 10 * np.log10(simulate_event(event).power[10:-10, :BAND_COUNT].sum(axis=1))
    repeated = np.abs(np.diff(levels)) < 1e-4
    assert repeated.mean() < 0.2


def test_samples_get_shorter_and_brighter_with_the_rate():
    slow, fast = (
        simulate_event(ScoreEvent(0.0, "sample", "loop_amen", {"rate": rate})) for rate in (0.5, 2)
    )
    assert len(slow.power) > 3.5 * len(fast.power)
    centres = [
        sound.band_energies @ np.arange(BAND_COUNT) / sound.band_energies.sum()
        for sound in (slow, fast)
    ]
    assert 4 <= centres[1] - centres[0] <= 8  # two octaves are six bands


def test_an_unknown_sound_is_still_a_sound():
    for kind in ("synth", "sample"):
        assert simulate_event(ScoreEvent(0.0, kind, "my_own", {})).power.sum() > 0


def test_shifting_bands_keeps_their_power():
    levels = np.full((1, BAND_COUNT), -80.0, np.float32)
    levels[0, 10] = -20
    shifted = shift_levels_by_bands(levels, 2.5)
    power = 10 ** (shifted / 10)
    assert power[0, 12] == pytest.approx(power[0, 13], rel=1e-3)
    assert power.sum() == pytest.approx(0.01, rel=1e-2)


@pytest.mark.parametrize(("pan", "share"), [(0, 0.0), (1, 0.5), (-1, 0.5)])
def test_panning_to_a_side_has_half_of_the_energy_in_the_side_signal(pan, share):
    assert compute_side_share_after_panning(0.0, pan) == pytest.approx(share)
