"""Figures: every point where it belongs, told apart by shape too, and nothing heavy on board."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pandas as pd
import pytest

from core.plots import charts


def test_colours_of_groups_differ() -> None:
    colours = [charts.get_category_colour(number) for number in range(27)]
    assert len(set(colours)) == 27
    assert all(re.fullmatch(r"#[0-9a-f]{6}", colour) for colour in colours)


def _linear(colour: str) -> np.ndarray:
    parts = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def _contrast(one: str, other: str) -> float:
    light, dark = sorted(
        (float(_linear(c) @ [0.2126, 0.7152, 0.0722]) + 0.05 for c in (one, other)), reverse=True
    )
    return light / dark


# Viénot, Brettel & Mollon 1999: what is left of linear RGB to protanopes and deuteranopes.
DICHROMATS = {
    "protan": np.array([[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]]),
    "deutan": np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]]),
}


@pytest.mark.parametrize("background", ["#fdfcfa", "#15131c"])
@pytest.mark.parametrize("colour", [charts.CODE_COLOUR, charts.AUDIO_COLOUR])
def test_code_and_audio_stand_out_from_both_backgrounds(colour: str, background: str) -> None:
    assert _contrast(colour, background) >= 3


@pytest.mark.parametrize("eyes", DICHROMATS)
def test_code_and_audio_differ_for_colour_blind_eyes(eyes: str) -> None:
    code, audio = (
        np.clip(DICHROMATS[eyes] @ _linear(c), 0, 1) for c in (charts.CODE_COLOUR, charts.AUDIO_COLOUR)
    )
    assert np.abs(code - audio).max() > 0.3


def history(epochs: int) -> pd.DataFrame:
    falling = [1 / epoch for epoch in range(1, epochs + 1)]
    return pd.DataFrame(
        {
            "epoch": range(1, epochs + 1),
            "loss": falling,
            "validation_loss": falling,
            "cka": falling,
            "cka_raw": [None] * epochs,
            "recall_at_1": falling,
        }
    )


@pytest.mark.parametrize("epochs", [0, 1, 7])
def test_curves_show_each_epoch_and_bear_gaps(epochs: int) -> None:
    figure = charts.draw_training_curves(history(epochs), best_epoch=epochs or None)
    assert [trace.name for trace in figure.data] == [
        "Training",
        "Validation",
        "With aligned audio",
        "With raw audio",
        "Code to audio",
    ]
    assert all(len(trace.x) == epochs for trace in figure.data)
    assert len({trace.line.dash for trace in figure.data[:2]}) == 2
    assert {figure.layout[axis].title.text for axis in ("xaxis", "xaxis2", "xaxis3")} == {"Epoch"}


def test_runs_side_by_side_are_a_line_each_in_every_panel() -> None:
    figure = charts.draw_run_comparison({"one": history(5), "two": history(9), "three": history(1)})
    assert [trace.name for trace in figure.data] == [
        name for name in ("one", "two", "three") for _ in range(3)
    ]
    assert [len(trace.x) for trace in figure.data] == [5] * 3 + [9] * 3 + [1] * 3
    # Told apart by dash as well as by colour, and named once.
    lines = {(trace.line.color, trace.line.dash) for trace in figure.data}
    assert len(lines) == 3 and len({dash for _, dash in lines}) == 3
    assert [trace.showlegend for trace in figure.data] == [True, False, False] * 3


def test_before_and_after_puts_each_reading_at_its_value_and_interval() -> None:
    rows = [
        {
            "metric": metric,
            "split": split,
            "reading": reading,
            "value": value,
            "low": value - 0.1,
            "high": value + 0.2,
            "programs": 9,
        }
        for value, (metric, split, (reading, *_)) in enumerate(
            itertools.product(dict(charts.COMPARED_METRICS), ("validation", "test"), charts.COMPARISON_STYLES)
        )
    ]
    metrics = pd.DataFrame(rows)
    figure = charts.draw_metrics_before_after(metrics, "test")
    for trace, (reading, *_) in zip(figure.data, charts.COMPARISON_STYLES, strict=True):
        chosen = metrics[(metrics["split"] == "test") & (metrics["reading"] == reading)]
        np.testing.assert_array_equal(trace.x, chosen["value"])
        np.testing.assert_allclose(trace.error_x.array, 0.2)
        np.testing.assert_allclose(trace.error_x.arrayminus, 0.1)
    assert len({trace.marker.symbol for trace in figure.data}) == 3


def test_an_envelope_is_the_largest_sample_of_each_stretch() -> None:
    samples = np.zeros((1600, 2), np.float32)
    samples[805, 1] = -0.7
    samples[15, 0] = 0.2
    expected = np.zeros(160, np.float32)
    expected[1], expected[80] = 0.2, 0.7
    np.testing.assert_array_equal(charts.compute_envelope(samples), expected)


def test_an_envelope_of_next_to_nothing_is_quiet() -> None:
    assert not charts.compute_envelope(np.zeros((0, 2), np.float32)).any()
    assert charts.compute_envelope(np.full((3, 2), 0.5, np.float32)).shape == (160,)


def test_an_outline_has_a_bar_a_stretch_within_its_box() -> None:
    svg = charts.draw_waveform_svg(np.linspace(0, 1, 40, dtype=np.float32))
    bars = re.findall(r"M(\d+) ([\d.]+)V([\d.]+)", svg)
    assert len(bars) == 40
    assert all(0 <= float(top) < float(bottom) <= 64 for _, top, bottom in bars)
    # Louder is higher.
    heights = [float(bottom) - float(top) for _, top, bottom in bars]
    assert heights == sorted(heights)
