"""Split sequences longer than a model's window into overlapping windows."""

from __future__ import annotations

import numpy as np


def split_into_windows(
    length: int, window_size: int, min_overlap: int = 0
) -> list[tuple[int, int]]:
    """Cover a sequence with evenly spaced windows of equal size.

    Parameters
    ----------
    length : int
        Length of the sequence.
    window_size : int
        A sequence no longer than this is a single window.
    min_overlap : int
        Minimum overlap of neighbouring windows; less than `window_size`.

    Returns
    -------
    list of (start, stop)
        In order; the first starts at 0, the last stops at `length`.

    Examples
    --------
    >>> split_into_windows(10, 4)
    [(0, 4), (3, 7), (6, 10)]
    """
    if length <= window_size:
        return [(0, length)]
    max_stride = window_size - min_overlap
    gap_count = -(-(length - window_size) // max_stride)
    starts = [gap * (length - window_size) // gap_count for gap in range(gap_count + 1)]
    return [(start, start + window_size) for start in starts]


def compute_window_weights(length: int, windows: list[tuple[int, int]]) -> list[np.ndarray]:
    """Return weights that add up to 1 at each position over all windows.

    Parameters
    ----------
    length : int
    windows : list of (start, stop)

    Returns
    -------
    list of float64 [stop - start]
        One array per window: 1 over the number of windows that contain the position.
    """
    window_counts = np.zeros(length)
    for start, stop in windows:
        window_counts[start:stop] += 1
    return [1 / window_counts[start:stop] for start, stop in windows]
