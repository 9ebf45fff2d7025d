"""Figure of a map as a browser shows it: zoom, hidden groups, labels, selection and marks."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.plots.colours import NEUTRAL_COLOUR
from core.plots.map_before_and_after_alignment import MAP_PANELS
from core.plots.map_morph_figure import build_map_morph_figure

Position = tuple[float, float]
MARK_COLOUR = "#dd3a80"  # As in map_overlay_drawing.js.
UNSELECTED_OPACITY = 0.28
MAX_VECTOR_POINTS = 8_000  # In all panels. More points are one image, in SVG and PDF as well.
AXIS_SUFFIXES = {"before": "", "after": "2"}


@dataclass(frozen=True)
class MapLabel:
    """A label of a cluster that is shown in a panel."""

    panel: str
    text: str
    position: Position


@dataclass(frozen=True)
class MapView:
    """What a browser shows of a map, other than its points and colours.

    Attributes
    ----------
    ranges : dict of str to tuple
        By panel, "before" and "after": the visible range of x and the one of y.
    hidden_groups : frozenset of str
        Groups that the legend hides, by their name in the figure.
    labels : tuple of MapLabel
    marked_rows : tuple of int
        Points of the open program: its code, then its audio.
    selected_rows : tuple of int
        Points inside a lasso. If there are any, the other points are grey.
    snippet : dict of str to Position
        Position of a snippet by panel.
    snippet_neighbour_rows : tuple of int
        Points that lines connect with the snippet.
    path, gap_programs : dict of str to list of Position
        By panel: positions of a path's programs, and of programs for a gap.
    gap : (str, Position) or None
        Panel and position of a gap.
    morph_share : float in [0, 1] or None
        How far the points have moved from before to after alignment, while one picture covers both
        panels and all marks. None: both panels are shown.
    """

    ranges: dict[str, tuple[Position, Position]] = field(default_factory=dict)
    hidden_groups: frozenset[str] = frozenset()
    labels: tuple[MapLabel, ...] = ()
    marked_rows: tuple[int, ...] = ()
    selected_rows: tuple[int, ...] = ()
    snippet: dict[str, Position] = field(default_factory=dict)
    snippet_neighbour_rows: tuple[int, ...] = ()
    path: dict[str, list[Position]] = field(default_factory=dict)
    gap_programs: dict[str, list[Position]] = field(default_factory=dict)
    gap: tuple[str, Position] | None = None
    morph_share: float | None = None


def build_map_view_figure(figure: go.Figure, points: pd.DataFrame, view: MapView) -> go.Figure:
    """Return a copy of a map's figure that shows what a browser shows.

    Parameters
    ----------
    figure : Figure
        As `build_map_figure` returns it for the same points, with both panels side by side.
    points : DataFrame
    view : MapView

    Returns
    -------
    Figure
        Maps of up to `MAX_VECTOR_POINTS` points are drawn as vectors.
    """
    if view.morph_share is not None:
        return build_map_morph_figure(
            figure,
            points,
            view.morph_share,
            go.Scatter if len(points) <= MAX_VECTOR_POINTS else go.Scattergl,
            view.hidden_groups,
        )
    is_vector = 2 * len(points) <= MAX_VECTOR_POINTS
    trace_class = go.Scatter if is_vector else go.Scattergl
    shown = go.Figure(data=_build_point_traces(figure, view, trace_class), layout=figure.layout)
    for panel, (x_range, y_range) in view.ranges.items():
        suffix = AXIS_SUFFIXES[panel]
        shown.update_layout(
            {f"xaxis{suffix}": {"range": x_range}, f"yaxis{suffix}": {"range": y_range}}
        )
    for label in view.labels:
        _add_cluster_label(shown, label)
    for panel, _ in MAP_PANELS:
        for mark in _build_panel_marks(points, view, panel):
            shown.add_trace(trace_class(mark))
        for positions in (view.path.get(panel), view.gap_programs.get(panel)):
            _add_numbers(shown, panel, positions or [], view.ranges.get(panel))
    return shown


def _build_point_traces(
    figure: go.Figure, view: MapView, trace_class: type[go.Scatter | go.Scattergl]
) -> list[Any]:
    """Return the figure's traces as the browser shows them."""
    traces: list[Any] = []
    selected_traces: list[Any] = []  # They lie above all others.
    for trace in figure.data:
        if trace.type != "scattergl":
            traces.append(trace)
            continue
        properties = {k: value for k, value in trace.to_plotly_json().items() if k != "type"}
        if trace.legendgroup in view.hidden_groups:
            properties["visible"] = "legendonly"
        if not view.selected_rows or trace.customdata is None:
            traces.append(trace_class(properties))
            continue
        unselected, selected = _split_by_selection(properties, view.selected_rows)
        traces.append(trace_class(unselected))
        selected_traces.append(trace_class(selected))
    return traces + selected_traces


