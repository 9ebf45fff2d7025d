"""Parallel coordinates of a sweep: the settings and metrics of every configuration as one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.plots.map_colour_scale import SEQUENTIAL_COLOURS

HEIGHT_PX = 380
MAX_LOGARITHMIC_RATIO = 20  # From here on, a positive setting has a logarithmic axis.


def build_sweep_parallel_coordinates_figure(
    settings: Sequence[Mapping[str, Any]], metrics: pd.DataFrame
) -> go.Figure:
    """Draw each configuration of a sweep as a line across its settings and metrics.

    Parameters
    ----------
    settings : sequence of mapping
        Fields of the config of each configuration. Only fields that differ are drawn.
    metrics : DataFrame
        One row per configuration in the same order, one column per metric by its label. The first
        column colours the lines.

    Returns
    -------
    Figure
        Dragging along an axis filters the configurations.
    """
    names = list(dict.fromkeys(name for fields in settings for name in fields))
    columns = {name: [fields.get(name) for fields in settings] for name in names}
    varied = {name: values for name, values in columns.items() if len(set(map(repr, values))) > 1}
    dimensions = [_build_setting_axis(name, values) for name, values in varied.items()]
    dimensions += [
        {"label": label, "values": metrics[label].to_numpy(float), "tickformat": ".3f"}
        for label in metrics
    ]
    colour_values = metrics.iloc[:, 0].to_numpy(float)
    figure = go.Figure(
        go.Parcoords(
            dimensions=dimensions,
            line={
                "color": np.nan_to_num(colour_values, nan=float(np.nanmin(colour_values))),
                "colorscale": [
                    [i / (len(SEQUENTIAL_COLOURS) - 1), colour]
                    for i, colour in enumerate(SEQUENTIAL_COLOURS)
                ],
                "showscale": False,
            },
            labelfont={"size": 12},
            tickfont={"size": 11},
        )
    )
    figure.update_layout(height=HEIGHT_PX, margin={"l": 50, "r": 50, "t": 50, "b": 24})
    return figure


def _build_setting_axis(name: str, values: Sequence[Any]) -> dict[str, Any]:
    """Return the axis of a setting: numbers at their values, other settings at even distances."""
    label = name.replace("_", " ").capitalize()
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
        distinct = sorted(set(values))
        is_logarithmic = distinct[0] > 0 and distinct[-1] / distinct[0] >= MAX_LOGARITHMIC_RATIO
        scale = np.log10 if is_logarithmic else np.asarray
        return {
            "label": label,
            "values": scale(np.array(values, float)),
            "tickvals": scale(np.array(distinct, float)),
            "ticktext": [f"{value:g}" for value in distinct],
        }
    texts = ["none" if value is None else str(value) for value in values]
    distinct_texts = sorted(set(texts))
    return {
        "label": label,
        "values": [distinct_texts.index(text) for text in texts],
        "tickvals": list(range(len(distinct_texts))),
        "ticktext": distinct_texts,
    }
