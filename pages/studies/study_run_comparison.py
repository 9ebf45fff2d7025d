"""Comparison of a study's runs: measures, differing settings and first figures side by side."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from core.studies.study_run_comparison import (
    build_run_measurement_table,
    find_differing_run_settings,
    find_run_comparability_problems,
)
from core.studies.study_run_storage import StudyRun
from pages.components import figure_and_table_download, session_keys
from pages.components.table_height import compute_table_height_px
from pages.studies import study_run_view


def draw_run_comparison(runs: list[StudyRun], labels: Mapping[str, str]) -> None:
    """Draw the choice of runs and their comparison.

    Parameters
    ----------
    runs : list of StudyRun
        All runs of one study, newest first.
    labels : mapping
        Their labels by id.
    """
    st.subheader("Compare runs")
    study_name = runs[0].study_name
    chosen_ids = st.multiselect(
        "Runs",
        list(labels),
        list(labels)[:2],
        format_func=lambda run_id: labels[run_id],
        key=session_keys.COMPARED_RUNS.derive_scoped_key(study_name).name,
        label_visibility="collapsed",
    )
    chosen_runs = [run for run in runs if run.id in chosen_ids]
    if len(chosen_runs) < 2:
        st.caption("Choose at least two.")
        return
    if problems := find_run_comparability_problems(chosen_runs):
        st.warning(
            f"These numbers were not measured on the same programs: {'; '.join(problems)}. Run the"
            " study again on one corpus with the same options to compare them.",
            icon=":material/compare_arrows:",
        )
    measures = build_run_measurement_table(chosen_runs)
    st.dataframe(
        study_run_view.format_number_columns(measures, measures.columns),
        key=f"measures-{study_name}",
        height=compute_table_height_px(len(measures)),
        placeholder="–",
        column_config={
            "measure": st.column_config.TextColumn(width="large"),
            **{str(name): st.column_config.TextColumn(alignment="right") for name in measures},
        },
    )
    settings = find_differing_run_settings(chosen_runs)
    if settings.empty:
        st.caption("Same settings, same programs.")
    else:
        st.caption("Settings that differ:")
        height = compute_table_height_px(len(settings))
        st.dataframe(settings, key=f"differing-settings-{study_name}", height=height)
    for run, column in zip(chosen_runs[:2], st.columns(2)):
        with column:
            _draw_first_figure(run)


def _draw_first_figure(run: StudyRun) -> None:
    figures = study_run_view.load_study_result(run).figures
    if figures:
        st.caption(f"{run.id}: {figures[0].title}")
        st.plotly_chart(
            figures[0].figure,
            key=f"compared-figure-{run.id}",
            alt=figures[0].title,
            config={"displaylogo": False},
        )
        figure_and_table_download.draw_figure_download(
            f"compared-{run.id}", lambda: figures[0].figure, figures[0].title
        )
