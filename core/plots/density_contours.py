"""Contours of the density of points in a plane."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from scipy.ndimage import gaussian_filter

GRID_CELLS = 72
SMOOTHING_CELLS = 1.6  # Standard deviation of the kernel.
MARGIN_SHARE = 0.08  # Of the extent, on each side, so that contours close.
CONTOUR_SHARES = (0.1, 0.9, 0.2)  # First and last share of the points inside a contour, and step.
CONTOUR_COLOUR = "rgba(128,128,128,0.75)"


def build_density_contour_trace(x: np.ndarray, y: np.ndarray) -> go.Contour:
    """Build contours that enclose the densest 10, 30, 50, 70 and 90 % of points.

    Parameters
    ----------
    x, y : array, float [n]
        Positions; at least 1.

    Returns
    -------
    Contour
        Lines without labels, hover or legend.

    Notes
    -----
    The density is a Gaussian kernel estimate on a grid. Contours are borders of its highest
    density regions: Hyndman, "Computing and Graphing Highest Density Regions", The American
    Statistician 1996.
    """
    density, x_centres, y_centres = estimate_point_density_on_grid(x, y)
    first, last, step = CONTOUR_SHARES
    return go.Contour(
        # Inverted, so that the region of the smallest share is the highest.
        z=(1 - compute_enclosed_shares(density)).astype(np.float32),
        x=x_centres,
        y=y_centres,
        contours={
            "start": 1 - last,
            "end": 1 - first + 1e-6,
            "size": step,
            "coloring": "none",
        },
        line={"color": CONTOUR_COLOUR, "width": 1.2, "smoothing": 1},
        showscale=False,
        showlegend=False,
        hoverinfo="skip",
    )


def estimate_point_density_on_grid(
    x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Estimate the density of points on a grid over their extent.

    Returns
    -------
    density : float64 [cells, cells]
        Rows are y, columns are x; the sum is about the number of points.
    x_centres, y_centres : float64 [cells]
    """
    edges = []
    for values in (x, y):
        low, high = float(np.min(values)), float(np.max(values))
        margin = max((high - low) * MARGIN_SHARE, 1e-6)
        edges.append(np.linspace(low - margin, high + margin, GRID_CELLS + 1))
    counts = np.histogram2d(y, x, bins=[edges[1], edges[0]])[0]
    density = gaussian_filter(counts, SMOOTHING_CELLS, mode="constant")
    x_centres, y_centres = ((edge[:-1] + edge[1:]) / 2 for edge in edges)
    return density, x_centres, y_centres


def compute_enclosed_shares(density: np.ndarray) -> np.ndarray:
    """Return for each cell the share of the mass in cells of at least its density.

    Parameters
    ----------
    density : array, float [m, n]
        At least 0, with a positive sum.

    Returns
    -------
    float64 [m, n]
        In (0, 1]. Small in the densest cells.

    Examples
    --------
    >>> compute_enclosed_shares(np.array([[6.0, 3.0, 1.0]])).round(1).tolist()
    [[0.6, 0.9, 1.0]]
    """
    order = np.argsort(-density, axis=None, kind="stable")
    shares = np.empty(density.size)
    shares[order] = np.cumsum(density.flat[order]) / density.sum()
    return shares.reshape(density.shape)
