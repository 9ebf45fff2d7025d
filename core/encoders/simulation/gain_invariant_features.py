"""Simulated features as audio encoders follow them: relative levels, and a weight per feature."""

from __future__ import annotations

from functools import cache

import numpy as np

from core.encoders.clip_descriptor_definitions import CLIP_DESCRIPTORS
from core.encoders.simulation.onset_strength import LAG_SECONDS
from core.encoders.simulation.simulated_features import (
    EVENT_FEATURE_COUNT,
    LEVEL_STEP_COUNT,
    ONSET_FEATURE_COUNT,
)
from core.encoders.simulation.third_octave_bands import BAND_COUNT

DESCRIPTOR_BLOCK, BAND_LEVEL_BLOCK, TIME_LEVEL_BLOCK = "descriptors", "band levels", "time levels"
# Number of features of each block, in the order of `compute_simulated_features`, and their weight.
# Audio encoders follow the mean spectrum more than the rhythm. Pitch classes count each note alike,
# also one that other sounds mask. The weights were chosen by the rank correlation of predicted and
# true distances, on held-out templates of the starter corpus and variants of other programs.
FEATURE_BLOCKS = {
    DESCRIPTOR_BLOCK: (len(CLIP_DESCRIPTORS), 2.0),
    "events": (EVENT_FEATURE_COUNT, 0.5),
    BAND_LEVEL_BLOCK: (BAND_COUNT, 2.0),
    "spread per band": (BAND_COUNT, 1.0),
    "rises per band": (BAND_COUNT, 0.5),
    "periodicity": (len(LAG_SECONDS), 0.5),
    TIME_LEVEL_BLOCK: (LEVEL_STEP_COUNT, 0.5),
    "pitch classes": (12, 0.0),
    "onsets": (ONSET_FEATURE_COUNT, 1.0),
}
OVERALL_LEVEL_DESCRIPTORS = ("loudness", "peak")
TIME_LEVEL_PREFIX, TIME_LEVEL_WEIGHT = "level_", 0.5


def remove_overall_level(features: np.ndarray) -> np.ndarray:
    """Return simulated features with relative levels: float32 [n, SIMULATION_DIM].

    Audio encoders scale clips to one peak level, so that a gain of the whole program changes
    nothing. Levels per band become relative to the loudest band, levels over time to their mean.

    Parameters
    ----------
    features : float [n, SIMULATION_DIM]
        By `core.encoders.sound_simulation_encoder.simulate_program_source`.
    """
    relative = np.array(features, np.float32)
    bands, times = _locate_block(BAND_LEVEL_BLOCK), _locate_block(TIME_LEVEL_BLOCK)
    relative[:, bands] -= relative[:, bands].max(axis=1, keepdims=True)
    relative[:, times] -= relative[:, times].mean(axis=1, keepdims=True)
    return relative


def _locate_block(name: str) -> slice:
    names = list(FEATURE_BLOCKS)
    start = sum(FEATURE_BLOCKS[other][0] for other in names[: names.index(name)])
    return slice(start, start + FEATURE_BLOCKS[name][0])


@cache
def build_audio_encoder_weights() -> np.ndarray:
    """Return the weight of each standardized feature, float32 [SIMULATION_DIM]."""
    weights = np.concatenate(
        [np.full(size, weight, np.float32) for size, weight in FEATURE_BLOCKS.values()]
    )
    for column, descriptor in enumerate(CLIP_DESCRIPTORS):
        if descriptor.name in OVERALL_LEVEL_DESCRIPTORS:
            weights[column] = 0.0
        elif descriptor.name.startswith(TIME_LEVEL_PREFIX):
            weights[column] = TIME_LEVEL_WEIGHT
    return weights
