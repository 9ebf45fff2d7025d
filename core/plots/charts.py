"""Data frames in, plotly figures out; and the outline of a clip's sound as a drawing.

Nothing here is kept or looked up, and nothing knows who shows it. Colours are read on a light
and on a dark background: what they stand on is left to whoever draws.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.colors as pc
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from core.spectrogram import MIN_LEVEL_DB, compute_spectrogram

# Blue and orange stay apart for every kind of colour blindness; shapes tell the two apart as well.
CODE_COLOUR, AUDIO_COLOUR = "#1a80c4", "#d55e00"
MODALITY_STYLES = {"code": ("Code", CODE_COLOUR, "circle"), "audio": ("Audio", AUDIO_COLOUR, "diamond")}
NEUTRAL_COLOUR = "#8c8896"
CATEGORY_COLOURS = (
    "#1a80c4",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
    "#8a6fd1",
    "#9c7a4f",
    "#7f7f7f",
)
# Magma, but for its first colour: Streamlit's theme takes that very black for a place to put one
# of its own.
SPECTROGRAM_COLOURS = ["#010106", *pc.sequential.Magma[1:]]

# What is measured, for people: metric, label.
COMPARED_METRICS = (
    ("cka_debiased", "CKA, debiased"),
    ("cka", "CKA"),
    ("spearman", "Spearman"),
    ("pearson", "Pearson"),
    ("overlap@3", "Overlap@3"),
    ("jaccard@3", "Jaccard@3"),
)
COMPARISON_STYLES = (
    ("before", "Before: raw code and raw audio", NEUTRAL_COLOUR, "circle-open"),
    ("aligned code ~ aligned audio", "After: aligned code and aligned audio", CODE_COLOUR, "circle"),
    ("aligned code ~ raw audio", "After: aligned code and raw audio", AUDIO_COLOUR, "diamond"),
)


def get_category_colour(category_index: int) -> str:
    """The colour of the number-th group: nine hues, then the same darker, then lighter."""
    hue = CATEGORY_COLOURS[category_index % len(CATEGORY_COLOURS)]
    turn = category_index // len(CATEGORY_COLOURS) % 3
    if turn == 0:
        return hue
    parts = [int(hue[i : i + 2], 16) for i in (1, 3, 5)]
    mixed = [part * 0.62 if turn == 1 else part + (255 - part) * 0.42 for part in parts]
    return "#" + "".join(f"{round(part):02x}" for part in mixed)


def draw_training_curves(history: pd.DataFrame, best_epoch: int | None = None) -> go.Figure:
    """Draw loss, CKA and recall of a training over its epochs.

    Parameters
    ----------
    history : DataFrame
        One row an epoch: epoch, loss, validation_loss, cka, cka_raw, recall_at_1; what is
        undefined is nan or None.
    best_epoch : int, optional
        Marked by a line: the epoch whose weights were kept.
    """
    panels = (
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
    figure = make_subplots(
        rows=1, cols=3, subplot_titles=[title for title, _ in panels], horizontal_spacing=0.07
    )
    epochs = history["epoch"] if "epoch" in history else []
    for column, (_, lines) in enumerate(panels, start=1):
        for name, label, colour, dash in lines:
            values = history[name] if name in history else pd.Series(dtype=float)
            figure.add_trace(
                go.Scatter(
                    x=epochs,
                    y=pd.to_numeric(values),
                    # A single epoch is no line yet.
                    mode="lines" if len(values) > 1 else "markers",
                    line={"color": colour, "dash": dash, "width": 2},
                    name=label,
                    hovertemplate="epoch %{x}: %{y:.3f}<extra>" + label + "</extra>",
                    legend=f"legend{column if column > 1 else ''}",
                ),
                row=1,
                col=column,
            )
    figure.update_xaxes(title="Epoch", rangemode="nonnegative")
    figure.update_yaxes(title=None)
    figure.update_yaxes(range=[0, 1.02], col=2)
    figure.update_yaxes(rangemode="tozero", tickformat=".2~%", col=3)
    if best_epoch:
        figure.add_vline(x=best_epoch, line={"color": NEUTRAL_COLOUR, "width": 1, "dash": "dash"})
    figure.update_layout(
        height=290, margin={"l": 8, "r": 8, "t": 34, "b": 8}, uirevision="training", **_build_panel_legends()
    )
    figure.update_annotations(font={"size": 14})
    return figure


def draw_run_comparison(histories: Mapping[str, pd.DataFrame]) -> go.Figure:
    """Draw validation loss, CKA and recall of several trainings over their epochs.

    Parameters
    ----------
    histories : mapping of str to DataFrame
        By the run's name, what `training_curves` takes.
    """
    panels = (
        ("Loss, validation", "validation_loss"),
        ("CKA, validation", "cka"),
        ("Recall@1, validation", "recall_at_1"),
    )
    figure = make_subplots(
        rows=1, cols=3, subplot_titles=[title for title, _ in panels], horizontal_spacing=0.07
    )
    dashes = ("solid", "dash", "dot", "dashdot")
    for number, (name, history) in enumerate(histories.items()):
        line = {
            "color": CATEGORY_COLOURS[number % len(CATEGORY_COLOURS)],
            "dash": dashes[number % len(dashes)],
            "width": 2,
        }
        for column, (_, measure) in enumerate(panels, start=1):
            values = history[measure] if measure in history else pd.Series(dtype=float)
            figure.add_trace(
                go.Scatter(
                    x=history["epoch"],
                    y=pd.to_numeric(values),
                    name=name,
                    legendgroup=name,
                    mode="lines" if len(values) > 1 else "markers",
                    line=line,
                    showlegend=column == 1,
                    hovertemplate="epoch %{x}: %{y:.3f}<extra>%{fullData.name}</extra>",
                ),
                row=1,
                col=column,
            )
    figure.update_xaxes(title="Epoch", rangemode="nonnegative")
    figure.update_yaxes(range=[0, 1.02], col=2)
    figure.update_yaxes(rangemode="tozero", tickformat=".2~%", col=3)
    figure.update_layout(
        height=310,
        margin={"l": 8, "r": 8, "t": 34, "b": 8},
        legend={"orientation": "h", "y": -0.22, "yanchor": "top", "x": 0, "title": {"text": ""}},
    )
    figure.update_annotations(font={"size": 14})
    return figure


def _build_panel_legends() -> dict:
    """One legend inside each of the three panels, where curves seldom are."""
    places = (
        (0.285, 1.0, "right", "top"),
        (0.645, 0.03, "right", "bottom"),
        (1.0, 0.03, "right", "bottom"),
    )
    return {
        f"legend{number if number > 1 else ''}": {
            "x": x,
            "y": y,
            "xanchor": xanchor,
            "yanchor": yanchor,
            "bgcolor": "rgba(0,0,0,0)",
            "font": {"size": 11},
            "title": {"text": ""},
        }
        for number, (x, y, xanchor, yanchor) in enumerate(places, start=1)
    }


def draw_metrics_before_after(metrics: pd.DataFrame, split: str = "test") -> go.Figure:
    """Draw each metric before and after alignment, with its interval.

    Parameters
    ----------
    metrics : DataFrame
        metric, split, reading, value, low, high, as `core.pipeline.evaluate.evaluate_alignment` gives.
    split : str
        Which programs were judged.
    """
    chosen = metrics[metrics["split"] == split]
    figure = go.Figure()
    labels = dict(COMPARED_METRICS)
    for offset, (reading, label, colour, symbol) in zip((-0.22, 0.0, 0.22), COMPARISON_STYLES):
        rows = chosen[(chosen["reading"] == reading) & chosen["metric"].isin(labels)]
        rows = rows.set_index("metric").reindex([metric for metric, _ in COMPARED_METRICS])
        value, low, high = (
            pd.to_numeric(rows[c]).to_numpy(float) for c in ("value", "low", "high")
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
        tickvals=list(range(len(COMPARED_METRICS))),
        ticktext=[label for _, label in COMPARED_METRICS],
        autorange="reversed",
        showgrid=False,
        zeroline=False,
    )
    figure.update_xaxes(title="Value (higher: code and audio agree more)", zeroline=True)
    figure.update_layout(
        height=330,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "title": {"text": ""}},
    )
    return figure


def draw_waveform_and_spectrogram(samples: np.ndarray, sample_rate: int) -> go.Figure:
    """Draw a clip's waveform above its spectrogram, over the same seconds.

    Parameters
    ----------
    samples : float [frames, channels]
        In [-1, 1].
    sample_rate : int
        In Hz.
    """
    seconds, hertz, level = compute_spectrogram(samples, sample_rate)
    stretches = len(seconds) - 1
    highest, lowest = _compute_sample_extremes(samples, stretches)
    middles = (seconds[:-1] + seconds[1:]) / 2
    figure = make_subplots(
        rows=2, cols=1, shared_xaxes=True, row_heights=[0.3, 0.7], vertical_spacing=0.04
    )
    for values, fill in ((highest, None), (lowest, "tonexty")):
        figure.add_trace(
            go.Scatter(
                x=middles.astype(np.float32),
                y=values,
                mode="lines",
                fill=fill,
                line={"width": 0.5, "color": AUDIO_COLOUR},
                fillcolor=AUDIO_COLOUR,
                showlegend=False,
                hovertemplate="%{x:.2f} s: %{y:.2f}<extra></extra>",
            ),
            row=1,
            col=1,
        )
    figure.add_trace(
        go.Heatmap(
            # Whole decibels: nobody sees less, and they travel in a byte each.
            x=seconds.astype(np.float32),
            y=hertz.astype(np.float32),
            z=np.round(level).astype(np.int8),
            zmin=MIN_LEVEL_DB,
            zmax=0,
            colorscale=SPECTROGRAM_COLOURS,
            colorbar={
                "title": {"text": "dB"},
                "thickness": 10,
                "len": 0.7,
                "y": 0.0,
                "yanchor": "bottom",
                "tickvals": [-90, -60, -30, 0],
            },
            hovertemplate="%{x:.2f} s, %{y:.0f} Hz: %{z} dB<extra></extra>",
        ),
        row=2,
        col=1,
    )
    figure.update_xaxes(range=[0, float(seconds[-1])], showgrid=False)
    figure.update_xaxes(title="Seconds", row=2)
    figure.update_yaxes(title="Amplitude", range=[-1, 1], tickvals=[-1, 0, 1], row=1)
    figure.update_yaxes(
        title="Hz",
        type="log",
        range=np.log10(hertz[[0, -1]]).tolist(),
        showgrid=False,
        tickvals=[50, 100, 200, 500, 1000, 2000, 5000, 10_000],
        ticktext=["50", "100", "200", "500", "1k", "2k", "5k", "10k"],
        row=2,
    )
    figure.update_layout(height=280, margin={"l": 8, "r": 8, "t": 8, "b": 8})
    return figure


def _compute_sample_extremes(samples: np.ndarray, bin_count: int) -> tuple[np.ndarray, np.ndarray]:
    """Highest and lowest sample of any channel in each stretch: float32 [stretches] each."""
    if not len(samples):
        return np.zeros(bin_count, np.float32), np.zeros(bin_count, np.float32)
    edges = np.linspace(0, len(samples), bin_count + 1)[:-1].astype(int)
    highest = np.maximum.reduceat(samples.max(axis=1), edges)
    lowest = np.minimum.reduceat(samples.min(axis=1), edges)
    return highest.astype(np.float32), lowest.astype(np.float32)


def compute_envelope(samples: np.ndarray, bar_count: int = 160) -> np.ndarray:
    """The outline of a clip's sound: its largest absolute sample in each of `bar_count` stretches.

    Parameters
    ----------
    samples : float [frames, channels]
        In [-1, 1].

    Returns
    -------
    float32 [bars]
        In [0, 1], as loud as the clip is: not normalised.
    """
    if not len(samples):
        return np.zeros(bar_count, np.float32)
    loudest = np.abs(samples).max(axis=1)  # [frames]
    edges = np.linspace(0, len(loudest), bar_count + 1)[:-1].astype(int)
    return np.clip(np.maximum.reduceat(loudest, edges), 0, 1).astype(np.float32)


def draw_waveform_svg(peaks: np.ndarray) -> str:
    """Draw an outline as bars around a middle line.

    Parameters
    ----------
    peaks : float [bars]
        As of `envelope`.

    Returns
    -------
    str
        An SVG element in black on nothing, to be stretched over any box.
    """
    # A square root brings quiet passages into view, as ears hear them.
    heights = np.maximum(np.sqrt(np.clip(peaks, 0, 1)) * 31, 0.6)
    bars = "".join(f"M{3 * i + 1} {32 - h:.1f}V{32 + h:.1f}" for i, h in enumerate(heights))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {3 * len(peaks)} 64"'
        f' preserveAspectRatio="none"><path d="{bars}" stroke="black" stroke-width="2"/></svg>'
    )
