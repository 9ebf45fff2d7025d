"""Simulation of programs: sums of events, FX chains, the limiter and odd options."""

import math

import numpy as np
import pytest

from core.encoders.simulation.main_mixer_simulation import LIMITER_PEAK
from core.encoders.simulation.onset_strength import compute_mel_onset_strength
from core.encoders.simulation.program_simulation import simulate_program
from core.encoders.simulation.simulated_features import (
    SIMULATION_DIM,
    compute_simulated_features,
    simulate_descriptors,
)
from core.encoders.simulation.third_octave_bands import BAND_COUNT
from core.sonicpi.score_events import ScoreEvent


def describe(events, seconds=18.0):
    sound = simulate_program(events, seconds)
    return simulate_descriptors(sound, compute_mel_onset_strength(sound.power[:, :BAND_COUNT]))


def test_no_events_are_silence():
    values = describe([])
    assert values["loudness"] == -70 and values["silence"] == 100
    features = compute_simulated_features(simulate_program([]), [])
    assert features.shape == (SIMULATION_DIM,) and np.isfinite(features).all()


def test_onsets_and_tempo_follow_the_beat():
    events = [ScoreEvent(0.5 * beat, "sample", "bd_haus") for beat in range(36)]
    values = describe(events)
    assert values["onset_rate"] == pytest.approx(2.0, abs=0.1)
    assert values["tempo"] == pytest.approx(120, abs=3)


def test_more_voices_are_louder_and_the_limiter_holds():
    notes = [ScoreEvent(0.1 * step, "synth", "saw", {"amp": 4}) for step in range(180)]
    one, many = describe(notes[:1]), describe(notes)
    assert many["loudness"] > one["loudness"]
    assert simulate_program(notes).power[:, BAND_COUNT].max() <= LIMITER_PEAK**2 * 1.001


def test_bright_and_dark_low_and_high():
    dark = describe([ScoreEvent(0, "synth", "beep", {"note": 40, "sustain": 5})])
    bright = describe([ScoreEvent(0, "synth", "noise", {"sustain": 5})])
    assert dark["brightness"] < 400 < 2000 < bright["brightness"]
    assert dark["noisiness"] < -40 < -15 < bright["noisiness"]
    assert dark["register"] == pytest.approx(40, abs=4)


def test_equal_fx_chains_of_different_runs_are_mixed_once():
    events = [
        ScoreEvent(0.5 * beat, "sample", "bd_haus", {}, (("reverb", {"room": 0.5}),))
        for beat in range(8)
    ]
    shared = events[0].fx
    once = [ScoreEvent(event.time, "sample", "bd_haus", {}, shared) for event in events]
    assert np.allclose(simulate_program(events).power, simulate_program(once).power)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 1e30, -5.0, 0.0])
def test_options_of_any_size_leave_finite_features(value):
    names = ("amp", "note", "sustain", "release", "attack", "cutoff", "rate", "start", "pan", "res")
    for kind, sound in (("synth", "tb303"), ("sample", "loop_amen")):
        for name in names:
            fx = (("echo", {"phase": value}), ("reverb", {"room": value, "mix": value}))
            events = [ScoreEvent(0.0, kind, sound, {name: value}, fx)]
            features = compute_simulated_features(simulate_program(events), events)
            assert np.isfinite(features).all(), name
