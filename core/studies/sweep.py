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
from core.evaluation.metrics_table import AGAINST_RAW, ALIGNED, BEFORE
from core.studies import figures
from core.progress import Progress
from core.studies import options as option
from core.studies.result import Figure, StudyResult, Table, beside

NAME = "sweep"
TITLE = "24 configurations of the paper's method"
QUESTION = "How high do CKA and CCA get, and which settings bring them there?"
OPTIONS = option.OF["sweep"]
METRICS = ("cka", "cca")
# What a reading adds to the names of its columns.
READINGS = {BEFORE: "", ALIGNED: "", AGAINST_RAW: ", raw sound"}
GRID = "paper"


def run(corpus: Corpus, options: Mapping[str, Any], progress: Progress) -> StudyResult:
    """Sweep, choose on validation, and tell what the test says."""
    # Loads what trains, which reading the other studies' runs can do without.
    from core.pipeline import sweep as stage

    sweep_id = options["sweep"] or stage.sweep(corpus.name, GRID, progress, seeds=options["seeds"])
    numbers = stage.load(corpus.name, sweep_id)
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
    table = summarised(numbers)
    table = table.join(fields[varied], on="number")
    table = table.sort_values("validation cka", ascending=False, ignore_index=True)
    rows = bests(table)
    configurations = trained["number"].nunique()
    runs_done = len(trained[["number", "seed"]].drop_duplicates())
    aligned = table[table["number"] >= 0].reset_index(drop=True)
    return StudyResult(
        compared=beside(rows),
        tables=[
            Table(
                "configurations",
                "Every configuration",
                table,
                "Means over seeds; sd over seeds. Aligned code against aligned sound, and"
                " where it says so against raw sound, which no head can bend. Number -1 is"
                " the unaligned baseline. The highest CKA on validation first.",
            )
        ],
        figures=[
            Figure(
                "parallel",
                "Settings and what they bring",
                figures.parallel(aligned, [*varied, "test cka", "test cca"]),
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


def summarised(numbers: pd.DataFrame) -> pd.DataFrame:
    """One row a configuration: number, name, seeds, and "SPLIT METRIC" with its sd over seeds; of
    aligned code against raw sound as "SPLIT METRIC, raw sound".

    Parameters
    ----------
    numbers : DataFrame
        As of `core.pipeline.sweep.load`.
    """
    # Numbers below -1 are of code encoders that other grids try.
    chosen = numbers[(numbers["number"] >= -1) & numbers["metric"].isin(METRICS)]
    chosen = chosen.assign(
        of=chosen["split"] + " " + chosen["metric"] + chosen["reading"].map(READINGS)
    )
    wide = chosen.groupby(["number", "name", "of"])["value"].agg(["mean", "std"]).unstack("of")
    wide.columns = [of + ("" if what == "mean" else " sd") for what, of in wide.columns]
    seeds = chosen.groupby(["number", "name"])["seed"].nunique().rename("seeds")
    return wide.join(seeds).reset_index()


def bests(table: pd.DataFrame) -> list[dict]:
    """Rows of the comparison: each metric's baseline, and its best configuration, chosen on
    validation and told of test: the best of 24 on test would flatter.

    Parameters
    ----------
    table : DataFrame
        As of `summarised`.
    """
    baseline, runs = table[table["number"] == -1], table[table["number"] >= 0]
    rows = []
    for metric in METRICS:
        if len(baseline):
            rows.append(_row(f"Baseline {metric.upper()}", baseline.iloc[0], metric, "baseline"))
        if f"validation {metric}" in runs:
            best = runs.loc[runs[f"validation {metric}"].idxmax()]
            rows.append(_row(f"Best {metric.upper()}: {best['name']}", best, metric, "best"))
            if f"test {metric}, raw sound" in runs:
                rows.append(
                    _row(
                        f"The same against raw sound, {metric.upper()}",
                        best,
                        f"{metric}, raw sound",
                        None,
                    )
                )
    return rows


def _row(measure: str, row: pd.Series, metric: str, which: str | None) -> dict:
    value, sd = row[f"test {metric}"], row.get(f"test {metric} sd")
    spread = None
    if pd.notna(sd) and which != "baseline":  # few seeds: Student's t, not 1.96
        spread = stats.t.ppf(0.975, row["seeds"] - 1) * sd / row["seeds"] ** 0.5
    return {
        "measure": measure,
        "measured": value,
        "low": None if spread is None else value - spread,
        "high": None if spread is None else value + spread,
        "published": which and f"sweep.{which}.{metric}",
        "split": "test",
        "seed": None,
    }
