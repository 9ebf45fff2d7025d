"""Results of sweeps: their files, tables of their metrics, and their best configuration."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from core.corpus import Corpus
from core.corpus.legacy_saved_names import (
    translate_legacy_metric_rows,
    translate_legacy_sweep_settings,
)
from core.errors import EarshotError
from core.evaluation.metrics_with_intervals import (
    ALIGNED_VS_ALIGNED,
    ALIGNED_VS_RAW,
    BEFORE_ALIGNMENT,
)
from core.pipeline.sweep_run_training import ROW_COLUMNS

SWEEP_FILE = "sweep.json"
RAW_EMBEDDINGS_FILE = "baseline.json"
LINEAR_ALIGNMENTS_FILE = "linear.json"
CCA_PREFIX = "cca@"
EVALUATED_SPLITS = ("validation", "test")
RESULT_COLUMNS = ["name", "number", "seed", *ROW_COLUMNS]


def list_sweep_ids(corpus: Corpus) -> list[str]:
    """Return the ids of a corpus's sweeps, the most recently resumed last."""
    files = (corpus.path / "sweeps").glob(f"*/{SWEEP_FILE}")
    return [file.parent.name for file in sorted(files, key=lambda file: file.stat().st_mtime)]


def describe_sweep(corpus: Corpus, sweep_id: str) -> str:
    """Return what tells a sweep apart: its grid, local time, programs and finished runs.

    Returns
    -------
    str
        Such as "paper grid, 2026-11-28 14:03, 369 programs, 48 runs of 24 configurations";
        without programs for sweeps of older versions.
    """
    folder = corpus.path / "sweeps" / sweep_id
    settings = load_sweep_settings(corpus, sweep_id)
    time = datetime.fromtimestamp((folder / SWEEP_FILE).stat().st_mtime).astimezone()
    parts = [f"{settings['grid']} grid", f"{time:%Y-%m-%d %H:%M}"]
    baseline_file = folder / RAW_EMBEDDINGS_FILE
    program_count = (
        read_sweep_file(baseline_file).get("program_count") if baseline_file.exists() else None
    )
    if program_count:
        parts.append(f"{program_count:,} programs")
    run_count = len(list(folder.glob("run-*.json")))
    configuration_count = len(settings["trials"])
    parts.append(f"{run_count} runs of {configuration_count} configurations")
    return ", ".join(parts)


def load_sweep_results(corpus: Corpus, sweep_id: str | None = None) -> pd.DataFrame:
    """Load the results of a sweep's finished runs.

    Parameters
    ----------
    corpus : Corpus
    sweep_id : str, optional
        Default: the most recently resumed.

    Returns
    -------
    DataFrame
        name, number (of the configuration; -1 for the unaligned baseline, -2 and below for those
        of other code encoders in the grid, -101 and below for linear alignments in closed form),
        seed, split, reading, metric, value; low, high and null_mean where they were computed:
        for test programs, of raw embeddings, linear alignments and seed 0. Besides the metrics
        of `core.evaluation.metrics_with_intervals`, each run has "seconds" and "epochs" of its
        training. ``sweep.json`` holds the fields of each configuration.

    Raises
    ------
    EarshotError
        When there is no such sweep.
    """
    sweep_ids = list_sweep_ids(corpus)
    if sweep_id is None and sweep_ids:
        sweep_id = sweep_ids[-1]
    if sweep_id is None or sweep_id not in sweep_ids:
        raise EarshotError(
            f"Corpus '{corpus.name}' has no sweep{'' if sweep_id is None else f' {sweep_id!r}'}.",
            remedy=f"To run one: ./run sweep {corpus.name}",
        )
    folder = corpus.path / "sweeps" / sweep_id
    names = [name for name, _ in load_sweep_settings(corpus, sweep_id)["trials"]]
    rows = translate_legacy_metric_rows(read_sweep_file(folder / RAW_EMBEDDINGS_FILE)["rows"])
    if (folder / LINEAR_ALIGNMENTS_FILE).exists():  # Sweeps of older versions have none.
        rows += read_sweep_file(folder / LINEAR_ALIGNMENTS_FILE)["rows"]
    for path in sorted(folder.glob("run-*.json")):
        run = read_sweep_file(path)
        run_columns = {"name": names[run["number"]], "number": run["number"], "seed": run["seed"]}
        rows += [{**run_columns, **row} for row in translate_legacy_metric_rows(run["rows"])]
        rows += [
            {
                **run_columns,
                "split": split,
                "reading": reading,
                "metric": metric,
                "value": run[metric],
            }
            for split in EVALUATED_SPLITS
            for reading in (ALIGNED_VS_ALIGNED, ALIGNED_VS_RAW)
            for metric in ("seconds", "epochs")
        ]
    return pd.DataFrame(rows).reindex(columns=RESULT_COLUMNS)


