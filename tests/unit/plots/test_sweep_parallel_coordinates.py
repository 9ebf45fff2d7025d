"""Parallel coordinates of a sweep."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.plots.sweep_parallel_coordinates import build_sweep_parallel_coordinates_figure


def test_each_varied_setting_and_metric_is_an_axis_with_the_configurations_values() -> None:
    settings = [
        {"layers": 2, "learning_rate": 1e-4, "dim": 128, "objective": "infonce"},
        {"layers": 3, "learning_rate": 1e-2, "dim": 128, "objective": "ridge"},
        {"layers": 2, "learning_rate": 1e-3, "dim": 128, "objective": "infonce"},
    ]
    metrics = pd.DataFrame({"CKA": [0.2, np.nan, 0.4], "Recall@1": [0.1, 0.2, 0.3]})
    plot = build_sweep_parallel_coordinates_figure(settings, metrics).data[0]
    axes = {axis.label: axis for axis in plot.dimensions}
    assert list(axes) == ["Layers", "Learning rate", "Objective", "CKA", "Recall@1"]
    assert list(axes["Layers"]["values"]) == [2, 3, 2]
    # A wide range is logarithmic, with the values as labels.
    np.testing.assert_allclose(axes["Learning rate"]["values"], [-4, -2, -3])
    assert axes["Learning rate"].ticktext == ("0.0001", "0.001", "0.01")
    assert list(axes["Objective"]["values"]) == [0, 1, 0]
    assert axes["Objective"].ticktext == ("infonce", "ridge")
    np.testing.assert_allclose(plot.line.color, [0.2, 0.2, 0.4])
