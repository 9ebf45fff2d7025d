"""Figures of the studies: data frame in, plotly figure out."""

from __future__ import annotations

import html
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.plots.colours import AUDIO_COLOUR, CODE_COLOUR, NEUTRAL_COLOUR

MAX_TICK_VALUES = 5  # a setting with more values gets an automatic axis
MIN_AXIS_SPAN = 1e-3  # cosine distance
MAX_PANELS_PER_ROW = 3
FIGURE_MARGIN = {"l": 8, "r": 8, "t": 40, "b": 8}
COLOURS = (CODE_COLOUR, AUDIO_COLOUR, NEUTRAL_COLOUR)
STRENGTH_COLOURS = (NEUTRAL_COLOUR, CODE_COLOUR, AUDIO_COLOUR)


def plot_pair_distances(pairs: pd.DataFrame, panels: Sequence[tuple[str, str, str]]) -> go.Figure:
    """Draw code distance against audio distance, one point per pair of programs.

    Parameters
    ----------
    pairs : DataFrame
        One row per pair: first, second (names), and the panels' columns of distances.
    panels : sequence of (code column, audio column, title)

    Returns
    -------
    Figure
        A point's `customdata` is the number of its row.
    """
    figure = make_subplots(
        rows=1,
        cols=len(panels),
        subplot_titles=[title for _, _, title in panels],
        shared_yaxes=True,
        horizontal_spacing=0.04,
    )
    names = [html.escape(f"{a}, {b}") for a, b in zip(pairs["first"], pairs["second"])]
    for panel, (code_column, audio_column, title) in enumerate(panels, start=1):
        figure.add_trace(
            go.Scatter(
                x=pairs[code_column],
                y=pairs[audio_column],
                customdata=np.arange(len(pairs)),
                mode="markers",
                text=names,
                marker={"color": CODE_COLOUR, "size": 7, "opacity": 0.7},
                selected={"marker": {"color": AUDIO_COLOUR, "size": 11, "opacity": 1}},
                unselected={"marker": {"opacity": 0.5}},
                showlegend=False,
                hovertemplate="%{text}<br>code %{x:.3f}, audio %{y:.3f}<extra></extra>",
                name=title,
            ),
            row=1,
            col=panel,
        )
    figure.update_xaxes(title="Code distance (cosine)")
    figure.update_yaxes(title="Audio distance (cosine)", col=1)
    figure.update_layout(height=420, margin=FIGURE_MARGIN, clickmode="event+select", dragmode="pan")
    return figure


def plot_completion_metrics(comparison: pd.DataFrame) -> go.Figure:
    """Draw each scenario's four numbers, raw and aligned, with the paper's as diamonds.

    Parameters
    ----------
    comparison : DataFrame
        With ``measure`` as "SCENARIO: METRIC, raw|aligned code ~ raw audio".
    """
    rows = comparison[comparison["measure"].str.endswith("code ~ raw audio")]
    figure = go.Figure()
    for space, colour in (("raw", NEUTRAL_COLOUR), ("aligned", CODE_COLOUR)):
        space_rows = rows[rows["measure"].str.contains(f", {space} code")]
        names = [measure.partition(",")[0] for measure in space_rows["measure"]]
        figure.add_trace(
            go.Bar(
                x=names,
                y=space_rows["measured"],
                name=f"{space} code",
                marker={"color": colour},
                error_y=_make_error_bars(space_rows, "measured"),
                offsetgroup=space,
            )
        )
        figure.add_trace(
            go.Scatter(
                x=names,
                y=space_rows["paper"],
                mode="markers",
                name=f"the paper's, {space}",
                marker={
                    "symbol": "diamond" if space == "aligned" else "diamond-open",
                    "color": AUDIO_COLOUR,
                    "size": 10,
                },
            )
        )
    figure.update_layout(height=420, margin=FIGURE_MARGIN, barmode="group")
    return figure


