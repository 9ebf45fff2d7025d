"""How something longer than a model's window is read: in overlapping windows, all of it."""

from __future__ import annotations

import numpy as np


def split_into_windows(length: int, window_size: int, min_overlap: int = 0) -> list[tuple[int, int]]:
    """Cover `length` with windows of equal size that are spread evenly.

    Parameters
    ----------
    length : int
    window_size : int
        Size of each window. Something no longer than that is one window by itself.
    min_overlap : int
        Least that a window shares with the next one; less than `window_size`.

    Returns
    -------
    list of (start, stop)
        In order; the first starts at 0, the last stops at `length`.
    """
    if length <= window_size:
        return [(0, length)]
    stride = window_size - min_overlap
    gaps = -(-(length - window_size) // stride)
    starts = [place * (length - window_size) // gaps for place in range(gaps + 1)]
    return [(start, start + window_size) for start in starts]


def compute_window_weights(length: int, windows: list[tuple[int, int]]) -> list[np.ndarray]:
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
