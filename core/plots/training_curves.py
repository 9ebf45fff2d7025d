"""Curves of loss, CKA and recall over the epochs of one or several training runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.plots.colours import AUDIO_COLOUR, CATEGORY_COLOURS, CODE_COLOUR, NEUTRAL_COLOUR

# Title of each panel with its curves: column of the history, label, colour, dash.
_TRAINING_PANELS = (
    (
        "Loss",
        (
            ("loss", "Training", NEUTRAL_COLOUR, "dot"),
            ("validation_loss", "Validation", CODE_COLOUR, "solid"),
        ),
    ),
    (
        "CKA, validation",
        (
            ("cka", "With aligned audio", CODE_COLOUR, "solid"),
            ("cka_raw", "With raw audio", AUDIO_COLOUR, "dash"),
        ),
    ),
    ("Recall@1, validation", (("recall_at_1", "Code to audio", CODE_COLOUR, "solid"),)),
)
# Title of each panel and column of the history. Short, so that a phone shows them whole.
_COMPARISON_PANELS = (
    ("Loss", "validation_loss"),
    ("CKA", "cka"),
    ("Recall@1", "recall_at_1"),
)
_RUN_DASHES = ("solid", "dash", "dot", "dashdot")
# x, y, xanchor, yanchor of the legend of each panel: corners that curves seldom reach.
_LEGEND_POSITIONS = (
    (0.285, 1.0, "right", "top"),
    (0.645, 0.03, "right", "bottom"),
    (1.0, 0.03, "right", "bottom"),
)


def build_training_curves_figure(history: pd.DataFrame, best_epoch: int | None = None) -> go.Figure:
    """Draw loss, CKA and recall of one training run over its epochs.

    Parameters
    ----------
    history : DataFrame
        One row per epoch with the columns epoch, loss, validation_loss, cka, cka_raw and
        recall_at_1; undefined values are NaN or None.
    best_epoch : int, optional
        Epoch whose weights were saved, marked by a vertical line.

    Returns
    -------
    Figure
        Three panels.
    """
    figure = _build_panel_figure([title for title, _ in _TRAINING_PANELS])
    for column, (_, curves) in enumerate(_TRAINING_PANELS, start=1):
        for measure, label, colour, dash in curves:
            curve = _build_training_curve_trace(
                history,
                measure,
                line={"color": colour, "dash": dash, "width": 2},
                name=label,
                hovertemplate="epoch %{x}: %{y:.3f}<extra>" + label + "</extra>",
                legend=_get_legend_key(column),
            )
            figure.add_trace(curve, row=1, col=column)
    _style_curve_axes(figure)
    if best_epoch:
        figure.add_vline(x=best_epoch, line={"color": NEUTRAL_COLOUR, "width": 1, "dash": "dash"})
    figure.update_layout(
        height=290,
        margin={"l": 8, "r": 8, "t": 34, "b": 8},
        uirevision="training",
        **_build_panel_legends(),
    )
    figure.update_annotations(font={"size": 14})
    return figure


def build_training_run_comparison_figure(histories: Mapping[str, pd.DataFrame]) -> go.Figure:
    """Draw validation loss, CKA and recall of several training runs over their epochs.

    Parameters
    ----------
    histories : mapping of str to DataFrame
        History by name of the run, with the columns that `draw_training_curves` takes.

    Returns
    -------
    Figure
        Three panels with one curve per run. Runs differ in colour and dash.
    """
    figure = _build_panel_figure([title for title, _ in _COMPARISON_PANELS])
    for run_index, (run_name, history) in enumerate(histories.items()):
        line = {
            "color": CATEGORY_COLOURS[run_index % len(CATEGORY_COLOURS)],
            "dash": _RUN_DASHES[run_index % len(_RUN_DASHES)],
            "width": 2,
        }
        for column, (_, measure) in enumerate(_COMPARISON_PANELS, start=1):
            curve = _build_training_curve_trace(
                history,
                measure,
                line=line,
                name=run_name,
                legendgroup=run_name,
                showlegend=column == 1,
                hovertemplate="epoch %{x}: %{y:.3f}<extra>%{fullData.name}</extra>",
            )
            figure.add_trace(curve, row=1, col=column)
    _style_curve_axes(figure)
    figure.update_layout(
        height=310,
        margin={"l": 8, "r": 8, "t": 34, "b": 8},
        legend={"orientation": "h", "y": -0.22, "yanchor": "top", "x": 0, "title": {"text": ""}},
    )
    figure.update_annotations(font={"size": 14})
    return figure


def _build_panel_figure(titles: Sequence[str]) -> go.Figure:
    return make_subplots(rows=1, cols=len(titles), subplot_titles=titles, horizontal_spacing=0.07)


def _build_training_curve_trace(
    history: pd.DataFrame, measure: str, **trace_options: Any
) -> go.Scatter:
    """Return a measure over the epochs, empty if the history lacks it."""
    empty = pd.Series(dtype=float)
    values = history.get(measure, empty)
    return go.Scatter(
        x=history.get("epoch", empty),
        y=pd.to_numeric(values),
        # A line needs two epochs.
        mode="lines" if len(values) > 1 else "markers",
        **trace_options,
    )


def _style_curve_axes(figure: go.Figure) -> None:
    figure.update_xaxes(title="Epoch", rangemode="nonnegative")
    figure.update_yaxes(range=[0, 1.02], col=2)
    figure.update_yaxes(rangemode="tozero", tickformat=".2~%", col=3)


def _get_legend_key(panel_number: int) -> str:
    return f"legend{panel_number if panel_number > 1 else ''}"


def _build_panel_legends() -> dict[str, dict[str, Any]]:
    """Return the layout of one legend inside each panel."""
    return {
        _get_legend_key(number): {
            "x": x,
            "y": y,
            "xanchor": xanchor,
            "yanchor": yanchor,
            "bgcolor": "rgba(0,0,0,0)",
            "font": {"size": 11},
            "title": {"text": ""},
        }
        for number, (x, y, xanchor, yanchor) in enumerate(_LEGEND_POSITIONS, start=1)
    }