def plot_embedding_movements(changes: pd.DataFrame, space_titles: Mapping[str, str]) -> go.Figure:
    """Draw the movement of audio and code with each change, one panel per code space.

    Parameters
    ----------
    changes : DataFrame
        program, strength, audio, and one column per code space: cosines of before and after.
        The points' `customdata` is its index.
    space_titles : mapping of column to title
    """
    figure = make_subplots(
        rows=1,
        cols=len(space_titles),
        subplot_titles=list(space_titles.values()),
        horizontal_spacing=0.16,
    )
    for panel, space in enumerate(space_titles, start=1):
        for position, (strength, group) in enumerate(changes.groupby("strength", sort=False)):
            figure.add_trace(
                go.Scatter(
                    x=1 - group["audio"],
                    y=1 - group[space],
                    customdata=group.index.to_numpy(),
                    mode="markers",
                    name=f"{strength:g}",
                    legendgroup=f"{strength:g}",
                    showlegend=panel == 1,
                    text=[html.escape(name) for name in group["program"]],
                    marker={
                        "color": STRENGTH_COLOURS[position % len(STRENGTH_COLOURS)],
                        "size": 8,
                    },
                    hovertemplate="%{text}<br>audio %{x:.3f}, code %{y:.4f}<extra></extra>",
                ),
                row=1,
                col=panel,
            )
    # Movements that the audio encoder does not register are rounding errors; an automatic axis
    # would magnify them.
    x_max = max(float((1 - changes["audio"]).max()) * 1.08, MIN_AXIS_SPAN)
    figure.update_xaxes(title="Audio", range=[-0.03 * x_max, x_max])
    figure.update_yaxes(rangemode="tozero")
    figure.update_yaxes(title="Code", col=1)
    figure.update_layout(height=340, margin=FIGURE_MARGIN, clickmode="event+select", dragmode="pan")
    return figure


def plot_parallel_coordinates(table: pd.DataFrame, columns: Sequence[str]) -> go.Figure:
    """Draw one line per row across parallel axes, coloured by the last but one column."""
    columns = [name for name in columns if name in table]
    dimensions = [_make_parallel_axis(name, table[name]) for name in columns]
    colour = table[columns[-2]] if len(columns) > 1 else None
    line = {"color": colour, "colorscale": "Viridis", "showscale": True}
    figure = go.Figure(go.Parcoords(dimensions=dimensions, line=line))
    figure.update_layout(height=420, margin={"l": 60, "r": 30, "t": 60, "b": 20})
    return figure


