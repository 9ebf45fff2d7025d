"""Runs of a study side by side: their numbers, what was set otherwise, and their figures."""

from __future__ import annotations

from typing import Any, Iterator, Mapping

import pandas as pd
import streamlit as st

from core.studies.store import StudyRun
from pages.studies import study_view

# Of every run its own, so no reason for a difference.
IGNORED_SETTINGS = ("seconds_taken",)


def draw_run_comparison(runs: list[StudyRun], labels: Mapping[str, str]) -> None:
    """Draw the chosen runs' numbers, differing settings and first figures side by side."""
    st.subheader("Compare runs")
    study = runs[0].study_name
    chosen = st.multiselect(
        "Runs",
        list(labels),
        list(labels)[:2],
        format_func=labels.get,
        key=f"beside-{study}",
        label_visibility="collapsed",
    )
    shown = [run for run in runs if run.id in chosen]
    if len(shown) < 2:
        st.caption("Choose at least two.")
        return
    numbers = build_measure_table(shown)
    st.dataframe(
        study_view.format_number_columns(numbers, numbers),
        key=f"side-{study}",
        placeholder="–",
        column_config={
            "measure": st.column_config.TextColumn(width="large"),
            **{name: st.column_config.TextColumn(alignment="right") for name in numbers},
        },
    )
    differing = find_differing_settings(shown)
    if differing.empty:
        st.caption("They were run with the same settings, on the same programs.")
    else:
        st.caption("What differs between them:")
        st.dataframe(differing, key=f"differing-{study}")
    for run, column in zip(shown[:2], st.columns(2)):
        with column:
            _draw_first_figure(run)


def build_measure_table(runs: list[StudyRun]) -> pd.DataFrame:
    """One row a measure: each run's number, the paper's, and, of two, the newer less the older."""
    numbers = {run.id: run.load_comparison().drop_duplicates("measure") for run in runs}
    order = dict.fromkeys(name for each in numbers.values() for name in each["measure"])
    columns = {
        run_id: each.set_index("measure")["measured"].reindex(list(order))
        for run_id, each in numbers.items()
    }
    table = pd.DataFrame(columns)
    paper = pd.concat([each.set_index("measure")["paper"] for each in numbers.values()])
    table["paper"] = paper[~paper.index.duplicated()].reindex(table.index)
    if len(runs) == 2:
        newer, older = sorted(runs, key=lambda run: (run.created, run.id), reverse=True)
        table["change"] = table[newer.id] - table[older.id]
    return table.rename_axis("measure")


def find_differing_settings(runs: list[StudyRun]) -> pd.DataFrame:
    """Settings that aren't the same in all of these runs: one row a setting, one column a run."""
    flat = {run.id: dict(_flatten_settings(run.metadata["settings"])) for run in runs}
    table = pd.DataFrame(flat).astype(object)
    table = table.where(table.notna(), "–").astype(str)
    return table[table.nunique(axis=1) > 1].rename_axis("setting")


def _flatten_settings(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in settings.items():
        if name in IGNORED_SETTINGS:
            continue
        if isinstance(value, Mapping):
            yield from _flatten_settings(value, f"{prefix}{name}, ")
        else:
            yield f"{prefix}{name}".replace("_", " "), str(value)


def _draw_first_figure(run: StudyRun) -> None:
    figures = study_view.load_study_result(run).figures
    if figures:
        st.caption(f"{run.id}: {figures[0].title}")
        st.plotly_chart(
            figures[0].figure,
            key=f"beside-figure-{run.id}",
            alt=figures[0].title,
            config={"displaylogo": False},
        )
