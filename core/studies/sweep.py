"""The table of 24 configurations, each trained with 5 seeds, beside the paper's best.

The sweep itself is `core.pipeline.sweep`: what of it is done already is not done again.
"""

from __future__ import annotations

import json
from typing import Any, Mapping

import pandas as pd
from scipy import stats

from core.corpus import Corpus
from core.errors import EarshotError
from core.evaluation.metrics_table import ALIGNED_VS_RAW, ALIGNED_VS_ALIGNED, BEFORE_ALIGNMENT
from core.studies import figures
from core.progress import Progress
from core.studies import options as option
from core.studies.result import StudyFigure, StudyResult, StudyTable, compare_to_paper

NAME = "sweep"
TITLE = "24 configurations of the paper's method"
QUESTION = "How high do CKA and CCA get, and which settings bring them there?"
OPTIONS = option.STUDY_OPTIONS["sweep"]
SWEEP_METRICS = ("cka", "cca")
# What a reading adds to the names of its columns.
COLUMN_SUFFIXES = {BEFORE_ALIGNMENT: "", ALIGNED_VS_ALIGNED: "", ALIGNED_VS_RAW: ", raw sound"}
GRID_NAME = "paper"


def run(corpus: Corpus, options: Mapping[str, Any], progress: Progress) -> StudyResult:
    """Sweep, choose on validation, and tell what the test says."""
    # Loads what trains, which reading the other studies' runs can do without.
    from core.pipeline import sweep as stage

    sweep_id = options["sweep"] or stage.run_sweep(corpus, GRID_NAME, progress, seed_count=options["seeds"])
    numbers = stage.load_sweep(corpus, sweep_id)
    trained = numbers[numbers["number"] >= 0]
    if trained.empty:
        raise EarshotError(
            f"No run of sweep {sweep_id} of '{corpus.name}' is done yet.",
            remedy=f"To go on with it: ./run sweep {corpus.name}",
        )
    facts = json.loads(
        (corpus.path / "sweeps" / sweep_id / "sweep.json").read_text(encoding="utf-8")
    )
    fields = pd.DataFrame([fields for _, fields in facts["trials"]])
    varied = [name for name in fields if fields[name].astype(str).nunique() > 1]
    table = average_over_seeds(numbers)
    table = table.join(fields[varied], on="number")
    table = table.sort_values("validation cka", ascending=False, ignore_index=True)
    rows = select_best_configurations(table)
    configurations = trained["number"].nunique()
    runs_done = len(trained[["number", "seed"]].drop_duplicates())
    aligned = table[table["number"] >= 0].reset_index(drop=True)
    return StudyResult(
        comparison=compare_to_paper(rows),
        tables=[
            StudyTable(
                "configurations",
                "Every configuration",
                table,
                "Means over seeds; sd over seeds. Aligned code against aligned sound, and"
                " where it says so against raw sound, which no head can bend. Number -1 is"
                " the unaligned baseline. The highest CKA on validation first.",
            )
        ],
        figures=[
            StudyFigure(
                "parallel",
                "Settings and what they bring",
                figures.plot_parallel_coordinates(aligned, [*varied, "test cka", "test cca"]),
                "A line a configuration, coloured by CKA on test programs.",
            )
        ],
        notes=[
            f"{configurations} configurations, {runs_done} runs. Configurations are chosen on"
            " validation and told of test programs; the paper doesn't say on which programs its"
            " numbers are. CCA is of directions found on training programs, so chance is near 0."
            " Intervals are over the seeds of a configuration, not over programs."
        ],
        settings={
            "sweep": sweep_id,
            "configurations": configurations,
            "runs": runs_done,
            "seed": None,
        },
    )


def average_over_seeds(results: pd.DataFrame) -> pd.DataFrame:
    """One row a configuration: number, name, seeds, and "SPLIT METRIC" with its sd over seeds; of
    aligned code against raw sound as "SPLIT METRIC, raw sound".

    Parameters
    ----------
    results : DataFrame
        As of `core.pipeline.sweep.load_sweep`.
    """
    # Numbers below -1 are of code encoders that other grids try.
    chosen = results[(results["number"] >= -1) & results["metric"].isin(SWEEP_METRICS)]
    chosen = chosen.assign(
        of=chosen["split"] + " " + chosen["metric"] + chosen["reading"].map(COLUMN_SUFFIXES)
    )
    wide = chosen.groupby(["number", "name", "of"])["value"].agg(["mean", "std"]).unstack("of")
    wide.columns = [of + ("" if what == "mean" else " sd") for what, of in wide.columns]
    seeds = chosen.groupby(["number", "name"])["seed"].nunique().rename("seeds")
    return wide.join(seeds).reset_index()


def select_best_configurations(table: pd.DataFrame) -> list[dict]:
    """Rows of the comparison: each metric's baseline, and its best configuration, chosen on
    validation and told of test: the best of 24 on test would flatter.

    Parameters
    ----------
    table : DataFrame
        As of `summarised`.
    """
    baseline, runs = table[table["number"] == -1], table[table["number"] >= 0]
    rows = []
    for metric in SWEEP_METRICS:
        if len(baseline):
            rows.append(_make_comparison_row(f"Baseline {metric.upper()}", baseline.iloc[0], metric, "baseline"))
        if f"validation {metric}" in runs:
            best = runs.loc[runs[f"validation {metric}"].idxmax()]
            rows.append(_make_comparison_row(f"Best {metric.upper()}: {best['name']}", best, metric, "best"))
            if f"test {metric}, raw sound" in runs:
                rows.append(
                    _make_comparison_row(
                        f"The same against raw sound, {metric.upper()}",
                        best,
                        f"{metric}, raw sound",
                        None,
                    )
                )
    return rows


def _make_comparison_row(measure: str, row: pd.Series, metric: str, published_group: str | None) -> dict:
    value, sd = row[f"test {metric}"], row.get(f"test {metric} sd")
    spread = None
    if pd.notna(sd) and published_group != "baseline":  # few seeds: Student's t, not 1.96
        spread = stats.t.ppf(0.975, row["seeds"] - 1) * sd / row["seeds"] ** 0.5
    return {
        "measure": measure,
        "measured": value,
        "low": None if spread is None else value - spread,
        "high": None if spread is None else value + spread,
        "published": published_group and f"sweep.{published_group}.{metric}",
        "split": "test",
        "seed": None,
    }
