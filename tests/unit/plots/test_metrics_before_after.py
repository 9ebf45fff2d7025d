"""Metrics before and after alignment."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

from core.evaluation import metrics_with_intervals
from core.plots.metrics_before_after import (
    COMPARED_METRICS,
    COMPARISON_STYLES,
    build_metrics_before_after_figure,
)


def test_each_reading_is_drawn_at_its_value_with_its_interval() -> None:
    combinations = itertools.product(
        dict(COMPARED_METRICS), ("validation", "test"), COMPARISON_STYLES
    )
    metrics = pd.DataFrame(
        [
            {
                "metric": metric,
                "split": split,
                "reading": reading,
                "value": value,
                "low": value - 0.1,
                "high": value + 0.2,
                "programs": 9,
            }
            for value, (metric, split, (reading, *_)) in enumerate(combinations)
        ]
    )
    figure = build_metrics_before_after_figure(metrics, "test")
    chance, *traces = figure.data
    assert np.isnan(chance.x).all()  # Metrics of older versions have no value of permuted pairs.
    for trace, (reading, *_) in zip(traces, COMPARISON_STYLES, strict=True):
        rows = metrics[(metrics["split"] == "test") & (metrics["reading"] == reading)]
        np.testing.assert_array_equal(trace.x, rows["value"])
        np.testing.assert_allclose(trace.error_x.array, 0.2)
        np.testing.assert_allclose(trace.error_x.arrayminus, 0.1)
    assert len({trace.marker.symbol for trace in traces}) == 3


def test_the_drawn_readings_are_readings_of_the_metrics_table() -> None:
    assert [reading for reading, *_ in COMPARISON_STYLES] == [
        metrics_with_intervals.BEFORE_ALIGNMENT,
        metrics_with_intervals.ALIGNED_VS_ALIGNED,
        metrics_with_intervals.ALIGNED_VS_RAW,
    ]


def test_bars_show_how_far_permuted_pairs_reach() -> None:
    row = {"metric": "cka", "split": "test", "value": 0.6, "low": 0.5, "high": 0.7}
    metrics = pd.DataFrame(
        [
            {**row, "reading": reading, "null_p95": null}
            for (reading, *_), null in zip(COMPARISON_STYLES, (0.3, 0.1, 0.2), strict=True)
        ]
    )
    bars = build_metrics_before_after_figure(metrics, "test").data[0]
    position = list(dict(COMPARED_METRICS)).index("cka")
    assert bars.x[position] == 0.3 and bars.y[position] == position
    assert np.isnan(np.delete(bars.x, position)).all()
