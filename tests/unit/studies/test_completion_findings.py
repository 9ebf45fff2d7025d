"""Notes of the completion study."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.studies.completion_agreement_metrics import measure_alignment_gain
from core.studies.completion_findings import (
    HELD_OUT_ENCODER,
    TRAINING_ENCODER,
    describe_alignment_gains,
    describe_descriptor_correlations,
    describe_neighbour_errors,
)


def test_gains_are_counted_and_significant_ones_named():
    rng = np.random.default_rng(3)
    audio, noise = rng.normal(size=(24, 5)), rng.normal(size=(24, 4))
    rise = measure_alignment_gain(noise, audio, audio)
    fall = measure_alignment_gain(audio, noise, audio)
    gains = pd.concat(
        [table.assign(scenario="bass", audio=TRAINING_ENCODER) for table in (rise, fall[:1])]
    )
    (note,) = describe_alignment_gains(gains, {TRAINING_ENCODER: "aisfx"})
    assert "of 5 numbers 4 rise (bass jaccard@3 +" in note
    assert "1 fall (bass jaccard@3 -" in note


def test_the_first_candidate_without_a_shared_neighbour_is_named():
    rows = [
        ("01", "low", "02 03 04", "02 03 04", "04 03 02", 3),
        ("02", "saw", "01 03 04", "05 03 04", "01", 0),
        ("03", "c", "01", "01", "01", 1),
        ("04", "d", "01", "01", "01", 1),
        ("05", "square", "01", "01", "01", 1),
    ]
    columns = ["candidate", "title", "raw", "aligned", "audio", "shared, aligned"]
    neighbours = pd.DataFrame(rows, columns=columns).assign(scenario="bass")
    (note,) = describe_neighbour_errors(neighbours)
    assert "1 of 5 candidates" in note and "53%" in note  # 8 of 15 names
    assert "'saw', the nearest by aligned code is 'square' and by audio 'low'" in note


def test_descriptors_with_too_little_and_too_much_weight_are_named():
    correlations = pd.DataFrame(
        {
            "scenario": "bass",
            "descriptor": ["onset rate", "spectral flatness", "median frequency"],
            TRAINING_ENCODER: [0.1, 0.7, 0.3],
            HELD_OUT_ENCODER: [0.2, 0.1, 0.6],
            "raw": 0.0,
            "aligned": [0.8, 0.2, 0.3],
        }
    )
    encoders = {TRAINING_ENCODER: "aisfx", HELD_OUT_ENCODER: "log-mel"}
    (note,) = describe_descriptor_correlations(correlations, encoders)
    assert (
        "aisfx separates candidates mainly by spectral flatness (0.70) and median frequency" in note
    )
    assert "gives spectral flatness too little weight (0.20" in note
    assert "and onset rate too much (0.80" in note
