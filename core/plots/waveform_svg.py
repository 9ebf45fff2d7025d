"""Envelope of a clip and its drawing as SVG."""

from __future__ import annotations

import numpy as np


def compute_waveform_envelope(samples: np.ndarray, bar_count: int = 160) -> np.ndarray:
    """Return the largest absolute sample in each of `bar_count` equal stretches of a clip.

    Parameters
    ----------
    samples : float [frames, channels]
        In [-1, 1].
    bar_count : int
        Number of stretches.

    Returns
    -------
    float32 [bars]
        In [0, 1], not normalized. Of several channels the loudest counts.

    Examples
    --------
    >>> compute_waveform_envelope(np.array([[0.5, 0.0], [0.0, -1.0]]), bar_count=2).tolist()
    [0.5, 1.0]
    """
    if not len(samples):
        return np.zeros(bar_count, np.float32)
    peaks = np.abs(samples).max(axis=1)  # [frames]
    starts = compute_segment_start_frames(len(peaks), bar_count)
    return np.clip(np.maximum.reduceat(peaks, starts), 0, 1).astype(np.float32)


def compute_waveform_range(samples: np.ndarray, bin_count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the highest and lowest sample of all channels in each of `bin_count` stretches.

    Parameters
    ----------
    samples : float [frames, channels]
        In [-1, 1].
    bin_count : int
        Number of stretches.

    Returns
    -------
    highest, lowest : float32 [bins]
    """
    if not len(samples):
        return np.zeros(bin_count, np.float32), np.zeros(bin_count, np.float32)
    starts = compute_segment_start_frames(len(samples), bin_count)
    highest = np.maximum.reduceat(samples.max(axis=1), starts)
    lowest = np.minimum.reduceat(samples.min(axis=1), starts)
    return highest.astype(np.float32), lowest.astype(np.float32)


def compute_segment_start_frames(frame_count: int, stretch_count: int) -> np.ndarray:
    """Return the first frame of each stretch of a clip: int [stretches]."""
    return np.linspace(0, frame_count, stretch_count + 1)[:-1].astype(int)


def build_waveform_svg(peaks: np.ndarray) -> str:
    """Draw an envelope as vertical bars around a centre line.

    Parameters
    ----------
    peaks : float [bars]
        As returned by `compute_waveform_envelope`.

    Returns
    -------
    str
        SVG element with black bars and no background, which can be stretched to any size.
    """
    # The square root makes quiet passages visible, roughly as loudness is perceived.
    heights = np.maximum(np.sqrt(np.clip(peaks, 0, 1)) * 31, 0.6)
    bars = "".join(f"M{3 * i + 1} {32 - h:.1f}V{32 + h:.1f}" for i, h in enumerate(heights))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {3 * len(peaks)} 64"'
        f' preserveAspectRatio="none"><path d="{bars}" stroke="black" stroke-width="2"/></svg>'
    )
