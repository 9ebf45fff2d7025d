"""Studies: run one of the paper's, read and hear what it found, and compare earlier runs."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core import jobs, workspace
from core.corpus import Corpus
from core.studies import STUDIES, study
from core.studies.report import reports
from core.studies.report_markdown import verdicts
from core.studies.store import StudyRun, runs
from pages.components import layout, job_panel, selection, formatting
from pages.studies import study_comparison, study_view, study_settings

ALL = "all"


def page() -> None:
    st.title("The paper's studies")
    with formatting.errors():
        here = selection.chosen(alignment=False)
        if here.corpus is None:
            selection.no_corpus()
            return
        name = st.segmented_control(
            "Study",
            [*STUDIES, ALL],
            default=next(iter(STUDIES)),
            required=True,
            key="study",
            bind="query-params",
            format_func=named,
            label_visibility="collapsed",
        )
        if name == ALL:
            everything(here.corpus)
        else:
            one(here.corpus, name)


def named(name: str) -> str:
    return "UMAP" if name == "umap" else name.capitalize()


def one(corpus: Corpus, name: str) -> None:
    """Draw a study: its question, the button, its runs."""
    module = study(name)
    found = {run.id: run for run in runs(corpus, name)}
    labels = {run.id: label(run) for run in found.values()}
    prefer_newest(corpus, name, next(iter(found), None))
    st.markdown(f"**{module.TITLE}.** {module.QUESTION}")
    busy = watch(corpus, name)
    with st.container(horizontal=True):
        if found:
            shown = st.selectbox(
                "Run",
                list(labels),
                format_func=labels.get,
                key=f"run-{name}",
                width=420,
                label_visibility="collapsed",
            )
        if not busy:
            begin(corpus, name, "Run it again" if found else "Run it")
    if not found:
        st.info("It has not been run on this corpus yet.", icon=":material/science:")
        return
    study_view.read(corpus, found[shown])
    if len(found) > 1:
        study_comparison.compare(list(found.values()), labels)


def prefer_newest(corpus: Corpus, name: str, newest: str | None) -> None:
    """Show a run that has just ended; what was chosen before gives way once."""
    seen = st.session_state.setdefault("newest-runs", {})
    if seen.get((corpus.name, name), newest) != newest:
        st.session_state[f"run-{name}"] = newest
    seen[corpus.name, name] = newest


def label(run: StudyRun) -> str:
    """A run by its number, its time, and the alignment that it was about."""
    about = run.facts["settings"].get("alignment")
    of = f" · alignment {about['id'].partition('-')[0].lstrip('0')}" if about else ""
    return f"{run.id} · {run.created[:16].replace('T', ' ')}{of}"


def watch(corpus: Corpus, name: str) -> bool:
    """Draw the study's job unless it has ended well; return whether it still runs."""
    running = job_panel.latest("study", name, corpus.name)
    if running is not None and running.state != "done":
        job_panel.panel(running)
    return running is not None and running.active


def begin(corpus: Corpus, name: str, word: str) -> None:
    """Draw the button that starts a study, and its settings."""
    if workspace.read_only():
        return
    pressed = st.button(word, type="primary", icon=":material/play_arrow:", key=f"start-{name}")
    options = study_settings.options(corpus, name)
    if pressed:
        jobs.start(["study", name, corpus.name, *options], f"Study {name} of {corpus.name}")
        st.rerun()


def everything(corpus: Corpus) -> None:
    """Draw the button for all studies, where each stands, and the reports."""
    st.markdown(
        "**Every study, and one report.** A page with tables, figures and short clips that needs"
        " nothing else, to keep or to send; the tables also as CSV and Markdown."
    )
    if not watch(corpus, ALL):
        with st.container(horizontal=True):
            begin(corpus, ALL, "Run all")
    newest = {name: next(iter(runs(corpus, name)), None) for name in STUDIES}
    rows = [
        {
            "Study": named(name),
            "Beside the paper": verdicts(run.compared()) if run else "not run yet",
            "Newest run": label(run) if run else "",
        }
        for name, run in newest.items()
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True)
    there = reports(corpus)
    if not there:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        report = st.selectbox(
            "Report", there, format_func=lambda each: f"{each.id} · {each.created[:16]}", width=420
        )
        page = report.path / "report.html"
        size = formatting.size(page.stat().st_size)
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
            report.archive,
            f"{corpus.name}-{report.id}.zip",
            "application/zip",
            icon=":material/folder_zip:",
            on_click="ignore",
        )


layout.show(page)
