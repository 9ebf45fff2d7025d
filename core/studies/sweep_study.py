"""Sweep study: 24 configurations of InfoNCE with 5 seeds each, beside the paper's best.

`core.pipeline.sweep` runs the sweep and skips the runs that are done already.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from scipy import stats

from core.corpus import Corpus
from core.errors import EarshotError
from core.evaluation.metrics_table import ALIGNED_VS_ALIGNED, ALIGNED_VS_RAW, BEFORE_ALIGNMENT
from core.pipeline.sweep import load_sweep_results, load_sweep_settings, run_sweep
from core.progress import Progress
from core.studies import figures
from core.studies.result import (
    Measurement,
    StudyFigure,
    StudyResult,
    StudyTable,
    compare_measurements_to_paper,
)

SWEEP_METRICS = ("cka", "cca")
# Suffix of a column, by the pair of spaces that it compares.
COLUMN_SUFFIXES = {
    BEFORE_ALIGNMENT: "",
    ALIGNED_VS_ALIGNED: "",
    ALIGNED_VS_RAW: ", raw audio",
}
GRID_NAME = "paper"
BASELINE_NUMBER = -1  # numbers below it are baselines of other code encoders


def run(corpus: Corpus, options: Mapping[str, Any], progress: Progress) -> StudyResult:
    """Run or resume the sweep, select on validation and report test programs."""
    sweep_id = options["sweep"] or run_sweep(
        corpus, GRID_NAME, progress, seed_count=options["seeds"]
    )
    numbers = load_sweep_results(corpus, sweep_id)
    trained = numbers[numbers["number"] >= 0]
    if trained.empty:
        raise EarshotError(
            f"No run of sweep {sweep_id} of '{corpus.name}' is done yet.",
            remedy=f"To resume it: ./run sweep {corpus.name}",
        )
    trials = load_sweep_settings(corpus, sweep_id)["trials"]
    settings = pd.DataFrame([values for _, values in trials])
    varied = [str(name) for name in settings if settings[name].astype(str).nunique() > 1]
    table = average_results_over_seeds(numbers)
    table = table.join(settings[varied], on="number")
    table = table.sort_values("validation cka", ascending=False, ignore_index=True)
    aligned = table[table["number"] >= 0].reset_index(drop=True)
    configuration_count = trained["number"].nunique()
    run_count = len(trained[["number", "seed"]].drop_duplicates())
    return StudyResult(
        comparison=compare_measurements_to_paper(select_best_configurations(table)),
        tables=[
            StudyTable(
                "configurations",
                "All configurations",
                table,
                "Means over seeds; sd: standard deviation over seeds. Aligned code against aligned"
                " audio; columns with raw audio compare with what no projection head can distort."
                " Number -1 is the unaligned baseline. Highest CKA on validation first.",
            )
        ],
        figures=[
            StudyFigure(
                "parallel",
                "Settings and their CKA and CCA",
                figures.plot_parallel_coordinates(aligned, [*varied, "test cka", "test cca"]),
                "One line per configuration, coloured by CKA on test programs.",
            )
        ],
        notes=[
            f"{configuration_count} configurations, {run_count} runs. Configurations are selected"
            " on validation programs and reported on test programs; the paper does not state on"
            " which programs its numbers were measured. CCA uses directions fitted on training"
            " programs, so chance is near 0. Intervals are over the seeds of a configuration, not"
            " over programs."
        ],
        settings={
            "sweep": sweep_id,
            "configurations": configuration_count,
            "runs": run_count,
            "seed": None,
        },
    )


def average_results_over_seeds(results: pd.DataFrame) -> pd.DataFrame:
    """Average the results of each configuration over its seeds.

    Parameters
    ----------
    results : DataFrame
        As returned by `core.pipeline.sweep.load_sweep_results`.

    Returns
    -------
    DataFrame
        One row per configuration: number, name, seeds, and "SPLIT METRIC" with its standard
        deviation over seeds; aligned code against raw audio is "SPLIT METRIC, raw audio".
    """
    rows = results[(results["number"] >= BASELINE_NUMBER) & results["metric"].isin(SWEEP_METRICS)]
    columns = rows["split"] + " " + rows["metric"] + rows["reading"].map(COLUMN_SUFFIXES)
    grouped = rows.assign(column=columns).groupby(["number", "name", "column"])["value"]
    means = grouped.mean().unstack("column")
    deviations = grouped.std().unstack("column").add_suffix(" sd")
    seeds = rows.groupby(["number", "name"])["seed"].nunique().rename("seeds")
    table = pd.concat([means, deviations], axis=1).rename_axis(columns=None)
    return table.join(seeds).reset_index()


def select_best_configurations(table: pd.DataFrame) -> list[Measurement]:
    """Return each metric's baseline and its best configuration.

    Configurations are selected on validation and measured on test: the best of 24 on test
    would be too optimistic.

    Parameters
    ----------
    table : DataFrame
        As returned by `average_results_over_seeds`.
    """
    baseline, runs = table[table["number"] == BASELINE_NUMBER], table[table["number"] >= 0]
    measurements = []
    for metric in SWEEP_METRICS:
        label = metric.upper()
        if len(baseline):
            row = baseline.iloc[0]
            measurements.append(
                Measurement(
                    f"Baseline {label}",
                    row[f"test {metric}"],
                    "test",
                    published_id=f"sweep.baseline.{metric}",
                )
            )
        if f"validation {metric}" in runs:
            best = runs.sort_values(f"validation {metric}", ascending=False, kind="stable").iloc[0]
            measurements.append(
                _make_configuration_measurement(
                    f"Best {label}: {best['name']}", best, metric, f"sweep.best.{metric}"
                )
            )
            if f"test {metric}, raw audio" in runs:
                measurements.append(
                    _make_configuration_measurement(
                        f"Best {label} against raw audio", best, f"{metric}, raw audio"
                    )
                )
    return measurements


def _make_configuration_measurement(
    measure: str, row: pd.Series, metric: str, published_id: str | None = None
) -> Measurement:
    """Return a configuration's mean over seeds with its 95 % interval."""
    value, deviation = row[f"test {metric}"], row[f"test {metric} sd"]
    if pd.isna(deviation):
        return Measurement(measure, value, "test", published_id=published_id)
    # With few seeds the interval follows Student's t.
    quantile = stats.t.ppf(0.975, row["seeds"] - 1)
    margin = quantile * deviation / row["seeds"] ** 0.5
    return Measurement(
        measure, value, "test", None, value - margin, value + margin, published_id=published_id
    )
