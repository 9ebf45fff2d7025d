"""Score features of many events and layers."""

from __future__ import annotations

import numpy as np
import pytest

from core.encoders.score_feature_layout import MAX_EVENTS, MAX_LAYERS
from core.encoders.score_features import compute_score_features, reuse_layer_features
from core.sonicpi.score_events import MAX_SCORE_SECONDS, ScoreEvent


def make_events(layer_count: int, events_per_layer: int) -> list[ScoreEvent]:
    echo = (("echo", {"phase": 0.25}),)
    return [
        ScoreEvent(
            # No two events begin at the same time, so that their order is defined.
            index * MAX_SCORE_SECONDS / events_per_layer + layer * 1e-5,
            "synth" if layer % 2 else "sample",
            "saw" if layer % 2 else "bd_haus",
            {"note": 50.0 + layer, "amp": 0.1 + index % 7, "cutoff": 60.0 + index % 40},
            echo if layer % 3 else (),
            f"loop {layer}",
        )
        for layer in range(layer_count)
        for index in range(events_per_layer)
    ]


@pytest.mark.parametrize(
    ("layer_count", "events_per_layer"), [(3, 40), (MAX_LAYERS + 4, 5), (2, MAX_EVENTS // 2 + 50)]
)
def test_the_order_of_layers_and_reuse_change_nothing(
    layer_count: int, events_per_layer: int
) -> None:
    events = make_events(layer_count, events_per_layer)
    alone = compute_score_features(events)
    np.testing.assert_allclose(alone, compute_score_features(events[::-1]), atol=1e-6)
    with reuse_layer_features():
        for _ in range(2):
            assert np.array_equal(alone, compute_score_features(events))


def test_events_after_the_end_of_the_score_do_not_count() -> None:
    events = make_events(2, 20)
    late = ScoreEvent(MAX_SCORE_SECONDS, "synth", "fm", {"note": 90.0}, (), "late")
    assert np.array_equal(compute_score_features(events), compute_score_features([*events, late]))


def test_an_event_through_an_fx_differs_from_one_without() -> None:
    dry = [ScoreEvent(0.0, "synth", "saw", {"note": 60.0}, (), "a")]
    wet = [ScoreEvent(0.0, "synth", "saw", {"note": 60.0}, (("reverb", {"room": 0.9}),), "a")]
    assert not np.array_equal(compute_score_features(dry), compute_score_features(wet))