def find_common_cca_metric(results: pd.DataFrame) -> str | None:
    """Return the name of the CCA metric that all configurations and baselines have.

    Returns
    -------
    str or None
        "cca@N", for the largest N; None if there is none.
    """
    names = results[results["metric"].str.startswith(CCA_PREFIX)].groupby("number")["metric"]
    common = set.intersection(*map(set, names.unique())) if len(names) else set()
    return max(common, key=lambda name: int(name.removeprefix(CCA_PREFIX)), default=None)


def load_sweep_settings(corpus: Corpus, sweep_id: str) -> dict[str, Any]:
    """Load the settings of a sweep.

    Returns
    -------
    dict
        grid, encoders, common (settings of all trials), trials (a list of name and config) and
        codes (ids of the trials' code encoders).
    """
    return translate_legacy_sweep_settings(
        read_sweep_file(corpus.path / "sweeps" / sweep_id / SWEEP_FILE)
    )


def summarize_sweep_results(
    results: pd.DataFrame, split: str = "validation", reading: str = ALIGNED_VS_ALIGNED
) -> pd.DataFrame:
    """Compute mean and standard deviation over seeds: one row per configuration.

    Parameters
    ----------
    results : DataFrame
        As `load_sweep_results` returns it.
    split, reading : str

    Returns
    -------
    DataFrame
        Index: number and name, the baselines first. Columns: (metric, "mean" or "sd"); NaN as the
        standard deviation of one seed.
    """
    has_reading = results["reading"].isin((reading, BEFORE_ALIGNMENT))
    selected = results[has_reading & (results["split"] == split)]
    groups = selected.groupby(["number", "name", "metric"])["value"]
    means, deviations = groups.mean().unstack("metric"), groups.std().unstack("metric")
    table = pd.concat({"mean": means, "sd": deviations}, axis="columns")
    table = table.loc[sorted(table.index, key=lambda index: (index[0] >= 0, abs(index[0])))]
    columns = [
        (metric, statistic)
        for metric in dict.fromkeys(selected["metric"])
        for statistic in ("mean", "sd")
    ]
    return table.swaplevel(axis=1).reindex(columns=columns)


def find_best_configuration_number(
    results: pd.DataFrame, metric: str, split: str = "validation"
) -> int | None:
    """Return the number of the configuration with the highest mean of a metric.

    Returns
    -------
    int or None
        None if the metric has no value for any: some need more programs than the split has.
    """
    table = summarize_sweep_results(results, split)
    table = table[table.index.get_level_values("number") >= 0]
    if table.empty:
        raise EarshotError("No run of this sweep is done yet.")
    means = table[(metric, "mean")].dropna()
    if means.empty:
        return None
    return int(means.index.get_level_values("number")[int(means.argmax())])


def read_sweep_file(path: Path) -> dict[str, Any]:
    """Return the content of a JSON file of a sweep."""
    return json.loads(path.read_text("utf-8"))
