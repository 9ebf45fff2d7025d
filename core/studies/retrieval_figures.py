"""Figures of the study of foretelling: data frames in, plotly figures out."""

from __future__ import annotations

import html

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.plots.charts import AUDIO, CODE, NEUTRAL

MARGIN = {"l": 8, "r": 8, "t": 40, "b": 8}
COLOURS = (CODE, AUDIO, NEUTRAL)


def shares(table: pd.DataFrame) -> go.Figure:
    """Draw each way's foretold share with its interval, a colour a judge.

    Parameters
    ----------
    table : DataFrame
        Columns way, judge, share, low, high.
    """
    figure = go.Figure()
    for colour, (judge, rows) in zip(COLOURS, table.groupby("judge", sort=False)):
        rows = rows.iloc[::-1]  # the first way on top
        figure.add_trace(
            go.Scatter(
                x=rows["share"],
                y=rows["way"],
                mode="markers",
                name=f"judged by {judge}",
                marker={"color": colour, "size": 9},
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "thickness": 1,
                    "width": 3,
                    "array": rows["high"] - rows["share"],
                    "arrayminus": rows["share"] - rows["low"],
                },
                hovertemplate="%{y}: %{x:.2f}<extra></extra>",
            )
        )
    figure.update_xaxes(title="Foretold share (0: any clips, 1: the truly nearest)")
    figure.update_layout(
        height=140 + 26 * table["way"].nunique(), margin=MARGIN, legend={"orientation": "h"}
    )
    return figure


def each_query(table: pd.DataFrame) -> go.Figure:
    """Draw a point a query: how much of it raw code foretold, and how much ours did.

    Parameters
    ----------
    table : DataFrame
        Columns program, raw, ours. A point's `customdata` is the number of its row.
    """
    figure = go.Figure()
    figure.add_trace(
        go.Scatter(
            x=table["raw"],
            y=table["ours"],
            customdata=np.arange(len(table)),
            mode="markers",
            text=[html.escape(name) for name in table["program"]],
            showlegend=False,
            marker={"color": CODE, "size": 8, "opacity": 0.7},
            selected={"marker": {"color": AUDIO, "size": 12, "opacity": 1}},
            unselected={"marker": {"opacity": 0.5}},
            hovertemplate="%{text}<br>raw code %{x:.2f}, ours %{y:.2f}<extra></extra>",
        )
    )
    ends = [min(table["raw"].min(), table["ours"].min(), 0), 1]
    figure.add_trace(
        go.Scatter(
            x=ends,
            y=ends,
            mode="lines",
            hoverinfo="skip",
            showlegend=False,
            line={"color": NEUTRAL, "width": 1, "dash": "dash"},
        )
    )
    figure.update_xaxes(title="Foretold by raw code")
    figure.update_yaxes(title="Foretold by ours")
    figure.update_layout(height=420, margin=MARGIN, clickmode="event+select", dragmode="pan")
    return figure
