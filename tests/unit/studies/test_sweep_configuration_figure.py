"""The figure of a sweep, from its stored runs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from core.corpus import Corpus
from core.evaluation.metrics_with_intervals import ALIGNED_VS_ALIGNED
from core.studies import sweep_configuration_figure
from core.studies.sweep_configuration_figure import build_sweep_configuration_figure


def make_sweep_runs(numbers: list[int]) -> pd.DataFrame:
    rows = [
        (number, f"width {256 * (1 + number)}", seed, metric, 0.1 * number + 0.02 * seed)
        for number in numbers
        for seed in (0, 1)
        for metric in ("cka_debiased", "recall@1 code->audio", "cka")
    ]
    runs = pd.DataFrame(rows, columns=["number", "name", "seed", "metric", "value"])
    return runs.assign(reading=ALIGNED_VS_ALIGNED, split="validation")


@pytest.mark.parametrize("numbers", [[0, 1, 2], [0]])
def test_each_configuration_has_its_settings_and_mean_metrics(
    numbers: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    settings = {
        "trials": [("a", {"width": 256}), ("b", {"width": 512}), ("c", {"width": 768})],
        "codes": ["sonicpi"] * 3,
    }
    monkeypatch.setattr(
        sweep_configuration_figure, "load_sweep_results", lambda *_: make_sweep_runs(numbers)
    )
    monkeypatch.setattr(sweep_configuration_figure, "load_sweep_settings", lambda *_: settings)
    figure = build_sweep_configuration_figure(Corpus("any"), "grid-1")
    if len(numbers) < 2:  # One line shows no difference.
        assert figure is None
        return
    assert figure is not None
    axes = {axis.label: list(axis["values"]) for axis in figure.data[0].dimensions}
    assert list(axes) == ["Width", "CKA, debiased", "Recall@1"]
    assert axes["Width"] == [256, 512, 768]
    assert axes["CKA, debiased"] == pytest.approx([0.01, 0.11, 0.21])
