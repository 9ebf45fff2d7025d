"""Spectrograms: a known tone appears at its frequency, time and level."""

from __future__ import annotations

import numpy as np
import pytest

from core.plots.spectrogram import (
    FFT_SIZE,
    MIN_LEVEL_DB,
    build_waveform_and_spectrogram_figure,
    compute_spectrogram,
)

SAMPLE_RATE = 44_100


def make_tone(hertz: float, level_db: float, seconds: float = 4.0) -> np.ndarray:
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tone = 10 ** (level_db / 20) * np.sin(2 * np.pi * hertz * time)
    return np.stack([tone, np.zeros_like(tone)], axis=1).astype(np.float32)


@pytest.mark.parametrize("hertz", [55.0, 440.0, 5_000.0, 15_000.0])
@pytest.mark.parametrize("level_db", [0.0, -20.0, -60.0])
def test_a_tone_has_its_level_in_its_band(hertz: float, level_db: float) -> None:
    _, edges, levels = compute_spectrogram(make_tone(hertz, level_db), SAMPLE_RATE)
    column = levels[:, levels.shape[1] // 2]
    band = int(column.argmax())
    # The bin of the tone lies in the band or, if bands are narrower than bins, next to it.
    bin_width = SAMPLE_RATE / FFT_SIZE
    assert edges[band] - bin_width <= hertz <= edges[band + 1] + bin_width
    # Between two bins, the Hann window attenuates by 1.42 dB.
    assert level_db - 1.5 <= column[band] <= level_db + 0.1


def test_a_late_tone_is_drawn_late_and_silence_has_the_minimum_level() -> None:
    samples = make_tone(440, -6)
    samples[: 2 * SAMPLE_RATE] = 0
    seconds, edges, levels = compute_spectrogram(
        samples, SAMPLE_RATE, column_count=40, band_count=30
    )
    assert levels.shape == (30, 40) and len(seconds) == 41 and len(edges) == 31
    assert seconds[-1] == pytest.approx(4.0)
    is_before, is_after = seconds[1:] < 1.9, seconds[:-1] > 2.1
    assert (levels[:, is_before] == MIN_LEVEL_DB).all()
    assert (levels[:, is_after].max(axis=0) > -8).all()


@pytest.mark.parametrize("frame_count", [0, 1, 100])
def test_a_clip_shorter_than_an_fft_frame_is_drawn(frame_count: int) -> None:
    samples = np.zeros((frame_count, 2), np.float32)
    assert (compute_spectrogram(samples, SAMPLE_RATE)[2] == MIN_LEVEL_DB).all()
    assert build_waveform_and_spectrogram_figure(samples, SAMPLE_RATE)


def test_the_figure_is_labelled_with_units_and_is_small() -> None:
    figure = build_waveform_and_spectrogram_figure(make_tone(440, -12, 18.0), SAMPLE_RATE)
    heatmap = figure.data[2]
    assert (heatmap.zmin, heatmap.zmax) == (MIN_LEVEL_DB, 0)
    assert figure.layout.xaxis2.title.text == "Seconds"
    assert figure.layout.yaxis2.title.text == "Hz" and figure.layout.yaxis2.type == "log"
    assert heatmap.colorbar.title.text == "dB"
    # The waveform is not normalized.
    assert max(figure.data[0].y) == pytest.approx(10 ** (-12 / 20), abs=0.005)
    assert len(figure.to_json()) < 150_000
