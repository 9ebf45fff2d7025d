"""Images of the density of a map's points, for maps of more points than a browser can draw."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

MAX_DRAWN_POINTS = 200_000
"""Points up to which a map draws each of them."""
SAMPLED_POINTS = 20_000
"""Points of a larger map that are drawn above its density, to be hovered over and clicked."""
IMAGE_WIDTH_PX, IMAGE_HEIGHT_PX = 900, 700
MIN_ALPHA = 60  # of 255: a single point stays visible
MARGIN_SHARE = 0.02


def select_drawn_points(point_count: int) -> np.ndarray:
    """Return which points a map draws: all, or an even sample of a large map: bool [points].

    Points come as all code, then all audio, in the same order. The sample has both points of a
    program.
    """
    is_drawn = np.ones(point_count, dtype=bool)
    if point_count <= MAX_DRAWN_POINTS:
        return is_drawn
    half = point_count // 2
    is_sampled = np.zeros(half, dtype=bool)
    is_sampled[np.linspace(0, half - 1, SAMPLED_POINTS // 2).astype(int)] = True
    return np.concatenate([is_sampled, is_sampled, is_drawn[: point_count - 2 * half]])


def add_density_images(
    figure: go.Figure,
    points: pd.DataFrame,
    groups: Sequence[tuple[np.ndarray, str]],
    panels: Sequence[str] = ("before", "after"),
) -> None:
    """Add an image per panel, below the points, in which brightness is the density of points.

    Parameters
    ----------
    figure : Figure
        With one subplot per panel, in their order.
    points : DataFrame
        With the columns PANEL_x and PANEL_y of every panel.
    groups : sequence of (array, str)
        Points of a group, bool [points], and its colour. Colours mix by the counts in a pixel.
    panels : sequence of str
        Prefixes of the columns.

    Notes
    -----
    Counts are scaled by histogram equalization, so that sparse and dense regions both show detail:
    Datashader, Bednar et al., https://datashader.org.
    """
    for axis_number, panel in enumerate(panels, start=1):
        x, y = (points[f"{panel}_{axis}"].to_numpy(float) for axis in "xy")
        x_range, y_range = _compute_range_with_margin(x), _compute_range_with_margin(y)
        suffix = "" if axis_number == 1 else str(axis_number)
        figure.add_layout_image(
            source=_encode_density_image(x, y, groups, x_range, y_range),
            xref=f"x{suffix}",
            yref=f"y{suffix}",
            x=x_range[0],
            y=y_range[1],
            sizex=x_range[1] - x_range[0],
            sizey=y_range[1] - y_range[0],
            sizing="stretch",
            layer="below",
        )


def _compute_range_with_margin(values: np.ndarray) -> tuple[float, float]:
    """Return a range that holds all finite values, with a margin."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    margin = MARGIN_SHARE * (high - low) or 1.0
    return low - margin, high + margin


def _encode_density_image(
    x: np.ndarray,
    y: np.ndarray,
    groups: Sequence[tuple[np.ndarray, str]],
    x_range: tuple[float, float],
    y_range: tuple[float, float],
) -> str:
    """Return a PNG image with a transparent background as a data URL."""
    # Imported late: it takes a second to load, and only large maps need it.
    import datashader
    from datashader import transfer_functions

    group_numbers = np.full(len(x), -1, dtype=np.int64)
    for number, (rows, _) in enumerate(groups):
        group_numbers[rows] = number
    names = [str(number) for number in range(len(groups))]
    frame = pd.DataFrame(
        {
            "x": x,
            "y": y,
            "group": pd.Categorical.from_codes(group_numbers, categories=pd.Index(names)),
        }
    )
    canvas = datashader.Canvas(IMAGE_WIDTH_PX, IMAGE_HEIGHT_PX, x_range, y_range)
    counts = canvas.points(frame, "x", "y", datashader.by("group", datashader.count()))
    colours = {name: colour for name, (_, colour) in zip(names, groups)}
    image = transfer_functions.shade(counts, color_key=colours, how="eq_hist", min_alpha=MIN_ALPHA)
    contents = io.BytesIO()
    image.to_pil().save(contents, format="PNG")
    return "data:image/png;base64," + base64.b64encode(contents.getvalue()).decode("ascii")
