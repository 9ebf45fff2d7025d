"""How something longer than a model's window is read: in overlapping windows, all of it."""

from __future__ import annotations

import numpy as np


def spread(length: int, window: int, overlap: int = 0) -> list[tuple[int, int]]:
    """Cover `length` with windows of equal size that are spread evenly.

    Parameters
    ----------
    length : int
    window : int
        Size of each window. Something no longer than that is one window by itself.
    overlap : int
        Least that a window shares with the next one; less than `window`.

    Returns
    -------
    list of (start, stop)
        In order; the first starts at 0, the last stops at `length`.
    """
    if length <= window:
        return [(0, length)]
    stride = window - overlap
    gaps = -(-(length - window) // stride)
    starts = [place * (length - window) // gaps for place in range(gaps + 1)]
    return [(start, start + window) for start in starts]


def shares(length: int, windows: list[tuple[int, int]]) -> list[np.ndarray]:
    """Weight of each place in each window, so that each place weighs 1 over all windows.

    Returns
    -------
    list of float64 [stop - start]
        One for each window: 1 over the number of windows that hold the place.
    """
    covered = np.zeros(length)
    for start, stop in windows:
        covered[start:stop] += 1
    return [1 / covered[start:stop] for start, stop in windows]
