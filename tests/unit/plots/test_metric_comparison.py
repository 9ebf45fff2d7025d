"""Metrics before and after alignment."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

from core.evaluation import metrics_table
from core.plots.metric_comparison import (
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
    for trace, (reading, *_) in zip(figure.data, COMPARISON_STYLES, strict=True):
        rows = metrics[(metrics["split"] == "test") & (metrics["reading"] == reading)]
        np.testing.assert_array_equal(trace.x, rows["value"])
        np.testing.assert_allclose(trace.error_x.array, 0.2)
        np.testing.assert_allclose(trace.error_x.arrayminus, 0.1)
    assert len({trace.marker.symbol for trace in figure.data}) == 3


def test_the_drawn_readings_are_readings_of_the_metrics_table() -> None:
    assert [reading for reading, *_ in COMPARISON_STYLES] == [
        metrics_table.BEFORE_ALIGNMENT,
        metrics_table.ALIGNED_VS_ALIGNED,
        metrics_table.ALIGNED_VS_RAW,
    ]
