"""Training curves of one run and of several runs."""

from __future__ import annotations

import pandas as pd
import pytest

from core.plots.training_curves import (
    build_training_curves_figure,
    build_training_run_comparison_figure,
)


def make_history(epochs: int) -> pd.DataFrame:
    values = [1 / epoch for epoch in range(1, epochs + 1)]
    return pd.DataFrame(
        {
            "epoch": range(1, epochs + 1),
            "loss": values,
            "validation_loss": values,
            "cka": values,
            "cka_raw": [None] * epochs,
            "recall_at_1": values,
        }
    )


@pytest.mark.parametrize("epochs", [0, 1, 7])
def test_curves_have_a_point_per_epoch_and_accept_undefined_values(epochs: int) -> None:
    figure = build_training_curves_figure(make_history(epochs), best_epoch=epochs or None)
    assert [trace.name for trace in figure.data] == [
        "Training",
        "Validation",
        "With aligned audio",
        "With raw audio",
        "Code to audio",
    ]
    assert all(len(trace.x) == epochs for trace in figure.data)
    assert len({trace.line.dash for trace in figure.data[:2]}) == 2
    axes = ("xaxis", "xaxis2", "xaxis3")
    assert {figure.layout[axis].title.text for axis in axes} == {"Epoch"}


def test_a_history_without_columns_is_drawn_without_points() -> None:
    figure = build_training_curves_figure(pd.DataFrame())
    assert [len(trace.x) for trace in figure.data] == [0] * 5


def test_a_comparison_has_one_curve_per_run_in_each_panel() -> None:
    histories = {"one": make_history(5), "two": make_history(9), "three": make_history(1)}
    figure = build_training_run_comparison_figure(histories)
    assert [trace.name for trace in figure.data] == [name for name in histories for _ in range(3)]
    assert [len(trace.x) for trace in figure.data] == [5] * 3 + [9] * 3 + [1] * 3
    # Runs differ in dash as well as in colour, and the legend lists each once.
    lines = {(trace.line.color, trace.line.dash) for trace in figure.data}
    assert len(lines) == 3 and len({dash for _, dash in lines}) == 3
    assert [trace.showlegend for trace in figure.data] == [True, False, False] * 3
