"""Page Studies: run the paper's studies, view and compare their runs, download reports."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core import jobs, workspace
from core.corpus import Corpus
from core.corpus.legacy_saved_names import translate_legacy_study_name
from core.studies.all_studies_report import StudyReport, list_study_reports
from core.studies.report_markdown import format_verdict_counts
from core.studies.study_registry import STUDIES, get_study
from core.studies.study_run_storage import StudyRun, list_study_runs
from pages.components import (
    corpus_and_alignment_picker,
    job_panel,
    markdown_and_errors,
    page_header_and_sidebar,
    session_keys,
)
from pages.components.table_height import compute_table_height_px
from pages.components.unknown_url_value_notice import (
    remember_unknown_url_value,
    warn_about_remembered_url_value,
)
from pages.studies import study_option_controls, study_run_comparison, study_run_view

ALL_STUDIES = "all"


def draw_page() -> None:
    """Draw the page."""
    st.title("The paper's studies")
    with markdown_and_errors.catch_and_show_errors():
        corpus = corpus_and_alignment_picker.draw_corpus_picker_in_sidebar()
        if corpus is None:
            corpus_and_alignment_picker.draw_no_corpus_notice()
            return
        study_name = draw_study_picker()
        if study_name == ALL_STUDIES:
            draw_all_studies(corpus)
        else:
            draw_study(corpus, study_name)


def draw_study_picker() -> str:
    """Draw the choice of a study; return its name or `ALL_STUDIES`."""
    study_names = [*STUDIES, ALL_STUDIES]
    is_restored = session_keys.restore_old_bookmark_choice(
        session_keys.STUDY, lambda label: _find_study_by_url_name(label, study_names)
    )
    requested_name = st.query_params.get(session_keys.STUDY.name, "")
    accepted_names = [format_study_name(name) for name in study_names]
    if _find_study_by_url_name(requested_name, study_names):
        accepted_names.append(requested_name)
    remember_unknown_url_value(session_keys.STUDY.name, accepted_names)
    study_name = st.segmented_control(
        "Study",
        study_names,
        default=None if is_restored else study_names[0],
        required=True,
        key=session_keys.STUDY.name,
        bind="query-params",
        format_func=format_study_name,
        label_visibility="collapsed",
    )
    study_name = study_name or study_names[0]
    warn_about_remembered_url_value(
        session_keys.STUDY.name, "study", study_name, format_study_name(study_name)
    )
    return study_name


def _find_study_by_url_name(label: str, study_names: list[str]) -> str | None:
    """Return the study that the URL names, by today's name or by an older one."""
    name = translate_legacy_study_name(label.lower())
    return name if name in study_names else None


def format_study_name(study_name: str) -> str:
    """Return a study's name for display."""
    return "UMAP" if study_name == "umap" else study_name.capitalize()


def draw_study(corpus: Corpus, study_name: str) -> None:
    """Draw a study: its question, the button that runs it, and its runs."""
    study = get_study(study_name)
    runs = {run.id: run for run in list_study_runs(corpus, study_name)}
    labels = {run.id: format_study_run_label(run) for run in runs.values()}
    run_key = session_keys.STUDY_RUN.derive_scoped_key(study_name)
    corpus_and_alignment_picker.preselect_new_item_once(
        run_key, next(iter(runs), None), corpus.name
    )
    st.markdown(f"**{study.title}.** {study.question}")
    is_running = draw_study_job_and_check_if_active(corpus, study_name)
    run_id = None
    with st.container(horizontal=True):
        if runs:
            run_id = st.selectbox(
                "Run",
                list(labels),
                format_func=lambda option: labels.get(option, option),
                key=run_key.name,
                width=420,
                label_visibility="collapsed",
            )
        if not is_running:
            draw_study_form(corpus, study_name, "Run again" if runs else "Run")
    if run_id is None:
        st.info("This study has not been run on this corpus.", icon=":material/science:")
        return
    study_run_view.draw_study_run(corpus, runs[run_id])
    if len(runs) > 1:
        study_run_comparison.draw_run_comparison(list(runs.values()), labels)


def format_study_run_label(run: StudyRun) -> str:
    """Return a run's id, time and alignment."""
    alignment = run.metadata["settings"].get("alignment")
    suffix = ""
    if alignment:
        suffix = (
            f" · alignment {corpus_and_alignment_picker.format_alignment_number(alignment['id'])}"
        )
    return f"{run.id} · {run.created[:16].replace('T', ' ')}{suffix}"


def draw_study_job_and_check_if_active(corpus: Corpus, study_name: str) -> bool:
    """Draw the study's newest job unless it is done; return whether it is active."""
    job = job_panel.draw_latest_job_unless_done("study", study_name, corpus.name)
    return job is not None and job.is_active


def draw_study_form(corpus: Corpus, study_name: str, button_label: str) -> None:
    """Draw the button that runs a study, and its settings."""
    if workspace.is_workspace_read_only():
        return
    is_pressed = st.button(
        button_label, type="primary", icon=":material/play_arrow:", key=f"start-{study_name}"
    )
    options = study_option_controls.draw_study_option_controls(corpus, study_name)
    if is_pressed:
        argv = ["study", study_name, corpus.name, *options]
        jobs.start_job(argv, f"Study {study_name} of {corpus.name}")
        st.rerun()


# -- all studies ------------------------------------------------------------------------------


def draw_all_studies(corpus: Corpus) -> None:
    """Draw the button that runs all studies, an overview, and the reports."""
    st.markdown(
        "**All studies in one report:** a self-contained HTML page with tables, figures and short"
        " clips, plus CSV and Markdown tables."
    )
    if not draw_study_job_and_check_if_active(corpus, ALL_STUDIES):
        with st.container(horizontal=True):
            draw_study_form(corpus, ALL_STUDIES, "Run all")
    rows = [build_study_overview_row(corpus, study_name) for study_name in STUDIES]
    height = compute_table_height_px(len(rows), len(rows))
    st.dataframe(pd.DataFrame(rows), hide_index=True, height=height)
    reports = list_study_reports(corpus)
    if reports:
        draw_study_report_downloads(corpus, reports)


def build_study_overview_row(corpus: Corpus, study_name: str) -> dict[str, str]:
    """Return a study's row of the overview: its newest run and how that compares to the paper."""
    run = next(iter(list_study_runs(corpus, study_name)), None)
    return {
        "Study": format_study_name(study_name),
        "Compared with the paper": format_verdict_counts(run.load_paper_comparison())
        if run
        else "not run",
        "Newest run": format_study_run_label(run) if run else "",
    }


def draw_study_report_downloads(corpus: Corpus, reports: list[StudyReport]) -> None:
    """Draw the choice of a report and its downloads."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        report = st.selectbox(
            "Report",
            reports,
            format_func=lambda option: f"{option.id} · {option.created[:16]}",
            width=420,
        )
        html_path = report.path / "report.html"
        st.download_button(
            f"HTML report ({markdown_and_errors.format_bytes(html_path.stat().st_size)})",
            html_path.read_bytes,
            f"{corpus.name}-{report.id}.html",
            "text/html",
            icon=":material/download:",
            on_click="ignore",
        )
        st.download_button(
            "Full archive with tables",
            report.build_report_zip,
            f"{corpus.name}-{report.id}.zip",
            "application/zip",
            icon=":material/folder_zip:",
            on_click="ignore",
        )


page_header_and_sidebar.run_page(draw_page)
