"""Envelopes and their drawings."""

from __future__ import annotations

import re

import numpy as np

from core.plots.waveform_svg import build_waveform_svg, compute_waveform_envelope


def test_an_envelope_is_the_largest_sample_of_each_stretch() -> None:
    samples = np.zeros((1600, 2), np.float32)
    samples[805, 1] = -0.7
    samples[15, 0] = 0.2
    expected = np.zeros(160, np.float32)
    expected[1], expected[80] = 0.2, 0.7
    np.testing.assert_array_equal(compute_waveform_envelope(samples), expected)


def test_empty_and_very_short_clips_have_an_envelope() -> None:
    assert not compute_waveform_envelope(np.zeros((0, 2), np.float32)).any()
    assert compute_waveform_envelope(np.full((3, 2), 0.5, np.float32)).shape == (160,)


def test_a_drawing_has_one_bar_per_stretch_within_its_box() -> None:
    svg = build_waveform_svg(np.linspace(0, 1, 40, dtype=np.float32))
    bars = re.findall(r"M(\d+) ([\d.]+)V([\d.]+)", svg)
    assert len(bars) == 40
    assert all(0 <= float(top) < float(bottom) <= 64 for _, top, bottom in bars)
    # Louder stretches have higher bars.
    heights = [float(bottom) - float(top) for _, top, bottom in bars]
    assert heights == sorted(heights)