def plot_agreement_by_size(curve: pd.DataFrame) -> go.Figure:
    """Draw the calibrated value of each measure against the number of programs.

    Parameters
    ----------
    curve : DataFrame
        Columns reading, measure, programs and calibrated. One panel per reading.
    """
    readings = list(dict.fromkeys(curve["reading"]))
    row_count = -(-len(readings) // MAX_PANELS_PER_ROW)
    figure = make_subplots(
        row_count,
        min(len(readings), MAX_PANELS_PER_ROW),
        subplot_titles=readings,
        shared_yaxes=True,
        horizontal_spacing=0.03,
        vertical_spacing=0.2,
    )
    for number, reading in enumerate(readings):
        row, column = number // MAX_PANELS_PER_ROW + 1, number % MAX_PANELS_PER_ROW + 1
        panel = curve[curve["reading"] == reading]
        styles = itertools.product(("solid", "dash", "dot"), COLOURS)
        for (dash, colour), (measure, rows) in zip(styles, panel.groupby("measure", sort=False)):
            figure.add_trace(
                go.Scatter(
                    x=rows["programs"],
                    y=rows["calibrated"],
                    mode="lines+markers",
                    name=measure,
                    legendgroup=measure,
                    showlegend=number == 0,
                    line={"color": colour, "dash": dash},
                ),
                row,
                column,
            )
    figure.update_xaxes(type="log", title="Programs")
    figure.update_yaxes(title="Calibrated value", col=1)
    figure.update_layout(height=60 + 360 * row_count, margin={"l": 60, "r": 20, "t": 40, "b": 50})
    return figure


def _make_parallel_axis(label: str, values: pd.Series) -> dict[str, Any]:
    if pd.api.types.is_numeric_dtype(values) and values.dtype != bool:
        ticks = sorted(set(values)) if values.nunique() <= MAX_TICK_VALUES else None
        return {"label": label, "values": values, "tickvals": ticks}
    categories = sorted(set(values.astype(str)))
    positions = {category: position for position, category in enumerate(categories)}
    return {
        "label": label,
        "values": values.astype(str).map(positions),
        "ticktext": categories,
        "tickvals": list(range(len(categories))),
    }


def plot_method_scores(score_table: pd.DataFrame, metric: str) -> go.Figure:
    """Draw each retrieval method's score with its interval, one colour per audio encoder.

    Parameters
    ----------
    score_table : DataFrame
        Columns method, encoder, low, high and `metric`.
    metric : str
        Column of the score.
    """
    figure = go.Figure()
    for colour, (encoder, rows) in zip(COLOURS, score_table.groupby("encoder", sort=False)):
        rows = rows.iloc[::-1]  # Plotly draws the first row at the bottom.
        figure.add_trace(
            go.Scatter(
                x=rows[metric],
                y=rows["method"],
                mode="markers",
                name=f"measured by {encoder}",
                marker={"color": colour, "size": 9},
                error_x=_make_error_bars(rows, metric),
                hovertemplate="%{y}: %{x:.2f}<extra></extra>",
            )
        )
    # Short, and apart from the legend, so that a phone shows both whole.
    figure.update_xaxes(title=metric)
    figure.update_layout(
        height=140 + 26 * score_table["method"].nunique(),
        margin=FIGURE_MARGIN,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )
    return figure


def plot_raw_against_default_scores(query_table: pd.DataFrame) -> go.Figure:
    """Draw one point per query: score by raw code against score by the default method.

    Parameters
    ----------
    query_table : DataFrame
        Columns program, raw code, default method. A point's `customdata` is the number of its
        row.
    """
    raw_scores, default_scores = query_table["raw code"], query_table["default method"]
    figure = go.Figure()
    figure.add_trace(
        go.Scatter(
            x=raw_scores,
            y=default_scores,
            customdata=np.arange(len(query_table)),
            mode="markers",
            text=[html.escape(name) for name in query_table["program"]],
            showlegend=False,
            marker={"color": CODE_COLOUR, "size": 8, "opacity": 0.7},
            selected={"marker": {"color": AUDIO_COLOUR, "size": 12, "opacity": 1}},
            unselected={"marker": {"opacity": 0.5}},
            hovertemplate="%{text}<br>raw code %{x:.2f}, default method %{y:.2f}<extra></extra>",
        )
    )
    ends = [min(raw_scores.min(), default_scores.min(), 0), 1]
    figure.add_trace(
        go.Scatter(
            x=ends,
            y=ends,
            mode="lines",
            hoverinfo="skip",
            showlegend=False,
            line={"color": NEUTRAL_COLOUR, "width": 1, "dash": "dash"},
        )
    )
    figure.update_xaxes(title="Score by raw code")
    figure.update_yaxes(title="Score by the default method")
    figure.update_layout(height=420, margin=FIGURE_MARGIN, clickmode="event+select", dragmode="pan")
    return figure


def plot_reliability_diagram(bins: pd.DataFrame) -> go.Figure:
    """Draw predicted probability against the share of correct predictions, a line per direction.

    Parameters
    ----------
    bins : DataFrame
        "direction", "predictions", "predicted probability" and "fraction correct", a row per bin.
    """
    figure = go.Figure(
        go.Scatter(
            x=[0, 1],
            y=[0, 1],
            mode="lines",
            line={"color": NEUTRAL_COLOUR, "dash": "dot"},
            name="perfectly calibrated",
            hoverinfo="skip",
        )
    )
    for colour, (direction, rows) in zip(COLOURS, bins.groupby("direction", sort=False)):
        figure.add_trace(
            go.Scatter(
                x=rows["predicted probability"],
                y=rows["fraction correct"],
                customdata=rows["predictions"],
                mode="lines+markers",
                marker={"color": colour, "size": 9},
                name=direction,
                hovertemplate="predicted %{x:.0%}, correct %{y:.0%} of %{customdata}"
                "<extra></extra>",
            )
        )
    return figure.update_layout(
        margin=FIGURE_MARGIN,
        height=420,
        # Room for the markers at 0 and 1.
        xaxis={"title": "Predicted probability", "range": [-0.02, 1.02], "tickformat": ".0%"},
        yaxis={
            "title": "Share of correct predictions",
            "range": [-0.02, 1.02],
            "tickformat": ".0%",
        },
        legend={"orientation": "h", "y": 1.08},
    )


def _make_error_bars(rows: pd.DataFrame, value_column: str) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": rows["high"] - rows[value_column],
        "arrayminus": rows[value_column] - rows["low"],
        "thickness": 1,
        "width": 3,
    }
