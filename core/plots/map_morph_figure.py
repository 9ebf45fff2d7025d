"""Figure of a map between its panels: all points on their way from before to after alignment."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

PANEL_MARGIN = 0.03  # Free space at each side, as a fraction of the span of the points.
TITLE_SIZE_PX = 15  # As the titles of the map's panels.
TITLES = ("Before alignment", "Before → after alignment", "After alignment")
"""Titles where the points stand before alignment, on their way, and after it. As in the dashboard's
map_morph_animation.js."""


def build_map_morph_figure(
    figure: go.Figure,
    points: pd.DataFrame,
    share: float,
    trace_class: type[go.Scatter | go.Scattergl],
    hidden_groups: Collection[str] = (),
) -> go.Figure:
    """Return a figure of one panel in which each point lies between its two positions.

    The coordinates of each panel are scaled so that its visible points span the panel.

    Parameters
    ----------
    figure : Figure
        As `build_map_figure` returns it for the same points.
    points : DataFrame
    share : float in [0, 1]
        0: all points at their positions before alignment; 1: after it.
    trace_class : class
        Class of the drawn traces: vectors or WebGL.
    hidden_groups : collection of str
        Groups that the legend hides, by their name in the figure.

    Returns
    -------
    Figure
        It keeps the figure's colours, legend and colour bar.
    """
    is_visible = np.zeros(len(points), bool)
    for trace in _iterate_first_panel_traces(figure):
        if trace.legendgroup not in hidden_groups:
            is_visible[_get_rows(trace)] = True
    x, y = (
        (1 - share) * _scale_to_unit_span(points[f"before_{axis}"], is_visible)
        + share * _scale_to_unit_span(points[f"after_{axis}"], is_visible)
        for axis in "xy"
    )
    shown = go.Figure()
    for trace in figure.data:
        if trace.type == "scattergl" and trace.customdata is None:  # An entry of the legend.
            shown.add_trace(trace_class(_copy_properties(trace)))
    for trace in _iterate_first_panel_traces(figure):
        rows = _get_rows(trace)
        properties = {
            **_copy_properties(trace),
            "x": x[rows],
            "y": y[rows],
            "text": None,  # Hover texts have no use in an image.
            "hovertemplate": None,
        }
        if trace.legendgroup in hidden_groups:
            properties["visible"] = "legendonly"
        shown.add_trace(trace_class(properties))
    _copy_layout(figure, shown)
    shown.add_annotation(
        text=TITLES[int(share > 0) + int(share == 1)],
        x=0,
        y=1,
        xref="paper",
        yref="paper",
        xanchor="left",
        yanchor="bottom",
        yshift=10,
        showarrow=False,
        font={"size": TITLE_SIZE_PX},
    )
    return shown


def _iterate_first_panel_traces(figure: go.Figure) -> Iterator[Any]:
    """Yield the traces of points of the panel before alignment; the other panel has the same."""
    for trace in figure.data:
        if trace.type == "scattergl" and trace.customdata is not None and trace.xaxis == "x":
            yield trace


def _get_rows(trace: Any) -> np.ndarray:
    return np.asarray(trace.customdata, dtype=int)


def _copy_properties(trace: Any) -> dict[str, Any]:
    properties = {key: value for key, value in trace.to_plotly_json().items() if key != "type"}
    return {**properties, "xaxis": "x", "yaxis": "y"}


def _scale_to_unit_span(coordinates: pd.Series, is_visible: np.ndarray) -> np.ndarray:
    """Return coordinates scaled so that the visible points span [0, 1]."""
    values = coordinates.to_numpy(float)
    visible_values = values[is_visible]
    if not len(visible_values):
        return values
    low = visible_values.min()
    return (values - low) / ((visible_values.max() - low) or 1.0)


def _copy_layout(figure: go.Figure, shown: go.Figure) -> None:
    """Give a figure of one panel the layout of the map's figure."""
    layout = figure.layout.to_plotly_json()
    for name in ("annotations", "images", "xaxis2", "yaxis2"):
        layout.pop(name, None)
    for name in ("xaxis", "yaxis"):
        limits = [-PANEL_MARGIN, 1 + PANEL_MARGIN]
        layout[name] = {**layout[name], "domain": [0, 1], "range": limits, "matches": None}
    shown.update_layout(layout)
