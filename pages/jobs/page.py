"""Page Jobs: active jobs with their progress, and ended jobs with their results and errors."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core import jobs, workspace
from core.corpus import list_corpora
from core.jobs import Job, find_running_terminal_command
from pages.components import (
    corpus_and_alignment_picker,
    job_panel,
    markdown_and_errors,
    page_header_and_sidebar,
    session_keys,
)

MAX_ENDED_JOBS = 10
# Page and button label for the result of each command.
RESULT_PAGES = {
    "train": ("pages/train/page.py", "Open alignment"),
    "map": ("pages/map/page.py", "Open map"),
    "build": ("pages/map/page.py", "Open corpus"),
    "embed": ("pages/train/page.py", "Train on this corpus"),
}
DEFAULT_RESULT_PAGE = ("pages/home/page.py", "Open corpora")


def draw_page() -> None:
    """Draw the page."""
    st.title("Jobs")
    text = "Long work runs in background processes, one at a time."
    if not workspace.is_workspace_read_only():
        text += " You can close this page and the dashboard. `./run jobs` shows the same list."
    st.caption(text)
    with markdown_and_errors.catch_and_show_errors():
        all_jobs = jobs.list_jobs()
        if not workspace.is_workspace_read_only():  # The command line is the owner's.
            draw_terminal_command_notice()
        active_jobs = [job for job in all_jobs if job.is_active]
        for job in reversed(active_jobs):
            job_panel.draw_job_panel(job)
        if not active_jobs:
            st.info("No jobs are running or queued.", icon=":material/check_circle:")
        ended_jobs = [job for job in all_jobs if not job.is_active]
        if ended_jobs:
            draw_ended_jobs(ended_jobs)


def draw_terminal_command_notice() -> None:
    """Draw that a command in a terminal delays the queued jobs."""
    running_command = find_running_terminal_command()
    if running_command is not None:
        command = markdown_and_errors.escape_markdown(running_command.command)
        st.info(
            f"{command} is running in a terminal (process {running_command.pid})."
            " Queued jobs start after it.",
            icon=":material/terminal:",
        )


def draw_ended_jobs(ended_jobs: list[Job]) -> None:
    """Draw the ended jobs, newest first."""
    st.subheader("Ended")
    shown_jobs = ended_jobs
    if len(ended_jobs) > MAX_ENDED_JOBS and not st.toggle(
        f"Show all {len(ended_jobs)}", key=session_keys.IS_SHOWING_ALL_JOBS.name
    ):
        shown_jobs = ended_jobs[:MAX_ENDED_JOBS]
    for job in shown_jobs:
        draw_ended_job(job)
    if workspace.is_workspace_read_only():
        return
    st.button(
        "Remove all ended jobs",
        type="tertiary",
        icon=":material/delete_sweep:",
        on_click=delete_jobs_with_logs,
        args=ended_jobs,
        help="Deletes the jobs and their logs. Their results stay.",
    )


def draw_ended_job(job: Job) -> None:
    """Draw an ended job: its outcome, error, log and buttons."""
    label, colour = job_panel.STATE_BADGES[job.state]
    with st.container(border=True, key=f"ended-{job.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(
                f"**{markdown_and_errors.escape_markdown(job.title)}**",
                width="stretch",
            )
            times = (format_job_end_time(job), format_job_duration(job))
            st.caption(" · ".join(text for text in times if text), width="content")
            st.badge(label, color=colour)
        if job.error:
            markdown_and_errors.show_error(job.error)
        job_panel.draw_alignment_of_cancelled_training(job)
        if job.state != "done" and not workspace.is_workspace_read_only():
            st.code(job.shell_command, language="bash", wrap_lines=True)
        with st.container(horizontal=True, vertical_alignment="center"):
            draw_ended_job_buttons(job)
            job_panel.draw_job_log(job)


def draw_ended_job_buttons(job: Job) -> None:
    """Draw the buttons of an ended job: open its result, resume it, remove it."""
    if job.state == "done":
        page_path, label = RESULT_PAGES.get(job.argv[0], DEFAULT_RESULT_PAGE)
        corpus_name = next((word for word in job.argv[1:] if word in list_corpora()), None)
        if corpus_name and st.button(
            label, key=f"open-result-{job.id}", icon=":material/arrow_forward:"
        ):
            corpus_and_alignment_picker.open_page_with_corpus(page_path, corpus_name)
    if workspace.is_workspace_read_only():
        return
    if job.state != "done":
        job_panel.draw_job_resume_button(job)
    st.button(
        "Remove",
        key=f"remove-{job.id}",
        icon=":material/delete:",
        on_click=delete_jobs_with_logs,
        args=(job,),
        help="Deletes the job and its log. Its results stay.",
    )


def delete_jobs_with_logs(*ended_jobs: Job) -> None:
    """Delete jobs and their logs; for callbacks."""
    for job in ended_jobs:
        with markdown_and_errors.catch_and_show_errors():
            jobs.remove_job(job.id)


def format_job_end_time(job: Job) -> str:
    """Return when a job ended, in UTC: the server does not know the browser's time zone."""
    ended = pd.Timestamp(job.ended or job.created, unit="s", tz="UTC")
    return f"{ended:%Y-%m-%d %H:%M} UTC"


def format_job_duration(job: Job) -> str:
    """Return how long a job ran; "" if that is unknown."""
    if job.elapsed_seconds is None:
        return ""
    return f"took {markdown_and_errors.format_duration(job.elapsed_seconds)}"


page_header_and_sidebar.run_page(draw_page)
