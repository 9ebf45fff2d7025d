"""The map as a plotly figure: code and audio of every program, before and after alignment."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.plots.charts import MODALITY_STYLES, NEUTRAL_COLOUR, get_category_colour

MAP_PANELS = (("before", "Before alignment"), ("after", "After alignment"))
MAP_HEIGHT_PX = 520
# Points up to which each carries its program's name; beyond, names would outweigh the
# positions, and a hover shows the group only.
MAX_NAMED_POINTS = 8000
# Up to so many points: size in pixels, opacity.
MARKER_STYLES_BY_POINT_COUNT = ((1000, 8.0, 0.85), (3000, 6.0, 0.75), (10_000, 5.0, 0.6), (float("inf"), 4.0, 0.6))
MAX_GROUPS = 40  # what is rarer shares one grey group
OTHER_GROUP_LABEL = "others"
NO_VALUE_LABEL = "none"
COLOUR_SCALES = ("linear", "log", "rank")
MAX_SHADE = 255  # shades of a scale: what travels is a byte a point
# Both stay readable on light and on dark, and in order for every kind of colour blindness: from
# blue to yellow as lightness rises; and around grey for what is below and above 0.
SEQUENTIAL_COLOURS = ["#2b6cb8", "#2a93a8", "#5aa766", "#b0a32f", "#e8a614"]
DIVERGING_COLOURS = ["#1a80c4", "#6f8fb0", "#8c8896", "#b57a4c", "#d55e00"]


def draw_map(
    points: pd.DataFrame,
    colour_values: pd.Series | None = None,
    *,
    colour_label: str = "",
    group_titles: Mapping[str, str] | None = None,
    scale: str = "linear",
) -> go.Figure:
    """Draw code and audio of every program, before and after alignment.

    Parameters
    ----------
    points : DataFrame
        One row a point: program, modality ("code", "audio"), before_x, before_y, after_x,
        after_y, and of its program name.
    colour_values : Series [points], optional
        What to colour by: texts become groups, numbers shades. Without it, code and audio.
    colour_label : str
        What the values are.
    group_titles : mapping of str to str, optional
        Names for groups: a template's title by its id.
    scale : {"linear", "log", "rank"}
        How numbers become shades. "log" leaves those that aren't above 0 grey.

    Returns
    -------
    Figure
        Two panels in one WebGL context. A point's `customdata` is the number of its row in
        `points`, from 0. Code is drawn as circles and audio as diamonds whatever the colour.
    """
    if scale not in COLOUR_SCALES:
        raise ValueError(f"scale is {scale!r}, not one of {COLOUR_SCALES}")
    figure = make_subplots(
        rows=1, cols=2, subplot_titles=[title for _, title in MAP_PANELS], horizontal_spacing=0.02
    )
    numeric = colour_values is not None and colour_values.dtype.kind == "f"
    colour_label = html.escape(colour_label)  # a parameter's name may come from somebody's file
    if numeric:
        traces, axis = _build_shaded_traces(points, colour_values.to_numpy(), colour_label, scale)
        figure.update_layout(coloraxis=axis)
    else:
        traces = _build_group_traces(points, colour_values, group_titles or {})
    rows = np.arange(len(points), dtype=np.uint16 if len(points) < 2**16 else np.int32)
    # Where points lie on each other, what is below shines through.
    size, opacity = next(look for most, *look in MARKER_STYLES_BY_POINT_COUNT if len(points) <= most)
    for name, chosen, marker, shown in traces:
        some = points[chosen]
        if shown and numeric:
            # The legend would draw a trace of many colours in black.
            figure.add_trace(
                go.Scattergl(
                    x=[None],
                    y=[None],
                    mode="markers",
                    name=name,
                    legendgroup=name,
                    marker={"color": NEUTRAL_COLOUR, "symbol": marker["symbol"], "size": size},
                ),
                row=1,
                col=1,
            )
        for column, (panel, _) in enumerate(MAP_PANELS, start=1):
            figure.add_trace(
                go.Scattergl(
                    x=some[f"{panel}_x"].to_numpy(np.float32),
                    y=some[f"{panel}_y"].to_numpy(np.float32),
                    customdata=rows[chosen],
                    mode="markers",
                    marker={"size": size, "opacity": opacity, "line": {"width": 0}, **marker},
                    name=name,
                    legendgroup=name,
                    showlegend=column == 1 and shown and not numeric,
                    **_build_hover_options(some, name, colour_values if numeric else None, colour_label, len(points)),
                ),
                row=1,
                col=column,
            )
    _style_map_layout(figure, len([1 for *_, shown in traces if shown]))
    return figure


TraceSpec = tuple[str, np.ndarray, dict[str, Any], bool]  # name, rows, marker, in the legend


def _build_group_traces(
    points: pd.DataFrame, colour_values: pd.Series | None, group_titles: Mapping[str, str]
) -> list[TraceSpec]:
    """A trace a group and modality, legend entries in a fixed order."""
    sides = points["modality"].to_numpy()
    if colour_values is None or colour_values.name == "modality":
        return [
            (label, sides == side, {"color": colour, "symbol": symbol}, True)
            for side, (label, colour, symbol) in MODALITY_STYLES.items()
        ]
    texts = colour_values.to_numpy(dtype=object)
    found: list[TraceSpec] = []
    for text, colour, chosen in _iterate_groups(texts):
        name = html.escape(group_titles.get(text, text)) or NO_VALUE_LABEL
        shown = True
        for side, (_, _, symbol) in MODALITY_STYLES.items():
            both = chosen & (sides == side)
            if both.any():
                found.append((name, both, {"color": colour, "symbol": symbol}, shown))
                shown = False
    return found


def _iterate_groups(group_names: np.ndarray) -> Iterator[tuple[str, str, np.ndarray]]:
    """(text, colour, rows) of each group; what has no value, and what is rare, is grey."""
    counts = pd.Series(group_names).value_counts()
    own = [text for text in counts.index if text != ""]
    rare = set(own[MAX_GROUPS:])
    for number, text in enumerate(sorted(set(own) - rare)):
        yield text, get_category_colour(number), group_names == text
    if rare:
        yield OTHER_GROUP_LABEL, NEUTRAL_COLOUR, np.isin(group_names, list(rare))
    if (group_names == "").any():
        yield "", NEUTRAL_COLOUR, group_names == ""


def _build_shaded_traces(
    points: pd.DataFrame, colour_values: np.ndarray, colour_label: str, scale: str
) -> tuple[list[TraceSpec], dict[str, Any]]:
    """A trace a modality with a shade a point, and the axis that says what shades mean."""
    shades, ticks = _compute_shades(colour_values, scale)
    known = np.isfinite(shades)
    sides = points["modality"].to_numpy()
    traces: list[TraceSpec] = []
    for side, (name, _, symbol) in MODALITY_STYLES.items():
        chosen = known & (sides == side)
        colour = np.round(shades[chosen] * MAX_SHADE).astype(np.uint8)
        marker = {"color": colour, "coloraxis": "coloraxis", "symbol": symbol}
        traces.append((name, chosen, marker, True))
    if not known.all():
        grey = {"color": NEUTRAL_COLOUR, "symbol": "x"}
        traces.append((f"without a value ({colour_label})", ~known, grey, True))
    spread = colour_values[np.isfinite(colour_values)]
    around = len(spread) > 0 and spread.min() < 0 < spread.max() and scale == "linear"
    places, texts = ticks
    return traces, {
        "colorscale": [[at / 4, colour] for at, colour in enumerate(DIVERGING_COLOURS if around else SEQUENTIAL_COLOURS)],
        "cmin": 0,
        "cmax": MAX_SHADE,
        "colorbar": {
            "title": {"text": colour_label, "side": "top", "font": {"size": 12}},
            "orientation": "h",
            "x": 1,
            "xanchor": "right",
            "y": -0.02,
            "yanchor": "top",
            "len": 0.5,
            "thickness": 10,
            "tickvals": [place * MAX_SHADE for place in places],
            "ticktext": texts,
            "tickfont": {"size": 11},
            "outlinewidth": 0,
        },
    }


def _compute_shades(colour_values: np.ndarray, scale: str) -> tuple[np.ndarray, tuple[list[float], list[str]]]:
    """Values as shades in [0, 1], NaN where there is none; and five ticks with their texts."""
    known = np.isfinite(colour_values) & ((colour_values > 0) | (scale != "log"))
    shades = np.full(len(colour_values), np.nan)
    if not known.any():
        return shades, ([], [])
    some = colour_values[known]
    if scale == "rank":
        order = np.unique(some)
        shades[known] = np.searchsorted(order, some) / max(len(order) - 1, 1)
        at = np.linspace(0, len(order) - 1, 5).round().astype(int)
        return shades, _format_ticks([(place / 4, order[i]) for place, i in enumerate(at)])
    low, high = float(some.min()), float(some.max())
    if scale == "log":
        low, high, some = np.log10(low), np.log10(high), np.log10(some)
    elif low < 0 < high:
        low, high = -max(-low, high), max(-low, high)  # grey is 0
    shades[known] = (some - low) / (high - low) if high > low else 0.5
    at = [low + (high - low) * place / 4 for place in range(5)]
    texts = [10**each if scale == "log" else each for each in at]
    return shades, _format_ticks([(place / 4, text) for place, text in enumerate(texts)])


def _format_ticks(pairs: list[tuple[float, float]]) -> tuple[list[float], list[str]]:
    return [place for place, _ in pairs], [f"{value:.3g}" for _, value in pairs]


def _build_hover_options(
    trace_points: pd.DataFrame, trace_name: str, colour_values: pd.Series | None, colour_label: str, point_count: int
) -> dict[str, Any]:
    side = trace_points["modality"].iloc[0] if len(trace_points) else ""
    if point_count > MAX_NAMED_POINTS:
        of = trace_name if trace_name.lower() == side else f"{trace_name}, {side}"
        return {"hovertemplate": f"{of}<extra></extra>"}
    # Names may come from files of other people; plotly reads markup in what it shows.
    texts = [html.escape(str(each)[:80]) for each in trace_points["name"]]
    if colour_values is not None:
        of = colour_values.loc[trace_points.index]
        texts = [f"{text}<br>{colour_label}: {value:.3g}" for text, value in zip(texts, of)]
    return {"text": texts, "hovertemplate": f"%{{text}}<br>{side}<extra></extra>"}


def _style_map_layout(figure: go.Figure, legend_entry_count: int) -> None:
    """Hide axes, which mean nothing, and give the legend its place."""
    hidden = {
        "showticklabels": False,
        "showgrid": False,
        "zeroline": False,
        "ticks": "",
        "showline": True,
        "mirror": True,
        "linecolor": "rgba(128,128,128,0.3)",
    }
    figure.update_xaxes(**hidden, title=None)
    figure.update_yaxes(**hidden, title=None)
    figure.update_layout(
        height=MAP_HEIGHT_PX,
        margin={"l": 4, "r": 4, "t": 40, "b": 4},
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
            "font": {"size": 11 if legend_entry_count > 8 else 13},
        },
        uirevision="map",
    )
    for annotation, axis in zip(figure.layout.annotations, ("xaxis", "xaxis2")):
        annotation.update(
            x=figure.layout[axis].domain[0], xanchor="left", font={"size": 15}, yshift=4
        )


def rotate_after_to_before(points: pd.DataFrame) -> pd.DataFrame:
    """The same points, the picture after alignment turned or mirrored to face as the one before.

    A map means the same however it is turned, and an eye follows what stays where it was.
    No distance within a picture changes.

    Parameters
    ----------
    points : DataFrame
        As of `map_figure`.

    Notes
    -----
    The orthogonal Procrustes problem: Schönemann, "A generalized solution of the orthogonal
    Procrustes problem", Psychometrika 1966.
    """
    before, after = (points[[f"{panel}_x", f"{panel}_y"]].to_numpy(float) for panel, _ in MAP_PANELS)
    if len(points) < 2:
        return points
    middle = after.mean(axis=0)
    left, _, right = np.linalg.svd((after - middle).T @ (before - before.mean(axis=0)))
    facing = ((after - middle) @ (left @ right) + middle).astype(np.float32)
    return points.assign(after_x=facing[:, 0], after_y=facing[:, 1])


def place_template_labels(points: pd.DataFrame, template_titles: Mapping[str, str]) -> list[dict[str, Any]]:
    """Where a map says what its crowds are.

    Parameters
    ----------
    points : DataFrame
        As of `map_figure`, with template.
    template_titles : mapping of str to str
        Titles by template.

    Returns
    -------
    list of dict
        "text", "size" (points), "before" and "after" ([x, y]), largest first: one for the
        code and one for the audio of each template, at the point nearest to their medians.
    """
    found = []
    for (template, _), some in points[points["template"] != ""].groupby(["template", "modality"]):
        at = {panel: _find_median_point(some[[f"{panel}_x", f"{panel}_y"]]) for panel, _ in MAP_PANELS}
        found.append({"text": template_titles.get(template, template), "size": len(some), **at})
    return sorted(found, key=lambda each: -each["size"])


def _find_median_point(coordinates: pd.DataFrame) -> list[float]:
    """The place nearest to the medians: never between two crowds, where nothing is."""
    xy = coordinates.to_numpy(float)
    nearest = np.square(xy - np.median(xy, axis=0)).sum(axis=1).argmin()
    return [round(float(each), 3) for each in xy[nearest]]
