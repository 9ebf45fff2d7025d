"""All tables of a corpus: an alignment's metrics, its sweeps, and its newest studies."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from core.corpus import AlignmentRecord, Corpus
from core.pipeline.sweep_results import list_sweep_ids, load_sweep_results, summarize_sweep_results
from core.search.sound_property_forecast_columns import forecast_corpus_programs
from core.studies.study_registry import STUDIES
from core.studies.study_run_storage import (
    COMPARISON_TABLE,
    StudyRun,
    list_study_runs,
    load_study_run,
)

SWEEP_PREFIX = "sweep-"
CLIP_COLUMN = "clips"
"""Positions of clips to play, which only the page Studies needs."""


def collect_result_tables_of_corpus(
    corpus: Corpus, alignment: AlignmentRecord | None = None, run_ids: Sequence[str] = ()
) -> dict[str, tuple[str, pd.DataFrame]]:
    """Return the tables of a corpus, an alignment, all sweeps and the newest run of each study.

    Parameters
    ----------
    corpus : Corpus
    alignment : AlignmentRecord, optional
        Its metrics are included where it has been evaluated.
    run_ids : sequence of str
        Runs of studies whose tables are included too.

    Returns
    -------
    dict of str to (str, DataFrame)
        Caption and table by name: "forecast" (of each program), "metrics", "sweep-ID", and
        "STUDY-TABLE" or "RUN-TABLE" for the tables of studies, where "STUDY-compared" holds the
        measurements beside the paper's.

    Raises
    ------
    EarshotError
        If the corpus has no run of such an id.
    """
    tables: dict[str, tuple[str, pd.DataFrame]] = {}
    forecast = _build_forecast_table(corpus)
    if len(forecast.columns):
        tables["forecast"] = ("Properties of each clip, forecast from the code.", forecast)
    if alignment is not None and (readings := alignment.metrics.get("readings")):
        tables["metrics"] = (f"Metrics of alignment {alignment.id}.", pd.DataFrame(readings))
    for sweep_id in list_sweep_ids(corpus):
        rows = flatten_sweep_summary(summarize_sweep_results(load_sweep_results(corpus, sweep_id)))
        if len(rows):
            tables[f"{SWEEP_PREFIX}{sweep_id}"] = (f"Validation metrics of sweep {sweep_id}.", rows)
    runs = {name: run for name in STUDIES for run in list_study_runs(corpus, name)[:1]}
    runs.update({run_id: load_study_run(corpus, run_id) for run_id in run_ids})
    for prefix, run in runs.items():
        for table_name, captioned_table in collect_study_run_tables(run).items():
            tables[f"{prefix}-{table_name}"] = captioned_table
    return tables


def _build_forecast_table(corpus: Corpus) -> pd.DataFrame:
    programs = corpus.load_programs()[["program", "name", "template"]]
    forecast = forecast_corpus_programs(corpus, programs["program"].tolist())
    return pd.concat([programs, forecast], axis=1) if len(forecast.columns) else forecast


def collect_study_run_tables(run: StudyRun) -> dict[str, tuple[str, pd.DataFrame]]:
    """Return the tables of a run of a study with their captions, by name.

    Parameters
    ----------
    run : StudyRun

    Returns
    -------
    dict of str to (str, DataFrame)
        First "compared": the measurements beside the paper's.
    """
    caption = f"{run.metadata['title']}: measured and in the paper."
    tables = {COMPARISON_TABLE: (caption, run.load_paper_comparison())}
    for table in run.load_study_tables():
        rows = table.rows.drop(columns=CLIP_COLUMN, errors="ignore")
        tables[table.name] = (f"{table.title}. {table.caption}", rows)
    return tables


def flatten_sweep_summary(summary: pd.DataFrame) -> pd.DataFrame:
    """Return a summary of a sweep with one plain column per metric and statistic.

    Parameters
    ----------
    summary : DataFrame
        As `core.pipeline.sweep_results.summarize_sweep_results` returns it.

    Returns
    -------
    DataFrame
        number, configuration, then "METRIC mean" and "METRIC sd" (NaN for one seed).
    """
    flat = summary.copy()
    flat.columns = pd.Index([" ".join(column) for column in summary.columns.to_list()])
    flat = flat.rename_axis(["number", "configuration"]).reset_index()
    return flat.dropna(axis="columns", how="all")
