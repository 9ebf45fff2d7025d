"""Studies: run one of the paper's, read and hear what it found, and compare earlier runs."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core import jobs, workspace
from core.corpus import Corpus
from core.studies.registry import STUDIES, get_study
from core.studies.report import list_reports
from core.studies.report_markdown import format_verdict_counts
from core.studies.store import StudyRun, list_runs
from pages.components import layout, job_panel, selection, formatting
from pages.studies import study_comparison, study_view, study_settings

ALL_STUDIES = "all"


def draw_page() -> None:
    st.title("The paper's studies")
    with formatting.catch_and_show_errors():
        here = selection.choose_corpus_and_alignment(needs_alignment=False)
        if here.corpus is None:
            selection.draw_no_corpus_notice()
            return
        name = st.segmented_control(
            "Study",
            [*STUDIES, ALL_STUDIES],
            default=next(iter(STUDIES)),
            required=True,
            key="study",
            bind="query-params",
            format_func=format_study_name,
            label_visibility="collapsed",
        )
        if name == ALL_STUDIES:
            draw_all_studies(here.corpus)
        else:
            draw_study(here.corpus, name)


def format_study_name(study_name: str) -> str:
    return "UMAP" if study_name == "umap" else study_name.capitalize()


def draw_study(corpus: Corpus, study_name: str) -> None:
    """Draw a study: its question, the button, its runs."""
    study = get_study(study_name)
    found = {run.id: run for run in list_runs(corpus, study_name)}
    labels = {run.id: format_run_label(run) for run in found.values()}
    select_new_run(corpus, study_name, next(iter(found), None))
    st.markdown(f"**{study.title}.** {study.question}")
    busy = draw_study_job(corpus, study_name)
    with st.container(horizontal=True):
        if found:
            shown = st.selectbox(
                "Run",
                list(labels),
                format_func=labels.get,
                key=f"run-{study_name}",
                width=420,
                label_visibility="collapsed",
            )
        if not busy:
            draw_study_form(corpus, study_name, "Run it again" if found else "Run it")
    if not found:
        st.info("It has not been run on this corpus yet.", icon=":material/science:")
        return
    study_view.draw_study_run(corpus, found[shown])
    if len(found) > 1:
        study_comparison.draw_run_comparison(list(found.values()), labels)


def select_new_run(corpus: Corpus, study_name: str, newest_run_id: str | None) -> None:
    """Show a run that has just ended; what was chosen before gives way once."""
    seen = st.session_state.setdefault("newest-runs", {})
    if seen.get((corpus.name, study_name), newest_run_id) != newest_run_id:
        st.session_state[f"run-{study_name}"] = newest_run_id
    seen[corpus.name, study_name] = newest_run_id


def format_run_label(run: StudyRun) -> str:
    """A run by its number, its time, and the alignment that it was about."""
    about = run.metadata["settings"].get("alignment")
    of = f" · alignment {about['id'].partition('-')[0].lstrip('0')}" if about else ""
    return f"{run.id} · {run.created[:16].replace('T', ' ')}{of}"


def draw_study_job(corpus: Corpus, study_name: str) -> bool:
    """Draw the study's job unless it has ended well; return whether it still runs."""
    running = job_panel.find_latest_job("study", study_name, corpus.name)
    if running is not None and running.state != "done":
        job_panel.draw_job_panel(running)
    return running is not None and running.is_active


def draw_study_form(corpus: Corpus, study_name: str, button_label: str) -> None:
    """Draw the button that starts a study, and its settings."""
    if workspace.is_read_only():
        return
    pressed = st.button(button_label, type="primary", icon=":material/play_arrow:", key=f"start-{study_name}")
    options = study_settings.choose_study_options(corpus, study_name)
    if pressed:
        jobs.start_job(["study", study_name, corpus.name, *options], f"Study {study_name} of {corpus.name}")
        st.rerun()


def draw_all_studies(corpus: Corpus) -> None:
    """Draw the button for all studies, where each stands, and the reports."""
    st.markdown(
        "**Every study, and one report.** A page with tables, figures and short clips that needs"
        " nothing else, to keep or to send; the tables also as CSV and Markdown."
    )
    if not draw_study_job(corpus, ALL_STUDIES):
        with st.container(horizontal=True):
            draw_study_form(corpus, ALL_STUDIES, "Run all")
    newest = {name: next(iter(list_runs(corpus, name)), None) for name in STUDIES}
    rows = [
        {
            "Study": format_study_name(name),
            "Beside the paper": format_verdict_counts(run.load_comparison()) if run else "not run yet",
            "Newest run": format_run_label(run) if run else "",
        }
        for name, run in newest.items()
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True)
    there = list_reports(corpus)
    if not there:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        report = st.selectbox(
            "Report", there, format_func=lambda each: f"{each.id} · {each.created[:16]}", width=420
        )
        page = report.path / "report.html"
        size = formatting.format_bytes(page.stat().st_size)
        st.download_button(
            f"The page ({size})",
            page.read_bytes,
            f"{corpus.name}-{report.id}.html",
            "text/html",
            icon=":material/download:",
            on_click="ignore",
        )
        st.download_button(
            "Everything, with tables",
            report.build_zip,
            f"{corpus.name}-{report.id}.zip",
            "application/zip",
            icon=":material/folder_zip:",
            on_click="ignore",
        )


layout.run_page(draw_page)
