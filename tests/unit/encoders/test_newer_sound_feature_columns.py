"""Sounds that came after Sonic Pi 3.2.2 have the column of the sound that they resemble."""

from __future__ import annotations

import numpy as np
import pytest

from core.encoders.newer_sound_feature_columns import find_sound_sharing_feature_column
from core.encoders.score_event_lengths import estimate_event_seconds, merge_default_event_options
from core.encoders.score_features import build_feature_layout, compute_score_features
from core.sonicpi.newer_sonic_pi_sounds import load_newer_sample_seconds, load_newer_synth_options
from core.sonicpi.score_events import ScoreEvent

LATER_SOUNDS = [("synth", name) for name in load_newer_synth_options()] + [
    ("sample", name) for name in load_newer_sample_seconds()
]


def compute_cosine(first: np.ndarray, second: np.ndarray) -> float:
    return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))


@pytest.mark.parametrize(("kind", "name"), LATER_SOUNDS)
def test_every_later_sound_has_a_column(kind: str, name: str) -> None:
    column_kind, column_name = find_sound_sharing_feature_column(kind, name)
    assert f"{column_kind} {column_name}" in build_feature_layout()[0]
    vector = compute_score_features([ScoreEvent(0.0, kind, name)])
    assert np.isfinite(vector).all() and vector.max() < 5


@pytest.mark.parametrize(
    ("kind", "name"), [("synth", "beep"), ("sample", "bd_haus"), ("sample", "my_own_kick")]
)
def test_other_sounds_keep_their_column(kind: str, name: str) -> None:
    assert find_sound_sharing_feature_column(kind, name) == (kind, name)


def test_a_later_sound_is_near_its_relative_but_not_equal() -> None:
    rodeo, piano, noise = (
        compute_score_features([ScoreEvent(0.0, "synth", name, {"note": 60.0, "release": 1.0})])
        for name in ("rodeo", "piano", "noise")
    )
    assert compute_cosine(rodeo, noise) < compute_cosine(rodeo, piano) < 0.999


def test_lengths_follow_the_defaults_and_the_curve_of_the_envelope() -> None:
    seconds = {
        name: estimate_event_seconds(event, merge_default_event_options(event))
        for name in ("kalimba", "sc808_tommid", "sc808_claves", "gabberkick")
        for event in [ScoreEvent(0.0, "synth", name)]
    }
    assert seconds["kalimba"] == 5.0
    # The decay of 16 s has the curve -250.
    assert seconds["sc808_tommid"] == pytest.approx(16 * np.log(1000) / 250)
    assert seconds["sc808_claves"] < 0.1 and seconds["gabberkick"] == pytest.approx(0.331)
    ride = ScoreEvent(0.0, "sample", "ride_tri", {"rate": 2.0})
    assert estimate_event_seconds(ride, merge_default_event_options(ride)) == pytest.approx(2.3565)
