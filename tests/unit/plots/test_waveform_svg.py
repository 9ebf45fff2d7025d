"""Envelopes and their drawings."""

from __future__ import annotations

import re

import numpy as np

from core.plots.waveform_svg import (
    BRIGHTNESS_COLOURS,
    build_brightness_gradient,
    build_waveform_svg,
    compute_waveform_brightness,
    compute_waveform_envelope,
)


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


def test_brightness_follows_the_pitch_of_a_tone_and_is_0_in_silence() -> None:
    seconds = np.arange(44_100) / 44_100
    tone = np.where(seconds < 0.5, np.sin(2 * np.pi * 300 * seconds), 0)
    tone[33_075:] = np.sin(2 * np.pi * 3000 * seconds[33_075:])
    brightness = compute_waveform_brightness(np.stack([tone, tone], 1), 44_100, 8)
    np.testing.assert_allclose(brightness, [300] * 4 + [0] * 2 + [3000] * 2, rtol=0.03)


def test_empty_and_very_short_clips_have_a_brightness() -> None:
    assert not compute_waveform_brightness(np.zeros((0, 2), np.float32), 44_100).any()
    short = compute_waveform_brightness(np.full((3, 2), 0.5, np.float32), 44_100)
    assert short.shape == (40,) and np.isfinite(short).all()


def test_a_gradient_is_blue_for_dark_and_orange_for_bright_sound() -> None:
    gradient = build_brightness_gradient(np.array([0, 500, 20_000]))
    assert re.findall(r"#[0-9a-f]{6}", gradient) == ["#3f63c8", "#8a5ac9", "#d9741a"]


def test_each_colour_of_brightness_is_visible_on_both_backgrounds() -> None:
    def compute_luminance(colour: tuple[int, ...]) -> float:
        linear = [
            value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
            for value in (channel / 255 for channel in colour)
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for _, colour in BRIGHTNESS_COLOURS:
        for background in ((0xFD, 0xFC, 0xFA), (0x15, 0x13, 0x1C)):
            low, high = sorted([compute_luminance(colour), compute_luminance(background)])
            assert (high + 0.05) / (low + 0.05) >= 3
