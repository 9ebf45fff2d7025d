"""Averages over the seeds of a sweep, the selected configurations, and the linear baselines."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd
from scipy import stats

from core.evaluation.metrics_with_intervals import (
    ALIGNED_VS_ALIGNED,
    ALIGNED_VS_RAW,
    BEFORE_ALIGNMENT,
)
from core.pipeline.sweep_baseline_evaluation import FIRST_LINEAR_NUMBER
from core.studies.study_result import Measurement

# Suffix of a column, by the pair of spaces that it compares.
COLUMN_SUFFIXES = {
    BEFORE_ALIGNMENT: "",
    ALIGNED_VS_ALIGNED: "",
    ALIGNED_VS_RAW: ", raw audio",
}
BASELINE_NUMBER = -1  # the numbers from here down to the linear alignments: other code encoders
CONFIDENCE = 0.95
HEADLINE_METRIC, PAPER_METRIC = "cka_debiased", "cka"
RECALL_METRIC = "recall@1 code->audio"


def average_results_over_seeds(results: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    """Average the results of each configuration over its seeds.

    Parameters
    ----------
    results : DataFrame
        As returned by `core.pipeline.sweep_results.load_sweep_results`.
    metrics : sequence of str
        Metrics to average.

    Returns
    -------
    DataFrame
        One row per configuration, baseline and linear alignment: number, name, seeds, and
        "SPLIT METRIC" with " sd", its standard deviation over seeds, and where they were computed
        " below" and " above", the distances from a value to the ends of its interval over
        programs, and " chance", its mean on permuted pairs; aligned code against raw audio is
        "SPLIT METRIC, raw audio".
    """
    is_shown = (results["number"] >= BASELINE_NUMBER) | (results["number"] <= FIRST_LINEAR_NUMBER)
    rows = results[is_shown & results["metric"].isin(metrics)]
    rows = rows[rows["reading"].isin(COLUMN_SUFFIXES)]
    columns = rows["split"] + " " + rows["metric"] + rows["reading"].map(COLUMN_SUFFIXES)
    optional = rows.reindex(columns=["low", "high", "null_mean"]).astype(float)
    rows = rows.assign(
        column=columns,
        below=rows["value"] - optional["low"],
        above=optional["high"] - rows["value"],
        chance=optional["null_mean"],
    )
    grouped = rows.groupby(["number", "name", "column"])
    parts = [
        grouped["value"].mean().unstack("column"),
        grouped["value"].std().unstack("column").add_suffix(" sd"),
        *(
            grouped[name].mean().unstack("column").dropna(axis=1, how="all").add_suffix(f" {name}")
            for name in ("below", "above", "chance")
        ),
    ]
    seeds = rows.groupby(["number", "name"])["seed"].nunique().rename("seeds")
    return pd.concat(parts, axis=1).rename_axis(columns=None).join(seeds).reset_index()


def build_measurements_of_baseline_and_best_configurations(
    averages: pd.DataFrame, cca_metric: str | None = None
) -> list[Measurement]:
    """Return the numbers of the unaligned baseline and of two configurations.

    One configuration has the highest debiased CKA on validation, one the highest CCA, as in the
    paper. Each is one configuration, measured on test with all its numbers: the best of 24 on
    test would be too optimistic, and the best of each metric is no configuration.

    Parameters
    ----------
    averages : DataFrame
        As returned by `average_results_over_seeds`.
    cca_metric : str, optional
        "cca@N".
    """
    metrics = [HEADLINE_METRIC, PAPER_METRIC, *([cca_metric] if cca_metric else [])]
    baseline = averages[averages["number"] == BASELINE_NUMBER]
    configurations = averages[averages["number"] >= 0]
    measurements = []
    if len(baseline):
        published: dict[str | None, str] = {
            PAPER_METRIC: "sweep.baseline.cka",
            cca_metric: "sweep.baseline.cca",
        }
        measurements += [
            _build_configuration_measurement(
                f"Before alignment: {format_sweep_metric_name(metric)}",
                baseline.iloc[0],
                metric,
                published.get(metric),
            )
            for metric in metrics
            if f"test {metric}" in averages
        ]
    # The paper's number is that of the biased CKA, so it stands beside that.
    for criterion, paper_metric, published_id in (
        (HEADLINE_METRIC, PAPER_METRIC, "sweep.best.cka"),
        (cca_metric, cca_metric, "sweep.best.cca"),
    ):
        if criterion is None or f"validation {criterion}" not in configurations:
            continue
        ordered = configurations.sort_values(
            f"validation {criterion}", ascending=False, kind="stable"
        )
        best = ordered.iloc[0]
        for metric in sorted(metrics, key=lambda metric: metric != criterion):
            for suffix, words in (("", ""), (", raw audio", " against raw audio")):
                if f"test {metric}{suffix}" not in averages:
                    continue
                measurements.append(
                    _build_configuration_measurement(
                        f"Best by {format_sweep_metric_name(criterion)}:"
                        f" {format_sweep_metric_name(metric)}{words} ({best['name']})",
                        best,
                        f"{metric}{suffix}",
                        published_id if metric == paper_metric and not suffix else None,
                    )
                )
    return measurements


def compare_with_linear_alignments(averages: pd.DataFrame) -> list[str]:
    """Return a sentence on where trained heads exceed linear alignments in closed form."""
    linear = averages[averages["number"] <= FIRST_LINEAR_NUMBER]
    configurations = averages[averages["number"] >= 0]
    if linear.empty or configurations.empty:
        return []
    notes = []
    for metric in (HEADLINE_METRIC, RECALL_METRIC):
        column, criterion = f"test {metric}", f"validation {metric}"
        if criterion not in averages:
            continue
        trained = configurations.sort_values(criterion, ascending=False, kind="stable").iloc[0]
        closed = linear.sort_values(criterion, ascending=False, kind="stable").iloc[0]
        notes.append(
            f"{format_sweep_metric_name(metric)} on test programs: {trained[column]:.3f} by the"
            " trained heads that are best on validation,"
            f" {closed[column]:.3f} by {closed['name']}, which has a closed form."
        )
    return notes


def format_sweep_metric_name(metric: str) -> str:
    """Return a metric's name as measures show it: "debiased CKA", "CCA@10"."""
    if metric == HEADLINE_METRIC:
        return "debiased CKA"
    name = metric.removesuffix(" code->audio")
    return name.upper() if name.startswith(("cka", "cca")) else name.capitalize()


def _build_configuration_measurement(
    measure: str, row: pd.Series, metric: str, published_id: str | None
) -> Measurement:
    """Return a configuration's mean over seeds with its 95 % interval over programs."""
    column = f"test {metric}"
    value, chance = row[column], row.get(f"{column} chance", math.nan)
    below, above = (row.get(f"{column} {side}", math.nan) for side in ("below", "above"))
    low = high = None
    if not (pd.isna(below) or pd.isna(above)):
        margin = _compute_interval_half_width_over_seeds(
            row.get(f"{column} sd", math.nan), row["seeds"]
        )
        low, high = value - math.hypot(below, margin), value + math.hypot(above, margin)
    return Measurement(
        measure, value, "test", None, low, high, published_id=published_id, chance=chance
    )


def _compute_interval_half_width_over_seeds(deviation: float, seed_count: int) -> float:
    """Return half of the 95 % interval of a mean over seeds; 0 for a single seed."""
    if pd.isna(deviation) or seed_count < 2:
        return 0.0
    # With few seeds the interval follows Student's t.
    quantile = stats.t.ppf((1 + CONFIDENCE) / 2, seed_count - 1)
    return float(quantile * deviation / seed_count**0.5)
