"""Map of code and audio of all programs, before and after alignment."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.plots.colours import MODALITY_STYLES, NEUTRAL_COLOUR, get_category_colour
from core.plots.density_contours import build_density_contour_trace
from core.plots.map_colour_scale import (
    MAX_SHADE,
    build_colour_axis,
    compute_colour_shades,
    validate_colour_scale,
)
from core.plots.map_density_image import add_density_images, select_drawn_points

MAP_PANELS = (("before", "Before alignment"), ("after", "After alignment"))
MAP_HEIGHT_PX = 520
# Above this number of points, names would take more bytes than the positions. A hover then shows
# the group only.
MAX_NAMED_POINTS = 8000
MAX_NAME_CHARS = 80
STACKED_LEGEND_MAX_SHARE = 0.2  # Of the height of both panels.
# Largest number of points, marker size in pixels, opacity. Markers that overlap are transparent.
MARKER_STYLES_BY_POINT_COUNT = (
    (1000, 8.0, 0.85),
    (3000, 6.0, 0.75),
    (10_000, 5.0, 0.6),
    (float("inf"), 4.0, 0.6),
)
MAX_GROUPS = 40  # rarer groups share one grey group
OTHER_GROUP_LABEL = "others"
NO_VALUE_LABEL = "none"


class MapTrace(NamedTuple):
    """One trace of the map, drawn in both panels.

    Attributes
    ----------
    name : str
        Name in the legend, escaped for HTML.
    rows : bool [points]
        Which points belong to it.
    marker : dict
        Plotly's marker options other than size and opacity.
    is_in_legend : bool
        Whether the legend lists it.
    """

    name: str
    rows: np.ndarray
    marker: dict[str, Any]
    is_in_legend: bool


def build_map_figure(
    points: pd.DataFrame,
    colour_values: pd.Series | None = None,
    *,
    colour_label: str = "",
    group_titles: Mapping[str, str] | None = None,
    scale: str = "linear",
    panel_notes: Mapping[str, str] | None = None,
    is_stacked: bool = False,
) -> go.Figure:
    """Draw code and audio of all programs, before and after alignment.

    Parameters
    ----------
    points : DataFrame
        One row per point with the columns program, name (of the program), modality ("code" or
        "audio"), before_x, before_y, after_x and after_y.
    colour_values : Series [points], optional
        Values to colour by: texts become groups, numbers become shades. Default: the modality.
    colour_label : str
        Label of the values.
    group_titles : mapping of str to str, optional
        Displayed names of groups: the title of a template by its id.
    scale : {"linear", "log", "rank"}
        Scale from numbers to shades. On a log scale, values up to 0 are grey.
    panel_notes : mapping of str to str, optional
        Text beside the title of a panel, by "before" and "after".
    is_stacked : bool
        Whether the panels are one above the other, for narrow screens.

    Returns
    -------
    Figure
        Two panels. The `customdata` of a point is its row number in `points`, from 0. Code is
        drawn as circles and audio as diamonds.

    Raises
    ------
    ValueError
        If `scale` is unknown.
    """
    validate_colour_scale(scale)
    figure = make_subplots(
        rows=2 if is_stacked else 1,
        cols=1 if is_stacked else 2,
        subplot_titles=_format_panel_titles(panel_notes or {}),
        horizontal_spacing=0.02,
        vertical_spacing=0.09,
    )
    # The name of a parameter may come from another user's file, and plotly interprets markup.
    colour_label = html.escape(colour_label)
    numbers = colour_values if _is_numeric(colour_values) else None
    if numbers is not None:
        traces, colour_axis = _build_shaded_traces(points, numbers.to_numpy(), colour_label, scale)
        figure.update_layout(coloraxis=colour_axis)
    else:
        traces = _build_colour_group_traces(points, colour_values, group_titles or {})
    row_numbers = np.arange(len(points), dtype=np.uint16 if len(points) < 2**16 else np.int32)
    is_drawn = select_drawn_points(len(points))
    if not is_drawn.all():
        # Shades belong to single points. Their density is grey.
        groups = [
            (trace.rows, NEUTRAL_COLOUR if numbers is not None else trace.marker["color"])
            for trace in traces
        ]
        add_density_images(figure, points, groups)
    size, opacity = _choose_marker_size_and_opacity(int(is_drawn.sum()))
    for trace in traces:
        if trace.is_in_legend and numbers is not None:
            # The legend would draw a trace of many colours in black.
            figure.add_trace(_build_legend_trace(trace, size), row=1, col=1)
        rows = trace.rows & is_drawn
        trace_points = points[rows]
        hover_options = _build_hover_text_properties(
            trace_points, trace.name, numbers, colour_label, len(points)
        )
        for number, (panel, _) in enumerate(MAP_PANELS, start=1):
            figure.add_trace(
                go.Scattergl(
                    x=trace_points[f"{panel}_x"].to_numpy(np.float32),
                    y=trace_points[f"{panel}_y"].to_numpy(np.float32),
                    customdata=row_numbers[rows],
                    mode="markers",
                    marker={"size": size, "opacity": opacity, "line": {"width": 0}, **trace.marker},
                    name=trace.name,
                    legendgroup=trace.name,
                    showlegend=number == 1 and trace.is_in_legend and numbers is None,
                    **hover_options,
                ),
                row=number if is_stacked else 1,
                col=1 if is_stacked else number,
            )
    _style_map_layout(figure, sum(trace.is_in_legend for trace in traces))
    if is_stacked:
        # On a phone, a legend of many groups scrolls and leaves the panels their height.
        figure.update_layout(legend_maxheight=STACKED_LEGEND_MAX_SHARE)
    return figure


def add_density_contours(figure: go.Figure, points: pd.DataFrame, is_stacked: bool = False) -> None:
    """Add contours of the density of the points to a map; they lie below the points.

    Parameters
    ----------
    figure : Figure
        As `build_map_figure` returns it for the same points and `is_stacked`.
    points : DataFrame
    is_stacked : bool
    """
    if points.empty:
        return
    for number, (panel, _) in enumerate(MAP_PANELS, start=1):
        x, y = (points[f"{panel}_{axis}"].to_numpy(float) for axis in "xy")
        figure.add_trace(
            build_density_contour_trace(x, y),
            row=number if is_stacked else 1,
            col=1 if is_stacked else number,
        )


def _format_panel_titles(panel_notes: Mapping[str, str]) -> list[str]:
    return [
        f"{title}<br><span style='font-size:12px'>{html.escape(panel_notes[panel])}</span>"
        if panel_notes.get(panel)
        else title
        for panel, title in MAP_PANELS
    ]


def rotate_after_map_to_before_map(points: pd.DataFrame) -> pd.DataFrame:
    """Rotate or mirror the map after alignment to resemble the map before as much as possible.

    The orientation of a map has no meaning, and points that stay in place are easier to follow.
    Distances within a map do not change.

    Parameters
    ----------
    points : DataFrame
        As in `build_map_figure`.

    Returns
    -------
    DataFrame
        Copy of `points` with other after_x and after_y.

    Notes
    -----
    The orthogonal Procrustes problem: Schönemann, "A generalized solution of the orthogonal
    Procrustes problem", Psychometrika 1966.
    """
    before, after = (
        points[[f"{panel}_x", f"{panel}_y"]].to_numpy(float) for panel, _ in MAP_PANELS
    )
    if len(points) < 2:
        return points
    centre = after.mean(axis=0)
    left, _, right = np.linalg.svd((after - centre).T @ (before - before.mean(axis=0)))
    rotated = ((after - centre) @ (left @ right) + centre).astype(np.float32)
    return points.assign(after_x=rotated[:, 0], after_y=rotated[:, 1])


def _is_numeric(colour_values: pd.Series | None) -> bool:
    return colour_values is not None and colour_values.dtype.kind == "f"


def _choose_marker_size_and_opacity(point_count: int) -> tuple[float, float]:
    """Return size in pixels and opacity of the markers."""
    return next(
        (size, opacity)
        for max_count, size, opacity in MARKER_STYLES_BY_POINT_COUNT
        if point_count <= max_count
    )


def _build_colour_group_traces(
    points: pd.DataFrame, colour_values: pd.Series | None, group_titles: Mapping[str, str]
) -> list[MapTrace]:
    """Return one trace per group and modality, in a fixed order."""
    modalities = points["modality"].to_numpy()
    if colour_values is None or colour_values.name == "modality":
        return [
            MapTrace(label, modalities == modality, {"color": colour, "symbol": symbol}, True)
            for modality, (label, colour, symbol) in MODALITY_STYLES.items()
        ]
    traces: list[MapTrace] = []
    for group, colour, group_rows in _iterate_colour_groups(colour_values.to_numpy(dtype=object)):
        name = html.escape(group_titles.get(group, group)) or NO_VALUE_LABEL
        is_first = True
        for modality, (_, _, symbol) in MODALITY_STYLES.items():
            rows = group_rows & (modalities == modality)
            if rows.any():
                marker = {"color": colour, "symbol": symbol}
                traces.append(MapTrace(name, rows, marker, is_first))
                is_first = False
    return traces


def _iterate_colour_groups(groups: np.ndarray) -> Iterator[tuple[str, str, np.ndarray]]:
    """Yield name, colour and rows of each group; rare groups and missing values are grey."""
    counts = pd.Series(groups).value_counts()
    names_by_count = [name for name in counts.index if name != ""]
    rare_names = set(names_by_count[MAX_GROUPS:])
    for number, name in enumerate(sorted(set(names_by_count) - rare_names)):
        yield name, get_category_colour(number), groups == name
    if rare_names:
        yield OTHER_GROUP_LABEL, NEUTRAL_COLOUR, np.isin(groups, list(rare_names))
    if (groups == "").any():
        yield "", NEUTRAL_COLOUR, groups == ""


def _build_shaded_traces(
    points: pd.DataFrame, colour_values: np.ndarray, colour_label: str, scale: str
) -> tuple[list[MapTrace], dict[str, Any]]:
    """Return one trace per modality with a shade per point, and the colour axis."""
    shades, ticks = compute_colour_shades(colour_values, scale)
    has_shade = np.isfinite(shades)
    modalities = points["modality"].to_numpy()
    traces = []
    for modality, (name, _, symbol) in MODALITY_STYLES.items():
        rows = has_shade & (modalities == modality)
        colours = np.round(shades[rows] * MAX_SHADE).astype(np.uint8)
        marker = {"color": colours, "coloraxis": "coloraxis", "symbol": symbol}
        traces.append(MapTrace(name, rows, marker, True))
    if not has_shade.all():
        marker = {"color": NEUTRAL_COLOUR, "symbol": "x"}
        traces.append(MapTrace(f"without a value ({colour_label})", ~has_shade, marker, True))
    return traces, build_colour_axis(colour_values, ticks, colour_label, scale)


def _build_legend_trace(trace: MapTrace, size: float) -> go.Scattergl:
    """Return a trace without points that the legend shows in grey."""
    return go.Scattergl(
        x=[None],
        y=[None],
        mode="markers",
        name=trace.name,
        legendgroup=trace.name,
        marker={"color": NEUTRAL_COLOUR, "symbol": trace.marker["symbol"], "size": size},
    )


def _build_hover_text_properties(
    trace_points: pd.DataFrame,
    trace_name: str,
    numbers: pd.Series | None,
    colour_label: str,
    point_count: int,
) -> dict[str, Any]:
    modality = trace_points["modality"].iloc[0] if len(trace_points) else ""
    if point_count > MAX_NAMED_POINTS:
        is_named_by_modality = trace_name.lower() == modality
        text = trace_name if is_named_by_modality else f"{trace_name}, {modality}"
        return {"hovertemplate": f"{text}<extra></extra>"}
    # Names may come from other users' files, and plotly interprets markup.
    texts = [html.escape(str(name)[:MAX_NAME_CHARS]) for name in trace_points["name"]]
    if numbers is not None:
        trace_numbers = numbers.loc[trace_points.index]
        texts = [
            f"{text}<br>{colour_label}: {number:.3g}" for text, number in zip(texts, trace_numbers)
        ]
    return {"text": texts, "hovertemplate": f"%{{text}}<br>{modality}<extra></extra>"}


def _style_map_layout(figure: go.Figure, legend_entry_count: int) -> None:
    """Hide the axes, which have no meaning, and place the legend and the titles."""
    axis_style = {
        "showticklabels": False,
        "showgrid": False,
        "zeroline": False,
        "ticks": "",
        "showline": True,
        "mirror": True,
        "linecolor": "rgba(128,128,128,0.3)",
    }
    figure.update_xaxes(**axis_style, title=None)
    figure.update_yaxes(**axis_style, title=None)
    figure.update_layout(
        height=MAP_HEIGHT_PX,
        margin={"l": 4, "r": 4, "t": 60, "b": 4},
        clickmode="none",
        dragmode="pan",
        hoverlabel={"align": "left"},
        legend={
            "orientation": "h",
            "y": -0.03,
            "yanchor": "top",
            "x": 0,
            "itemsizing": "constant",
            "title": {"text": ""},
            "tracegroupgap": 0,  # Between rows too: the map needs the height.
            "font": {"size": 11 if legend_entry_count > 8 else 13},
            # A click shows one group alone, a second one all of them again.
            "itemclick": "toggleothers",
            "itemdoubleclick": "toggle",
        },
        uirevision="map",
    )
    for annotation, axis in zip(figure.layout.annotations, ("xaxis", "xaxis2")):
        annotation.update(
            x=figure.layout[axis].domain[0],
            xanchor="left",
            align="left",
            font={"size": 15},
            yshift=10,
        )
