"""Figures of the study of foretelling: data frames in, plotly figures out."""

from __future__ import annotations

import html

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.plots.charts import AUDIO_COLOUR, CODE_COLOUR, NEUTRAL_COLOUR

FIGURE_MARGIN = {"l": 8, "r": 8, "t": 40, "b": 8}
ENCODER_COLOURS = (CODE_COLOUR, AUDIO_COLOUR, NEUTRAL_COLOUR)


def plot_method_scores(score_table: pd.DataFrame) -> go.Figure:
    """Draw each way's foretold share with its interval, a colour a judge.

    Parameters
    ----------
    score_table : DataFrame
        Columns way, judge, share, low, high.
    """
    figure = go.Figure()
    for colour, (judge, rows) in zip(ENCODER_COLOURS, score_table.groupby("judge", sort=False)):
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
        height=140 + 26 * score_table["way"].nunique(), margin=FIGURE_MARGIN, legend={"orientation": "h"}
    )
    return figure


def plot_query_scores(query_table: pd.DataFrame) -> go.Figure:
    """Draw a point a query: how much of it raw code foretold, and how much ours did.

    Parameters
    ----------
    query_table : DataFrame
        Columns program, raw, ours. A point's `customdata` is the number of its row.
    """
    figure = go.Figure()
    figure.add_trace(
        go.Scatter(
            x=query_table["raw"],
            y=query_table["ours"],
            customdata=np.arange(len(query_table)),
            mode="markers",
            text=[html.escape(name) for name in query_table["program"]],
            showlegend=False,
            marker={"color": CODE_COLOUR, "size": 8, "opacity": 0.7},
            selected={"marker": {"color": AUDIO_COLOUR, "size": 12, "opacity": 1}},
            unselected={"marker": {"opacity": 0.5}},
            hovertemplate="%{text}<br>raw code %{x:.2f}, ours %{y:.2f}<extra></extra>",
        )
    )
    ends = [min(query_table["raw"].min(), query_table["ours"].min(), 0), 1]
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
    figure.update_xaxes(title="Foretold by raw code")
    figure.update_yaxes(title="Foretold by ours")
    figure.update_layout(height=420, margin=FIGURE_MARGIN, clickmode="event+select", dragmode="pan")
    return figure
