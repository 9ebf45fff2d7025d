"""Envelope and brightness of a clip, and their drawing as SVG and CSS."""

from __future__ import annotations

import numpy as np

BRIGHTNESS_WINDOW_FRAMES = 2048  # 46 ms at 44.1 kHz.
# Colours of spectral centroids, in Hz; in between they are mixed on a logarithmic scale. Lightness
# and hue change together, so that the scale can be read with every kind of colour blindness. Each
# has a contrast of at least 3:1 with the light and the dark background.
BRIGHTNESS_COLOURS = (
    (120.0, (0x3F, 0x63, 0xC8)),
    (500.0, (0x8A, 0x5A, 0xC9)),
    (1600.0, (0xCC, 0x4E, 0x8C)),
    (5000.0, (0xD9, 0x74, 0x1A)),
)


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
    # Reducing two columns by `max(axis=1)` takes ten times as long.
    peaks = np.maximum.reduce([np.abs(channel) for channel in samples.T])  # [frames]
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


def compute_waveform_brightness(
    samples: np.ndarray, sample_rate: int, stretch_count: int = 40
) -> np.ndarray:
    """Return the spectral centroid in the middle of equal stretches of a clip.

    Parameters
    ----------
    samples : float [frames, channels]
    sample_rate : int
        In Hz.
    stretch_count : int

    Returns
    -------
    float [stretches]
        In Hz, weighted by magnitude: sum(f·|X(f)|) / sum(|X(f)|). 0 for silence.

    Examples
    --------
    >>> seconds = np.arange(44_100) / 44_100
    >>> tone = np.sin(2 * np.pi * 1000 * seconds)[:, None]
    >>> compute_waveform_brightness(tone, 44_100, 3).round(-1).tolist()
    [1000.0, 1000.0, 1000.0]
    """
    if not len(samples):
        return np.zeros(stretch_count)
    starts = compute_segment_start_frames(len(samples), stretch_count)
    middles = starts + len(samples) // (2 * stretch_count)
    frames = middles[:, None] + np.arange(BRIGHTNESS_WINDOW_FRAMES) - BRIGHTNESS_WINDOW_FRAMES // 2
    frames = np.clip(frames, 0, len(samples) - 1)
    windows = samples[frames].mean(axis=2) * np.hanning(BRIGHTNESS_WINDOW_FRAMES)
    magnitudes = np.abs(np.fft.rfft(windows))  # [stretches, frequencies]
    totals = magnitudes.sum(axis=1)
    frequencies = np.fft.rfftfreq(BRIGHTNESS_WINDOW_FRAMES, 1 / sample_rate)
    return np.where(totals > 1e-4, magnitudes @ frequencies / np.maximum(totals, 1e-4), 0.0)


def build_brightness_gradient(brightness: np.ndarray) -> str:
    """Return a CSS gradient from left to right whose colours show brightness.

    Parameters
    ----------
    brightness : float [stretches]
        As returned by `compute_waveform_brightness`.

    Examples
    --------
    >>> build_brightness_gradient(np.array([100.0, 9000.0]))
    'linear-gradient(to right,#3f63c8,#d9741a)'
    """
    positions = np.log([frequency for frequency, _ in BRIGHTNESS_COLOURS])
    channels = np.array([colour for _, colour in BRIGHTNESS_COLOURS], float).T
    # Silence has no bars, so its colour does not matter.
    values = np.log(np.maximum(brightness, 1.0))
    mixed = [np.interp(values, positions, channel).round().astype(int) for channel in channels]
    colours = [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in zip(*mixed)]
    return f"linear-gradient(to right,{','.join(colours)})"
