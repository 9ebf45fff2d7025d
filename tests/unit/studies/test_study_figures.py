"""Figures of the studies."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.studies.study_figures import plot_parallel_coordinates


def test_an_axis_of_few_values_has_only_those_ticks():
    table = pd.DataFrame(
        {
            "layers": [2, 3, 3, 2, 3, 2],
            "kind": list("aabbab"),
            "cka": np.linspace(0, 1, 6),
            "cca": np.linspace(1, 0, 6),
        }
    )
    axes = plot_parallel_coordinates(table, list(table)).data[0].dimensions
    assert axes[0].tickvals == (2, 3) and axes[1].ticktext == ("a", "b")
    assert axes[2].tickvals is None
