"""Spectrograms: a known tone lies at its frequency, its time and its level."""

from __future__ import annotations

import numpy as np
import pytest

from core.plots import charts
from core.spectrogram import MIN_LEVEL_DB, compute_spectrogram

RATE = 44_100


def tone(hertz: float, level: float, seconds: float = 4.0) -> np.ndarray:
    time = np.arange(int(seconds * RATE)) / RATE
    one = 10 ** (level / 20) * np.sin(2 * np.pi * hertz * time)
    return np.stack([one, np.zeros_like(one)], axis=1).astype(np.float32)


@pytest.mark.parametrize("hertz", [55.0, 440.0, 5_000.0, 15_000.0])
@pytest.mark.parametrize("level", [0.0, -20.0, -60.0])
def test_a_tone_has_its_level_in_its_band(hertz: float, level: float) -> None:
    _, edges, levels = compute_spectrogram(tone(hertz, level), RATE)
    column = levels[:, levels.shape[1] // 2]
    at = int(column.argmax())
    # The bin of the tone lies in the band or, where bands are narrower than bins, beside it.
    bin_width = RATE / 4096
    assert edges[at] - bin_width <= hertz <= edges[at + 1] + bin_width
    # Half a bin off, the Hann window takes 1.42 dB.
    assert level - 1.5 <= column[at] <= level + 0.1


def test_what_sounds_later_is_drawn_later_and_silence_is_the_floor() -> None:
    samples = tone(440, -6)
    samples[: 2 * RATE] = 0
    seconds, edges, levels = compute_spectrogram(samples, RATE, column_count=40, band_count=30)
    assert levels.shape == (30, 40) and len(seconds) == 41 and len(edges) == 31
    assert seconds[-1] == pytest.approx(4.0)
    before, after = seconds[1:] < 1.9, seconds[:-1] > 2.1
    assert (levels[:, before] == MIN_LEVEL_DB).all()
    assert (levels[:, after].max(axis=0) > -8).all()


@pytest.mark.parametrize("frames", [0, 1, 100])
def test_a_clip_shorter_than_a_frame_is_drawn(frames: int) -> None:
    samples = np.zeros((frames, 2), np.float32)
    assert (compute_spectrogram(samples, RATE)[2] == MIN_LEVEL_DB).all()
    assert charts.draw_waveform_and_spectrogram(samples, RATE)


def test_the_figure_says_seconds_hertz_and_decibels_and_weighs_little() -> None:
    figure = charts.draw_waveform_and_spectrogram(tone(440, -12, 18.0), RATE)
    heat = figure.data[2]
    assert (heat.zmin, heat.zmax) == (MIN_LEVEL_DB, 0)
    assert figure.layout.xaxis2.title.text == "Seconds"
    assert figure.layout.yaxis2.title.text == "Hz" and figure.layout.yaxis2.type == "log"
    assert heat.colorbar.title.text == "dB"
    # The waveform is as loud as the clip, not brought to full scale.
    assert max(figure.data[0].y) == pytest.approx(10 ** (-12 / 20), abs=0.005)
    assert len(figure.to_json()) < 150_000
