"""Forecasts: values in their units, intervals, and words."""

import json

import numpy as np
import pytest

from core.encoders.clip_descriptor_definitions import CLIP_DESCRIPTORS, DESCRIPTOR_NAMES
from core.errors import EarshotError
from core.search.clip_property_forecast import (
    describe_forecast_in_words,
    fit_forecast,
    format_level_curve,
    list_forecast_property_rows,
    make_forecast_targets,
    predict_forecast,
)

VALUES = {
    "loudness": -25.0,
    "peak": -8.0,
    "silence": 3.0,
    "onset_rate": 0.6,
    "register": 60.0,
    "brightness": 1500.0,
    "noisiness": -30.0,
    "stereo_width": 5.0,
}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "moderately loud, −25 LUFS; 0.6 onsets/s; middle register; neither dark nor bright"),
        (
            {"loudness": -9.0, "peak": 0.2, "onset_rate": 6.2, "register": 40, "brightness": 500},
            "loud, −9 LUFS, clips; 6 onsets/s; low; dark",
        ),
        (
            {"loudness": -40.0, "silence": 80.0, "noisiness": -5.0, "stereo_width": 30.0},
            "quiet, −40 LUFS; mostly silent; 0.6 onsets/s; middle register; neither dark nor"
            " bright; noisy; wide",
        ),
        ({"loudness": -70.0}, "silent"),
    ],
)
def test_words_follow_the_documented_limits(changes, words):
    assert describe_forecast_in_words(VALUES | changes) == words


def test_undefined_values_of_silent_clips_are_no_targets():
    silent = np.zeros((1, len(CLIP_DESCRIPTORS)))
    silent[0, 0] = CLIP_DESCRIPTORS[0].standardize_descriptor_values(np.array(-70.0))
    targets = make_forecast_targets(silent)
    defined = {name for name, value in zip(DESCRIPTOR_NAMES, targets[0]) if np.isfinite(value)}
    assert {"loudness", "peak", "silence", "level_1"} <= defined
    assert not defined & {"register", "brightness", "onset_rate", "tempo", "stereo_width"}


def test_forecast_has_each_property_within_its_interval_and_range():
    rng = np.random.default_rng(0)
    code = rng.normal(size=(200, 3))
    descriptors = rng.normal(size=(200, len(CLIP_DESCRIPTORS)))
    descriptors[:, 0] = code[:, 0]
    model = fit_forecast(code, descriptors, [str(index % 10) for index in range(200)])
    forecast = predict_forecast(model, np.array([[1.0, 0.0, 0.0]]))
    assert [item.name for item in forecast.properties] == list(DESCRIPTOR_NAMES)
    for item, descriptor in zip(forecast.properties, CLIP_DESCRIPTORS):
        assert descriptor.low <= item.low <= item.value <= item.high <= descriptor.high
    loudness = forecast.get_forecast_property("loudness")
    assert (loudness.value, loudness.unit) == (pytest.approx(-12, abs=2), "LUFS")
    document = json.loads(json.dumps(forecast.to_dict()))
    assert document["coverage"] == 0.9 and document["calibration_programs"] == 200
    assert set(document["properties"]) == set(DESCRIPTOR_NAMES)
    assert len(list_forecast_property_rows(forecast)) == 9
    assert format_level_curve(forecast).endswith("dBFS")


def test_forecast_leaves_out_properties_that_no_clip_defines():
    rng = np.random.default_rng(0)
    code = rng.normal(size=(80, 3))
    descriptors = rng.normal(size=(80, len(CLIP_DESCRIPTORS)))
    descriptors[:, DESCRIPTOR_NAMES.index("tempo")] = 0  # Too few onsets for a tempo.
    model = fit_forecast(code, descriptors, [str(index % 10) for index in range(80)])
    forecast = predict_forecast(model, code[:1])
    assert {item.name for item in forecast.properties} == set(DESCRIPTOR_NAMES) - {"tempo"}
    with pytest.raises(EarshotError, match="'tempo'"):
        forecast.get_forecast_property("tempo")
    json.loads(json.dumps(forecast.to_dict(), allow_nan=False))


def test_silent_corpus_has_a_forecast_of_its_levels_alone():
    descriptors = np.zeros((80, len(CLIP_DESCRIPTORS)))
    descriptors[:, 0] = CLIP_DESCRIPTORS[0].standardize_descriptor_values(np.array(-70.0))
    code = np.random.default_rng(0).normal(size=(80, 3))
    model = fit_forecast(code, descriptors, [str(index % 10) for index in range(80)])
    forecast = predict_forecast(model, code[:1])
    assert forecast.words == "silent"
    assert "loudness" in {item.name for item in forecast.properties}
    assert "brightness" not in {item.name for item in forecast.properties}


@pytest.mark.parametrize("missing", list(VALUES))
def test_words_leave_out_what_is_not_forecast(missing):
    words = describe_forecast_in_words({k: v for k, v in VALUES.items() if k != missing})
    assert words and "nan" not in words