def _split_by_selection(
    properties: dict[str, Any], selected_rows: Sequence[int]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the unselected points of a trace in grey, and its selected ones."""
    is_selected = np.isin(np.asarray(properties["customdata"], dtype=int), selected_rows)
    grey_marker = {"color": NEUTRAL_COLOUR, "opacity": UNSELECTED_OPACITY, "coloraxis": None}
    unselected = _take_points(properties, ~is_selected, grey_marker)
    selected = _take_points(properties, is_selected, {})
    # One of the two stands in the legend, the one that has the colour.
    return {**unselected, "showlegend": False}, selected


def _take_points(
    properties: dict[str, Any], is_taken: np.ndarray, marker_changes: dict[str, Any]
) -> dict[str, Any]:
    """Return the properties of a trace of some of the points."""
    marker = {**properties["marker"], **marker_changes}
    if not isinstance(marker["color"], str):
        marker["color"] = np.asarray(marker["color"])[is_taken]
    taken = {**properties, "marker": marker}
    for name in ("x", "y", "customdata"):
        taken[name] = np.asarray(properties[name])[is_taken]
    # Hover texts have no use in an image.
    return {**taken, "text": None, "hovertemplate": None}


def _build_panel_marks(points: pd.DataFrame, view: MapView, panel: str) -> list[dict[str, Any]]:
    """Return the traces of a panel's rings, lines, star and cross."""
    marks: list[dict[str, Any]] = []

    def add_mark(positions: Sequence[Position], **properties: Any) -> None:
        suffix = AXIS_SUFFIXES[panel]
        marks.append(
            {
                "x": [x for x, _ in positions],
                "y": [y for _, y in positions],
                "xaxis": f"x{suffix}",
                "yaxis": f"y{suffix}",
                "showlegend": False,
                "hoverinfo": "skip",
                **properties,
            }
        )

    def get_position(row: int) -> Position:
        return float(points[f"{panel}_x"].iloc[row]), float(points[f"{panel}_y"].iloc[row])

    thin_line = {"mode": "lines", "line": {"color": MARK_COLOUR, "width": 1.2, "dash": "dash"}}
    marked = [get_position(row) for row in view.marked_rows]
    if len(marked) > 1:
        add_mark(marked, **thin_line)
    for position, symbol, size in zip(marked, ("circle-open", "diamond-open"), (18, 22)):
        outline = {"symbol": symbol, "size": size, "color": MARK_COLOUR, "line": {"width": 3}}
        add_mark([position], mode="markers", marker=outline)
    if panel in view.snippet:
        for row in view.snippet_neighbour_rows:
            add_mark([view.snippet[panel], get_position(row)], **thin_line)
        star = {"symbol": "star", "size": 20, "color": MARK_COLOUR}
        add_mark([view.snippet[panel]], mode="markers", marker=star)
    if panel in view.path:
        add_mark(view.path[panel], mode="lines", line={"color": MARK_COLOUR, "width": 2})
    if view.gap is not None and view.gap[0] == panel:
        cross = {
            "symbol": "cross-thin",
            "size": 18,
            "color": MARK_COLOUR,
            "line": {"width": 3, "color": MARK_COLOUR},
        }
        add_mark([view.gap[1]], mode="markers", marker=cross)
    return marks


def _add_cluster_label(figure: go.Figure, label: MapLabel) -> None:
    suffix = AXIS_SUFFIXES[label.panel]
    figure.add_annotation(
        x=label.position[0],
        y=label.position[1],
        xref=f"x{suffix}",
        yref=f"y{suffix}",
        text=f"<b>{html.escape(label.text)}</b>",
        showarrow=False,
        font={"size": 11},
        bgcolor="rgba(255,255,255,0.35)",
        borderpad=0,
    )


def _add_numbers(
    figure: go.Figure,
    panel: str,
    positions: Sequence[Position],
    ranges: tuple[Position, Position] | None,
) -> None:
    """Add a numbered mark at each position that the panel shows."""
    suffix = AXIS_SUFFIXES[panel]
    for number, (x, y) in enumerate(positions, start=1):
        if ranges is not None and not all(
            min(limits) <= value <= max(limits) for value, limits in zip((x, y), ranges)
        ):
            continue
        figure.add_annotation(
            x=x,
            y=y,
            xref=f"x{suffix}",
            yref=f"y{suffix}",
            text=f"<b>{number}</b>",
            showarrow=False,
            font={"size": 10, "color": "white"},
            bgcolor=MARK_COLOUR,
            bordercolor="white",
            borderpad=2,
        )
