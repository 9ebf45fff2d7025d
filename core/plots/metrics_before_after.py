"""Metrics before and after alignment, with confidence intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.plots.colours import AUDIO_COLOUR, CODE_COLOUR, NEUTRAL_COLOUR

# Metric and label.
COMPARED_METRICS = (
    ("cka_debiased", "CKA, debiased"),
    ("cka", "CKA, biased as in the paper"),
    ("mutual_knn@10", "Mutual 10-NN"),
    ("spearman", "Spearman"),
    ("pearson", "Pearson"),
    ("overlap@3", "Overlap@3"),
    ("jaccard@3", "Jaccard@3"),
)
# Reading, label, colour and marker symbol. The readings are spelled out because importing their
# names from core.evaluation.metrics_with_intervals would import torch, which a page draws without.
COMPARISON_STYLES = (
    ("before", "Before: raw code and raw audio", NEUTRAL_COLOUR, "circle-open"),
    (
        "aligned code ~ aligned audio",
        "After: aligned code and aligned audio",
        CODE_COLOUR,
        "circle",
    ),
    ("aligned code ~ raw audio", "After: aligned code and raw audio", AUDIO_COLOUR, "diamond"),
)
_ROW_OFFSETS = (-0.22, 0.0, 0.22)


def build_metrics_before_after_figure(metrics: pd.DataFrame, split: str = "test") -> go.Figure:
    """Draw each metric before and after alignment, with its confidence interval.

    Parameters
    ----------
    metrics : DataFrame
        Columns metric, split, reading, value, low and high, as returned by
        `core.pipeline.evaluate_alignment_on_held_out_programs.evaluate_alignment`, and null_p95 in
        those of today.
    split : str
        Split of the programs.

    Returns
    -------
    Figure
        One row per metric, one marker per reading. A grey bar spans the values of permuted
        pairs, from 0 to their 95th percentile.
    """
    split_metrics = metrics[metrics["split"] == split]
    labels = dict(COMPARED_METRICS)
    figure = go.Figure()
    figure.add_trace(_build_chance_bars(split_metrics, labels))
    for offset, (reading, label, colour, symbol) in zip(_ROW_OFFSETS, COMPARISON_STYLES):
        is_drawn = (split_metrics["reading"] == reading) & split_metrics["metric"].isin(labels)
        rows = split_metrics[is_drawn].set_index("metric").reindex(list(labels))
        value, low, high = (
            pd.to_numeric(rows[column]).to_numpy(float) for column in ("value", "low", "high")
        )
        figure.add_trace(
            go.Scatter(
                x=value,
                y=np.arange(len(rows)) + offset,
                mode="markers",
                marker={
                    "color": colour,
                    "symbol": symbol,
                    "size": 10,
                    "line": {"width": 2, "color": colour},
                },
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": high - value,
                    "arrayminus": value - low,
                    "color": colour,
                    "thickness": 1.2,
                    "width": 0,
                },
                name=label,
                text=[labels[metric] for metric in rows.index],
                customdata=np.stack([low, high], axis=1),
                hovertemplate="%{text} %{x:.2f}, 95 % within %{customdata[0]:.2f} to"
                " %{customdata[1]:.2f}<extra></extra>",
            )
        )
    figure.update_yaxes(
        tickvals=list(range(len(labels))),
        ticktext=list(labels.values()),
        autorange="reversed",
        showgrid=False,
        zeroline=False,
    )
    figure.update_xaxes(title="Agreement of code and audio", zeroline=True)
    figure.update_layout(
        height=360,
        bargap=0.25,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "title": {"text": ""}},
    )
    return figure


def _build_chance_bars(split_metrics: pd.DataFrame, labels: dict[str, str]) -> go.Bar:
    """Draw up to where permuted pairs reach: the highest of the readings, for each metric."""
    if "null_p95" in split_metrics:
        is_drawn = split_metrics["reading"].isin([reading for reading, *_ in COMPARISON_STYLES])
        drawn = split_metrics[is_drawn].astype({"null_p95": float})
        chance = drawn.groupby("metric")["null_p95"].max().reindex(list(labels)).to_numpy(float)
    else:  # Metrics that an older version computed.
        chance = np.full(len(labels), np.nan)
    return go.Bar(
        x=chance,
        y=np.arange(len(labels)),
        orientation="h",
        marker={"color": NEUTRAL_COLOUR, "opacity": 0.2, "line": {"width": 0}},
        name="Chance: 95 % of permuted pairs",
        text=list(labels.values()),
        textposition="none",
        hovertemplate="%{text}: permuted pairs reach %{x:.2f}<extra></extra>",
    )
