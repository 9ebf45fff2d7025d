"""Jobs: what runs, what waits, what has ended and why, and how to go on."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core import jobs, workspace
from core.corpus import list_corpora
from core.jobs import Job
from core.jobs.worker import find_terminal_command
from pages.components import layout, job_panel, selection, formatting

MAX_ENDED_JOBS = 10
# Where what a command made is looked at; any other leads to Home, which shows the corpora.
RESULT_PAGES = {
    "train": ("pages/train/page.py", "See the alignment"),
    "map": ("pages/map/page.py", "See the map"),
    "build": ("pages/map/page.py", "See the corpus"),
    "embed": ("pages/train/page.py", "Train on it"),
}


def draw_page() -> None:
    st.title("Jobs")
    st.caption(
        "Long work runs in processes of its own, one at a time: this page, its tab and the"
        " dashboard may be closed meanwhile. `./run jobs` shows the same in a terminal."
    )
    with formatting.catch_and_show_errors():
        known = jobs.list_jobs()
        active = [each for each in reversed(known) if each.is_active]
        draw_terminal_notice()
        for each in active:
            job_panel.draw_job_panel(each)
        if not active:
            st.info("Nothing runs, and nothing waits.", icon=":material/check_circle:")
        ended = [each for each in known if not each.is_active]
        if ended:
            draw_ended_jobs(ended)


def draw_terminal_notice() -> None:
    """Say what has the turn without being a job."""
    other = find_terminal_command()
    if other is not None:
        st.info(
            f"In a terminal runs {formatting.escape_markdown(other[1])} (process {other[0]}). What waits begins"
            " after it.",
            icon=":material/terminal:",
        )


def draw_ended_jobs(ended_jobs: list[Job]) -> None:
    """Draw the jobs that have ended, the newest first."""
    st.subheader("Ended")
    everything = len(ended_jobs) > MAX_ENDED_JOBS and st.toggle(f"Show all {len(ended_jobs)}", key="all-jobs")
    for each in ended_jobs if everything else ended_jobs[:MAX_ENDED_JOBS]:
        draw_ended_job(each)
    if workspace.is_read_only():
        return
    st.button(
        "Remove all that have ended",
        type="tertiary",
        icon=":material/delete_sweep:",
        on_click=remove_jobs,
        args=ended_jobs,
        help="Forgets them and their logs. What they made stays.",
    )


def draw_ended_job(ended_job: Job) -> None:
    """Draw one ended job: what, how it ended, why, and what can be done about it."""
    word, colour = job_panel.STATE_BADGES[ended_job.state]
    with st.container(border=True, key=f"ended-{ended_job.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{formatting.escape_markdown(ended_job.title)}**", width="stretch")
            st.caption(" · ".join(filter(None, (format_end_time(ended_job), format_job_duration(ended_job)))), width="content")
            st.badge(word, color=colour)
        if ended_job.error:
            formatting.show_error(ended_job.error)
        if ended_job.state != "done":
            st.code(ended_job.shell_command, language="bash", wrap_lines=True)
        with st.container(horizontal=True, vertical_alignment="center"):
            draw_job_actions(ended_job)
            with st.expander("Log", key=f"log-{ended_job.id}", type="compact"):
                st.code(ended_job.read_log_tail(60).strip() or "It said nothing.", language=None, height=180)


def draw_job_actions(ended_job: Job) -> None:
    """Draw the ways on from an ended job."""
    if ended_job.state == "done":
        page_name, label = RESULT_PAGES.get(ended_job.argv[0], ("pages/home/page.py", "See the corpora"))
        corpus = next((word for word in ended_job.argv[1:] if word in list_corpora()), None)
        if corpus and st.button(label, key=f"see-{ended_job.id}", icon=":material/arrow_forward:"):
            selection.open_page_with_corpus(page_name, corpus)
    if workspace.is_read_only():
        return
    if ended_job.state != "done":
        st.button(
            "Go on",
            key=f"again-{ended_job.id}",
            icon=":material/play_arrow:",
            on_click=job_panel.resume_job,
            args=(ended_job,),
            help="What is finished is kept.",
        )
    st.button(
        "Remove",
        key=f"remove-{ended_job.id}",
        icon=":material/delete:",
        on_click=remove_jobs,
        args=(ended_job,),
        help="Forgets the job and its log. What it made stays.",
    )


def remove_jobs(*ended_jobs: Job) -> None:
    for each in ended_jobs:
        with formatting.catch_and_show_errors():
            jobs.remove_job(each.id)


def format_end_time(ended_job: Job) -> str:
    """When it ended, in UTC, which is what a server knows."""
    ended = pd.Timestamp(ended_job.ended or ended_job.created, unit="s", tz="UTC")
    return f"{ended:%Y-%m-%d %H:%M} UTC"


def format_job_duration(ended_job: Job) -> str:
    return f"took {formatting.format_duration(ended_job.elapsed_seconds)}" if ended_job.elapsed_seconds is not None else ""


layout.run_page(draw_page)
