"""Spectrogram of a clip and its drawing below the waveform."""

from __future__ import annotations

import numpy as np
import plotly.colors
import plotly.graph_objects as go
from plotly.subplots import make_subplots
from scipy.fft import rfft

from core.plots.colours import AUDIO_COLOUR
from core.plots.waveform_svg import compute_waveform_range

FFT_SIZE = 4096  # samples per frame: 93 ms at 44.1 kHz
MIN_FREQUENCY_HZ = 30.0
MIN_LEVEL_DB = -90.0  # relative to a full-scale sine
# Streamlit's theme replaces Magma's first colour, pure black, by a colour of its own.
SPECTROGRAM_COLOURS = ["#010106", *plotly.colors.sequential.Magma[1:]]


def compute_spectrogram(
    samples: np.ndarray, sample_rate: int, column_count: int = 360, band_count: int = 110
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the level of each frequency band in each of several equal stretches of time.

    Parameters
    ----------
    samples : float [frames, channels]
        In [-1, 1]. Of several channels the loudest counts.
    sample_rate : int
        In Hz.
    column_count : int
        Number of stretches of time.
    band_count : int
        Number of bands between 30 Hz and half the sample rate, spaced logarithmically.

    Returns
    -------
    seconds : float [columns + 1]
        Edges of the stretches.
    hertz : float [bands + 1]
        Edges of the bands.
    level : float32 [bands, columns]
        Level of the strongest frequency of the band in dB, at least `MIN_LEVEL_DB`. A full-scale
        sine has 0 dB, and up to 1.4 dB less between two bins of the Hann window.
    """
    frame_count = max(len(samples), 1)
    seconds = np.linspace(0, frame_count / sample_rate, column_count + 1)
    hertz = np.geomspace(MIN_FREQUENCY_HZ, sample_rate / 2, band_count + 1)
    centres = ((np.arange(column_count) + 0.5) * frame_count / column_count).astype(int)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FFT_SIZE) / FFT_SIZE)
    window = (window / (window.sum() / 2)).astype(np.float32)  # a full-scale sine: 0 dB
    # A band that is narrower than a bin shows the bin that contains it.
    bins = np.clip(np.round(hertz * FFT_SIZE / sample_rate).astype(int), 0, FFT_SIZE // 2)
    power = np.zeros((column_count, band_count), np.float32)
    for channel in np.atleast_2d(np.asarray(samples, np.float32).T):
        padded = np.pad(channel, (FFT_SIZE // 2, FFT_SIZE // 2 + 1))
        frames = np.lib.stride_tricks.sliding_window_view(padded, FFT_SIZE)[centres]
        spectrum = np.square(np.abs(rfft(frames * window, axis=1)))  # [columns, FFT_SIZE // 2 + 1]
        power = np.maximum(power, np.maximum.reduceat(spectrum, bins, axis=1)[:, :band_count])
    level = 10 * np.log10(np.maximum(power, 10 ** (MIN_LEVEL_DB / 10)))
    return seconds, hertz, level.T.astype(np.float32)


def build_waveform_and_spectrogram_figure(samples: np.ndarray, sample_rate: int) -> go.Figure:
    """Draw the waveform of a clip above its spectrogram, on the same time axis.

    Parameters
    ----------
    samples : float [frames, channels]
        In [-1, 1].
    sample_rate : int
        In Hz.

    Returns
    -------
    Figure
        Two rows.
    """
    seconds, hertz, level = compute_spectrogram(samples, sample_rate)
    figure = make_subplots(
        rows=2, cols=1, shared_xaxes=True, row_heights=[0.3, 0.7], vertical_spacing=0.04
    )
    _add_waveform_trace(figure, samples, seconds)
    figure.add_trace(_build_spectrogram_heatmap(seconds, hertz, level), row=2, col=1)
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


def _add_waveform_trace(figure: go.Figure, samples: np.ndarray, edges_s: np.ndarray) -> None:
    """Fill the area between the highest and the lowest sample of each stretch."""
    highest, lowest = compute_waveform_range(samples, len(edges_s) - 1)
    centres_s = (edges_s[:-1] + edges_s[1:]) / 2
    for values, fill in ((highest, None), (lowest, "tonexty")):
        figure.add_trace(
            go.Scatter(
                x=centres_s.astype(np.float32),
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


def _build_spectrogram_heatmap(
    seconds: np.ndarray, hertz: np.ndarray, level: np.ndarray
) -> go.Heatmap:
    return go.Heatmap(
        x=seconds.astype(np.float32),
        y=hertz.astype(np.float32),
        # Whole decibels take one byte each, and finer steps are not visible.
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
    )
