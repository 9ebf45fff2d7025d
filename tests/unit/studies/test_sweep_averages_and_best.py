"""Averages and selection of the sweep study."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from core.pipeline.sweep_results import find_common_cca_metric
from core.studies.study_result import compare_measurements_to_paper
from core.studies.sweep_averages_and_best import (
    average_results_over_seeds,
    build_measurements_of_baseline_and_best_configurations,
    compare_with_linear_alignments,
)

ALIGNED, RAW_AUDIO = "aligned code ~ aligned audio", "aligned code ~ raw audio"
METRICS = ("cka_debiased", "cka", "cca@10")


def make_results(validation: dict[str, dict[str, float]], test: dict[str, dict[str, float]]):
    """Two seeds of each configuration, given by name and metric."""
    return pd.DataFrame(
        [
            {
                "name": name,
                "number": "abc".index(name) if name in "abc" else -101,
                "seed": seed,
                "split": split,
                "reading": ALIGNED,
                "metric": metric,
                "value": value + 0.01 * seed,
                "low": value - 0.1 if split == "test" and seed == 0 else math.nan,
                "high": value + 0.2 if split == "test" and seed == 0 else math.nan,
            }
            for split, values in (("validation", validation), ("test", test))
            for name, by_metric in values.items()
            for metric, value in by_metric.items()
            for seed in (0, 1)
        ]
    )


@pytest.fixture
def results() -> pd.DataFrame:
    validation = {
        "a": {"cka_debiased": 0.8, "cka": 0.7, "cca@10": 0.3},
        "b": {"cka_debiased": 0.4, "cka": 0.9, "cca@10": 0.6},
    }
    test = {
        "a": {"cka_debiased": 0.5, "cka": 0.55, "cca@10": 0.2},
        "b": {"cka_debiased": 0.9, "cka": 0.95, "cca@10": 0.7},
    }
    return make_results(validation, test)


def test_the_table_holds_means_over_seeds(results: pd.DataFrame) -> None:
    row = average_results_over_seeds(results, METRICS).iloc[0]
    assert row["test cka"] == pytest.approx(0.555) and row["seeds"] == 2
    assert row["test cka sd"] == pytest.approx(0.01 / 2**0.5)
    assert (row["test cka below"], row["test cka above"]) == pytest.approx((0.1, 0.2))


def test_the_rows_of_a_selection_are_one_configuration_with_all_its_numbers(results) -> None:
    best = build_measurements_of_baseline_and_best_configurations(
        average_results_over_seeds(results, METRICS), "cca@10"
    )
    assert [item.measure for item in best] == [
        "Best by debiased CKA: debiased CKA (a)",
        "Best by debiased CKA: CKA (a)",
        "Best by debiased CKA: CCA@10 (a)",
        "Best by CCA@10: CCA@10 (b)",
        "Best by CCA@10: debiased CKA (b)",
        "Best by CCA@10: CKA (b)",
    ]
    assert [item.value for item in best[:3]] == pytest.approx([0.505, 0.555, 0.205])
    published = [item.published_id for item in best if item.published_id]
    assert published == ["sweep.best.cka", "sweep.best.cca"]


def test_the_interval_is_over_programs_and_widened_by_seeds(results: pd.DataFrame) -> None:
    best = build_measurements_of_baseline_and_best_configurations(
        average_results_over_seeds(results, METRICS)
    )[1]
    margin = 12.706 * 0.01 / 2**0.5 / 2**0.5  # Student's t with one degree of freedom
    assert best.low == pytest.approx(best.value - math.hypot(0.1, margin), abs=1e-4)
    assert best.high == pytest.approx(best.value + math.hypot(0.2, margin), abs=1e-4)


def test_a_sweep_without_intervals_over_programs_has_no_verdicts(results: pd.DataFrame) -> None:
    old = results.drop(columns=["low", "high"])
    best = build_measurements_of_baseline_and_best_configurations(
        average_results_over_seeds(old, METRICS), "cca@10"
    )
    assert all(item.low is None for item in best)
    assert set(compare_measurements_to_paper(best)["verdict"]) == {""}


def test_raw_audio_stands_beside_without_the_papers_number(results: pd.DataFrame) -> None:
    raw = results.assign(reading=RAW_AUDIO, value=results["value"] / 2)
    averages = average_results_over_seeds(pd.concat([results, raw]), METRICS)
    best = build_measurements_of_baseline_and_best_configurations(averages)
    assert best[3].measure == "Best by debiased CKA: CKA against raw audio (a)"
    assert best[3].value == pytest.approx(0.555 / 2) and best[3].published_id is None


def test_linear_alignments_are_compared_with_the_best_heads(results: pd.DataFrame) -> None:
    linear = {"linear CCA, 8 dimensions": {"cka_debiased": 0.7}}
    both = pd.concat([results, make_results(linear, linear)])
    averages = average_results_over_seeds(both, METRICS)
    (note,) = compare_with_linear_alignments(averages)
    assert "0.505 by the trained heads" in note
    assert "0.705 by linear CCA, 8 dimensions" in note
    assert not compare_with_linear_alignments(average_results_over_seeds(results, METRICS))


def test_cca_is_compared_over_a_number_of_directions_that_all_have(results) -> None:
    fewer = results.assign(metric=results["metric"].replace("cca@10", "cca@7"), number=2)
    assert find_common_cca_metric(results) == "cca@10"
    assert find_common_cca_metric(pd.concat([results, fewer])) is None
    both = pd.concat([results, results.assign(metric="cca@7"), fewer])
    assert find_common_cca_metric(both) == "cca@7"
