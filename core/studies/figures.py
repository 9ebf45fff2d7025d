"""Figures of the studies: data frames in, plotly figures out, like `core.plots`."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.plots.charts import AUDIO_COLOUR, CODE_COLOUR, NEUTRAL_COLOUR

MAX_TICK_VALUES = 5  # values of a setting, which are then the only ones on its axis
MIN_AXIS_SPAN = 1e-3  # of a cosine distance, that an axis of movements spans
FIGURE_MARGIN = {"l": 8, "r": 8, "t": 40, "b": 8}


def plot_pair_distances(pairs: pd.DataFrame, panels: Sequence[tuple[str, str, str]]) -> go.Figure:
    """Draw a point a pair of programs: how far apart their code is and how far their sound.

    Parameters
    ----------
    pairs : DataFrame
        One row a pair: first, second (names), and the panels' columns of distances.
    panels : sequence of (code column, audio column, title)

    Returns
    -------
    Figure
        A point's `customdata` is the number of its row.
    """
    figure = make_subplots(
        rows=1,
        cols=len(panels),
        subplot_titles=[each[2] for each in panels],
        shared_yaxes=True,
        horizontal_spacing=0.04,
    )
    names = [html.escape(f"{a}, {b}") for a, b in zip(pairs["first"], pairs["second"])]
    for column, (code, audio, title) in enumerate(panels, start=1):
        figure.add_trace(
            go.Scatter(
                x=pairs[code],
                y=pairs[audio],
                customdata=np.arange(len(pairs)),
                mode="markers",
                text=names,
                marker={"color": CODE_COLOUR, "size": 7, "opacity": 0.7},
                selected={"marker": {"color": AUDIO_COLOUR, "size": 11, "opacity": 1}},
                unselected={"marker": {"opacity": 0.5}},
                showlegend=False,
                hovertemplate="%{text}<br>code %{x:.3f}, sound %{y:.3f}<extra></extra>",
                name=title,
            ),
            row=1,
            col=column,
        )
    figure.update_xaxes(title="Distance of code (cosine)")
    figure.update_yaxes(title="Distance of sound (cosine)", col=1)
    figure.update_layout(height=420, margin=FIGURE_MARGIN, clickmode="event+select", dragmode="pan")
    return figure


def plot_completion(comparison: pd.DataFrame) -> go.Figure:
    """Draw each scenario's four numbers, raw and aligned, with the paper's as diamonds.

    Parameters
    ----------
    comparison : DataFrame
        Whose ``measure`` reads "SCENARIO: METRIC, raw|aligned code ~ raw sound".
    """
    rows = comparison[comparison["measure"].str.endswith("code ~ raw sound")]
    figure = go.Figure()
    for space, colour in (("raw", NEUTRAL_COLOUR), ("aligned", CODE_COLOUR)):
        some = rows[rows["measure"].str.contains(f", {space} code")]
        names = [measure.partition(",")[0] for measure in some["measure"]]
        error = {
            "type": "data",
            "symmetric": False,
            "array": some["high"] - some["measured"],
            "arrayminus": some["measured"] - some["low"],
            "thickness": 1,
            "width": 3,
        }
        figure.add_trace(
            go.Bar(
                x=names,
                y=some["measured"],
                name=f"{space} code",
                marker={"color": colour},
                error_y=error,
                offsetgroup=space,
            )
        )
        figure.add_trace(
            go.Scatter(
                x=names,
                y=some["paper"],
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


def plot_movements(changes: pd.DataFrame, space_titles: dict[str, str]) -> go.Figure:
    """Draw how far sound and code moved with each change, a panel a space of code.

    Parameters
    ----------
    changes : DataFrame
        program, strength, sound and a column a space: cosines of before and after. Its index
        is what points carry as `customdata`.
    space_titles : dict of column to title
    """
    figure = make_subplots(rows=1, cols=len(space_titles), subplot_titles=list(space_titles.values()))
    for column, space in enumerate(space_titles, start=1):
        for place, (strength, some) in enumerate(changes.groupby("strength", sort=False)):
            figure.add_trace(
                go.Scatter(
                    x=1 - some["sound"],
                    y=1 - some[space],
                    customdata=some.index.to_numpy(),
                    mode="markers",
                    name=f"{strength:g}",
                    legendgroup=f"{strength:g}",
                    showlegend=column == 1,
                    text=[html.escape(name) for name in some["program"]],
                    marker={"color": (NEUTRAL_COLOUR, CODE_COLOUR, AUDIO_COLOUR)[place % 3], "size": 8},
                    hovertemplate="%{text}<br>sound %{x:.3f}, code %{y:.4f}<extra></extra>",
                ),
                row=1,
                col=column,
            )
    # What an ear doesn't notice at all is rounding: no axis of its own for that.
    farthest = max(float((1 - changes["sound"]).max()) * 1.08, MIN_AXIS_SPAN)
    figure.update_xaxes(title="How far the sound moved", range=[-0.03 * farthest, farthest])
    figure.update_yaxes(rangemode="tozero")
    figure.update_yaxes(title="How far the code moved", col=1)
    figure.update_layout(height=340, margin=FIGURE_MARGIN, clickmode="event+select", dragmode="pan")
    return figure


def plot_parallel_coordinates(table: pd.DataFrame, columns: Sequence[str]) -> go.Figure:
    """Draw a line a row across parallel axes, coloured by the last but one column."""
    dimensions = []
    columns = [name for name in columns if name in table]
    for name in columns:
        values = table[name]
        if pd.api.types.is_numeric_dtype(values) and values.dtype != bool:
            few = sorted(set(values)) if values.nunique() <= MAX_TICK_VALUES else None
            dimensions.append({"label": name, "values": values, "tickvals": few})
            continue
        kinds = sorted(set(values.astype(str)))
        places = values.astype(str).map({kind: place for place, kind in enumerate(kinds)})
        dimensions.append(
            {
                "label": name,
                "values": places,
                "ticktext": kinds,
                "tickvals": list(range(len(kinds))),
            }
        )
    colour = table[columns[-2]] if len(columns) > 1 else None
    shown = {"color": colour, "colorscale": "Viridis", "showscale": True}
    figure = go.Figure(go.Parcoords(dimensions=dimensions, line=shown))
    figure.update_layout(height=420, margin={"l": 60, "r": 30, "t": 60, "b": 20})
    return figure
