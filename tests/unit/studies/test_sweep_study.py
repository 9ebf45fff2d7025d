"""Averages and selection of the sweep study."""

from __future__ import annotations

import pandas as pd
import pytest

from core.studies.sweep_study import average_results_over_seeds, select_best_configurations


def test_the_table_holds_means_over_seeds():
    row = {"split": "test", "reading": "aligned code ~ aligned audio", "metric": "cka"}
    results = pd.DataFrame(
        [
            {**row, "name": "a", "number": 0, "seed": seed, "value": value}
            for seed, value in ((0, 0.2), (1, 0.4))
        ]
    )
    average = average_results_over_seeds(results).iloc[0]
    assert average["test cka"] == pytest.approx(0.3) and average["seeds"] == 2
    assert average["test cka sd"] == pytest.approx(0.02**0.5)


def test_the_best_configuration_is_selected_on_validation_and_measured_on_test():
    values = {
        ("a", "validation"): 0.5,
        ("a", "test"): 0.2,
        ("b", "validation"): 0.4,
        ("b", "test"): 0.9,
    }
    results = pd.DataFrame(
        [
            {
                "name": name,
                "number": "ab".index(name),
                "seed": seed,
                "split": split,
                "reading": "aligned code ~ aligned audio",
                "metric": metric,
                "value": value,
            }
            for (name, split), value in values.items()
            for seed in (0, 1)
            for metric in ("cka", "cca")
        ]
    )
    best = select_best_configurations(average_results_over_seeds(results))
    assert [item.measure for item in best] == ["Best CKA: a", "Best CCA: a"]
    assert [item.value for item in best] == pytest.approx([0.2, 0.2])
    # The paper has no number for raw audio.
    raw_audio = results.assign(reading="aligned code ~ raw audio", value=results["value"] / 2)
    best = select_best_configurations(average_results_over_seeds(pd.concat([results, raw_audio])))
    assert [item.value for item in best] == pytest.approx([0.2, 0.1, 0.2, 0.1])
    assert best[1].measure == "Best CKA against raw audio" and not best[1].published_id
