"""Colour scale of the map: numbers to shades, with the ticks of the colour bar."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

COLOUR_SCALES = ("linear", "log", "rank")
MAX_SHADE = 255  # so that a shade is sent as one byte per point
# Both scales are legible on light and dark backgrounds and keep their order with every kind of
# colour blindness. The first rises in lightness, the second has grey in its middle.
SEQUENTIAL_COLOURS = ("#2b6cb8", "#2a93a8", "#5aa766", "#b0a32f", "#e8a614")
DIVERGING_COLOURS = ("#1a80c4", "#6f8fb0", "#8c8896", "#b57a4c", "#d55e00")
_TICK_COUNT = 5


class ColourTicks(NamedTuple):
    """Ticks of a colour bar: shades in [0, 1], and their texts."""

    shades: list[float]
    texts: list[str]


def validate_colour_scale(scale: str) -> None:
    """Raise a ValueError if `scale` is not one of `COLOUR_SCALES`."""
    if scale not in COLOUR_SCALES:
        raise ValueError(f"scale is {scale!r}, not one of {COLOUR_SCALES}")


def compute_colour_shades(values: np.ndarray, scale: str) -> tuple[np.ndarray, ColourTicks]:
    """Map numbers to shades.

    Parameters
    ----------
    values : float [points]
        NaN where a point has no value.
    scale : {"linear", "log", "rank"}
        A linear scale of values of both signs has 0 in its middle.

    Returns
    -------
    shades : float [points]
        In [0, 1]. NaN for points without a value and, on a log scale, for values up to 0.
    ticks : ColourTicks
        Five ticks; none if no point has a shade.
    """
    has_shade = np.isfinite(values) & ((values > 0) | (scale != "log"))
    shades = np.full(len(values), np.nan)
    if not has_shade.any():
        return shades, ColourTicks([], [])
    finite = values[has_shade]
    if scale == "rank":
        distinct = np.unique(finite)
        shades[has_shade] = np.searchsorted(distinct, finite) / max(len(distinct) - 1, 1)
        tick_ranks = np.linspace(0, len(distinct) - 1, _TICK_COUNT).round().astype(int)
        return shades, _build_colour_ticks(distinct[tick_ranks].tolist())
    low, high = float(finite.min()), float(finite.max())
    if scale == "log":
        low, high, finite = np.log10(low), np.log10(high), np.log10(finite)
    elif low < 0 < high:
        low, high = -max(-low, high), max(-low, high)
    shades[has_shade] = (finite - low) / (high - low) if high > low else 0.5
    tick_values = [low + (high - low) * i / (_TICK_COUNT - 1) for i in range(_TICK_COUNT)]
    return shades, _build_colour_ticks([10**v if scale == "log" else v for v in tick_values])


def _build_colour_ticks(values: list[float]) -> ColourTicks:
    shades = [i / (_TICK_COUNT - 1) for i in range(_TICK_COUNT)]
    return ColourTicks(shades, [f"{value:.3g}" for value in values])


def build_colour_axis(
    values: np.ndarray, ticks: ColourTicks, label: str, scale: str
) -> dict[str, Any]:
    """Return plotly's colour axis for shades from 0 to `MAX_SHADE`, with a horizontal colour bar.

    Parameters
    ----------
    values : float [points]
        The numbers. Values of both signs on a linear scale get `DIVERGING_COLOURS`.
    ticks : ColourTicks
        As returned by `compute_colour_shades`.
    label : str
        Title of the colour bar, escaped for HTML.
    scale : str
        One of `COLOUR_SCALES`.
    """
    finite = values[np.isfinite(values)]
    has_both_signs = len(finite) > 0 and finite.min() < 0 < finite.max()
    is_diverging = has_both_signs and scale == "linear"
    colours = DIVERGING_COLOURS if is_diverging else SEQUENTIAL_COLOURS
    return {
        "colorscale": [[i / (len(colours) - 1), colour] for i, colour in enumerate(colours)],
        "cmin": 0,
        "cmax": MAX_SHADE,
        "colorbar": {
            "title": {"text": label, "side": "top", "font": {"size": 12}},
            "orientation": "h",
            "x": 1,
            "xanchor": "right",
            "y": -0.02,
            "yanchor": "top",
            "len": 0.5,
            "thickness": 10,
            "tickvals": [shade * MAX_SHADE for shade in ticks.shades],
            "ticktext": ticks.texts,
            "tickfont": {"size": 11},
            "outlinewidth": 0,
        },
    }
