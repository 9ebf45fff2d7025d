"""Simulated features without the overall level."""

from __future__ import annotations

import numpy as np

from core.encoders.clip_descriptor_definitions import DESCRIPTOR_NAMES
from core.encoders.simulation.gain_invariant_features import (
    build_audio_encoder_weights,
    remove_overall_level,
)
from core.encoders.simulation.simulated_features import SIMULATION_DIM
from core.encoders.sound_simulation_encoder import simulate_program_source

PROGRAM = "live_loop :a do\n  synth :saw, note: :c3, amp: {}, cutoff: {}\n  sleep 0.5\nend\n"


def simulate_weighted_features(amplitude: float, cutoff: float) -> np.ndarray:
    features = simulate_program_source(PROGRAM.format(amplitude, cutoff))
    return remove_overall_level(features[None])[0] * build_audio_encoder_weights()


def test_each_feature_has_a_weight_and_the_loudness_none() -> None:
    weights = build_audio_encoder_weights()
    assert weights.shape == (SIMULATION_DIM,)
    assert weights[DESCRIPTOR_NAMES.index("loudness")] == 0
    assert weights[DESCRIPTOR_NAMES.index("brightness")] > 1


def test_a_gain_moves_the_features_less_than_a_filter() -> None:
    base = simulate_weighted_features(1.0, 100)
    gain = np.linalg.norm(simulate_weighted_features(0.5, 100) - base)
    cutoff = np.linalg.norm(simulate_weighted_features(1.0, 60) - base)
    assert gain < cutoff / 3
