"""The map as a plotly figure: code and audio of every program, before and after alignment."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.plots.charts import MODALITIES, NEUTRAL, category_colour

PANELS = (("before", "Before alignment"), ("after", "After alignment"))
HEIGHT = 520
# Points up to which each carries its program's name; beyond, names would outweigh the
# positions, and a hover shows the group only.
NAMED = 8000
# Up to so many points: size in pixels, opacity.
LOOKS = ((1000, 8.0, 0.85), (3000, 6.0, 0.75), (10_000, 5.0, 0.6), (float("inf"), 4.0, 0.6))
MOST_GROUPS = 40  # what is rarer shares one grey group
OTHER = "others"
NONE = "none"
SCALES = ("linear", "log", "rank")
STEPS = 255  # shades of a scale: what travels is a byte a point
# Both stay readable on light and on dark, and in order for every kind of colour blindness: from
# blue to yellow as lightness rises; and around grey for what is below and above 0.
RISING = ["#2b6cb8", "#2a93a8", "#5aa766", "#b0a32f", "#e8a614"]
AROUND = ["#1a80c4", "#6f8fb0", "#8c8896", "#b57a4c", "#d55e00"]


def map_figure(
    points: pd.DataFrame,
    values: pd.Series | None = None,
    *,
    label: str = "",
    names: Mapping[str, str] | None = None,
    scale: str = "linear",
) -> go.Figure:
    """Draw code and audio of every program, before and after alignment.

    Parameters
    ----------
    points : DataFrame
        One row a point: program, modality ("code", "audio"), before_x, before_y, after_x,
        after_y, and of its program name.
    values : Series [points], optional
        What to colour by: texts become groups, numbers shades. Without it, code and audio.
    label : str
        What the values are.
    names : mapping of str to str, optional
        Names for groups: a template's title by its id.
    scale : {"linear", "log", "rank"}
        How numbers become shades. "log" leaves those that aren't above 0 grey.

    Returns
    -------
    Figure
        Two panels in one WebGL context. A point's `customdata` is the number of its row in
        `points`, from 0. Code is drawn as circles and audio as diamonds whatever the colour.
    """
    if scale not in SCALES:
        raise ValueError(f"scale is {scale!r}, not one of {SCALES}")
    figure = make_subplots(
        rows=1, cols=2, subplot_titles=[title for _, title in PANELS], horizontal_spacing=0.02
    )
    numeric = values is not None and values.dtype.kind == "f"
    label = html.escape(label)  # a parameter's name may come from somebody's file
    if numeric:
        traces, axis = _shaded(points, values.to_numpy(), label, scale)
        figure.update_layout(coloraxis=axis)
    else:
        traces = _grouped(points, values, names or {})
    rows = np.arange(len(points), dtype=np.uint16 if len(points) < 2**16 else np.int32)
    # Where points lie on each other, what is below shines through.
    size, opacity = next(look for most, *look in LOOKS if len(points) <= most)
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
                    marker={"color": NEUTRAL, "symbol": marker["symbol"], "size": size},
                ),
                row=1,
                col=1,
            )
        for column, (panel, _) in enumerate(PANELS, start=1):
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
                    **_hover(some, name, values if numeric else None, label, len(points)),
                ),
                row=1,
                col=column,
            )
    _laid(figure, len([1 for *_, shown in traces if shown]))
    return figure


Trace = tuple[str, np.ndarray, dict[str, Any], bool]  # name, rows, marker, in the legend


def _grouped(
    points: pd.DataFrame, values: pd.Series | None, names: Mapping[str, str]
) -> list[Trace]:
    """A trace a group and modality, legend entries in a fixed order."""
    sides = points["modality"].to_numpy()
    if values is None or values.name == "modality":
        return [
            (label, sides == side, {"color": colour, "symbol": symbol}, True)
            for side, (label, colour, symbol) in MODALITIES.items()
        ]
    texts = values.to_numpy(dtype=object)
    found: list[Trace] = []
    for text, colour, chosen in _groups(texts):
        name = html.escape(names.get(text, text)) or NONE
        shown = True
        for side, (_, _, symbol) in MODALITIES.items():
            both = chosen & (sides == side)
            if both.any():
                found.append((name, both, {"color": colour, "symbol": symbol}, shown))
                shown = False
    return found


def _groups(texts: np.ndarray) -> Iterator[tuple[str, str, np.ndarray]]:
    """(text, colour, rows) of each group; what has no value, and what is rare, is grey."""
    counts = pd.Series(texts).value_counts()
    own = [text for text in counts.index if text != ""]
    rare = set(own[MOST_GROUPS:])
    for number, text in enumerate(sorted(set(own) - rare)):
        yield text, category_colour(number), texts == text
    if rare:
        yield OTHER, NEUTRAL, np.isin(texts, list(rare))
    if (texts == "").any():
        yield "", NEUTRAL, texts == ""


def _shaded(
    points: pd.DataFrame, values: np.ndarray, label: str, scale: str
) -> tuple[list[Trace], dict[str, Any]]:
    """A trace a modality with a shade a point, and the axis that says what shades mean."""
    shades, ticks = _shades(values, scale)
    known = np.isfinite(shades)
    sides = points["modality"].to_numpy()
    traces: list[Trace] = []
    for side, (name, _, symbol) in MODALITIES.items():
        chosen = known & (sides == side)
        colour = np.round(shades[chosen] * STEPS).astype(np.uint8)
        marker = {"color": colour, "coloraxis": "coloraxis", "symbol": symbol}
        traces.append((name, chosen, marker, True))
    if not known.all():
        grey = {"color": NEUTRAL, "symbol": "x"}
        traces.append((f"without a value ({label})", ~known, grey, True))
    spread = values[np.isfinite(values)]
    around = len(spread) > 0 and spread.min() < 0 < spread.max() and scale == "linear"
    places, texts = ticks
    return traces, {
        "colorscale": [[at / 4, colour] for at, colour in enumerate(AROUND if around else RISING)],
        "cmin": 0,
        "cmax": STEPS,
        "colorbar": {
            "title": {"text": label, "side": "top", "font": {"size": 12}},
            "orientation": "h",
            "x": 1,
            "xanchor": "right",
            "y": -0.02,
            "yanchor": "top",
            "len": 0.5,
            "thickness": 10,
            "tickvals": [place * STEPS for place in places],
            "ticktext": texts,
            "tickfont": {"size": 11},
            "outlinewidth": 0,
        },
    }


def _shades(values: np.ndarray, scale: str) -> tuple[np.ndarray, tuple[list[float], list[str]]]:
    """Values as shades in [0, 1], NaN where there is none; and five ticks with their texts."""
    known = np.isfinite(values) & ((values > 0) | (scale != "log"))
    shades = np.full(len(values), np.nan)
    if not known.any():
        return shades, ([], [])
    some = values[known]
    if scale == "rank":
        order = np.unique(some)
        shades[known] = np.searchsorted(order, some) / max(len(order) - 1, 1)
        at = np.linspace(0, len(order) - 1, 5).round().astype(int)
        return shades, _ticks([(place / 4, order[i]) for place, i in enumerate(at)])
    low, high = float(some.min()), float(some.max())
    if scale == "log":
        low, high, some = np.log10(low), np.log10(high), np.log10(some)
    elif low < 0 < high:
        low, high = -max(-low, high), max(-low, high)  # grey is 0
    shades[known] = (some - low) / (high - low) if high > low else 0.5
    at = [low + (high - low) * place / 4 for place in range(5)]
    texts = [10**each if scale == "log" else each for each in at]
    return shades, _ticks([(place / 4, text) for place, text in enumerate(texts)])


def _ticks(pairs: list[tuple[float, float]]) -> tuple[list[float], list[str]]:
    return [place for place, _ in pairs], [f"{value:.3g}" for _, value in pairs]


def _hover(
    some: pd.DataFrame, name: str, values: pd.Series | None, label: str, total: int
) -> dict[str, Any]:
    side = some["modality"].iloc[0] if len(some) else ""
    if total > NAMED:
        of = name if name.lower() == side else f"{name}, {side}"
        return {"hovertemplate": f"{of}<extra></extra>"}
    # Names may come from files of other people; plotly reads markup in what it shows.
    texts = [html.escape(str(each)[:80]) for each in some["name"]]
    if values is not None:
        of = values.loc[some.index]
        texts = [f"{text}<br>{label}: {value:.3g}" for text, value in zip(texts, of)]
    return {"text": texts, "hovertemplate": f"%{{text}}<br>{side}<extra></extra>"}


def _laid(figure: go.Figure, entries: int) -> None:
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
        height=HEIGHT,
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
            "font": {"size": 11 if entries > 8 else 13},
        },
        uirevision="map",
    )
    for annotation, axis in zip(figure.layout.annotations, ("xaxis", "xaxis2")):
        annotation.update(
            x=figure.layout[axis].domain[0], xanchor="left", font={"size": 15}, yshift=4
        )


def turned(points: pd.DataFrame) -> pd.DataFrame:
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
    before, after = (points[[f"{panel}_x", f"{panel}_y"]].to_numpy(float) for panel, _ in PANELS)
    if len(points) < 2:
        return points
    middle = after.mean(axis=0)
    left, _, right = np.linalg.svd((after - middle).T @ (before - before.mean(axis=0)))
    facing = ((after - middle) @ (left @ right) + middle).astype(np.float32)
    return points.assign(after_x=facing[:, 0], after_y=facing[:, 1])


def label_places(points: pd.DataFrame, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Where a map says what its crowds are.

    Parameters
    ----------
    points : DataFrame
        As of `map_figure`, with template.
    names : mapping of str to str
        Titles by template.

    Returns
    -------
    list of dict
        "text", "size" (points), "before" and "after" ([x, y]), largest first: one for the
        code and one for the audio of each template, at the point nearest to their medians.
    """
    found = []
    for (template, _), some in points[points["template"] != ""].groupby(["template", "modality"]):
        at = {panel: _middle(some[[f"{panel}_x", f"{panel}_y"]]) for panel, _ in PANELS}
        found.append({"text": names.get(template, template), "size": len(some), **at})
    return sorted(found, key=lambda each: -each["size"])


def _middle(places: pd.DataFrame) -> list[float]:
    """The place nearest to the medians: never between two crowds, where nothing is."""
    xy = places.to_numpy(float)
    nearest = np.square(xy - np.median(xy, axis=0)).sum(axis=1).argmin()
    return [round(float(each), 3) for each in xy[nearest]]
