"""Jobs on a page: progress, errors, log, and buttons that start, cancel and resume one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Literal

import streamlit as st

from core import jobs, workspace
from core.errors import EarshotError
from core.jobs import Job, JobProgress
from core.pipeline.duration_history import Work, estimate_duration_range
from pages.components import markdown_and_errors, session_keys

BadgeColour = Literal["red", "orange", "blue", "green", "gray"]
REFRESH_INTERVAL_S = 1.0
# State: label and colour of the badge.
STATE_BADGES: dict[str, tuple[str, BadgeColour]] = {
    "queued": ("Queued", "gray"),
    "running": ("Running", "blue"),
    "done": ("Done", "green"),
    "failed": ("Failed", "red"),
    "cancelled": ("Cancelled", "orange"),
}
# Commands that save their best result so far when they are asked to stop.
STOP_BUTTON_LABELS = {"train": "Stop and keep best epoch"}
GRACEFUL_STOP_S = 60.0  # Time for such a command to save its result.


def find_latest_job_of_command(*argv: str) -> Job | None:
    """Return the newest job whose command begins with `argv`."""
    return next((job for job in jobs.list_jobs() if job.argv[: len(argv)] == argv), None)


def start_background_job(argv: Sequence[str], title: str) -> None:
    """Start a command as a background job, and show the error if it cannot start; for callbacks."""
    with markdown_and_errors.catch_and_show_errors():
        jobs.start_job(list(argv), title)


def estimate_and_format_work_duration(work: Work, estimated_seconds: float) -> str:
    """Return how long work will take, as a range in words, learned from this machine's own runs.

    Parameters
    ----------
    work, estimated_seconds
        As for `core.pipeline.duration_history.estimate_duration_range`.
    """
    duration = estimate_duration_range(work, estimated_seconds)
    return markdown_and_errors.format_duration_range(duration.low, duration.high)


def draw_job_start_button(
    label: str, argv: Sequence[str], title: str, *, icon: str, is_primary: bool = False
) -> None:
    """Draw a button that starts a command as a background job."""
    st.button(
        label,
        type="primary" if is_primary else "secondary",
        icon=icon,
        on_click=start_background_job,
        args=(argv, title),
    )


def draw_latest_job_unless_done(
    *argv: str, draw_details: Callable[[Job], None] | None = None
) -> Job | None:
    """Draw the newest job of a command, unless it is done or never existed.

    Parameters
    ----------
    argv : str
        Beginning of the command.
    draw_details : callable, optional
        As for `draw_job_panel`.

    Returns
    -------
    Job or None
        The job that was drawn.
    """
    job = find_latest_job_of_command(*argv)
    if job is None or job.state == "done":
        return None
    draw_job_panel(job, draw_details)
    return job


def draw_job_panel(job: Job, draw_details: Callable[[Job], None] | None = None) -> None:
    """Draw a job; while it is active, draw it again every second.

    When it ends, the whole page is drawn again.

    Parameters
    ----------
    job : Job
    draw_details : callable, optional
        Draws more about a job of this command.
    """
    if not job.is_active:
        _draw_job(job, draw_details)
        return

    @st.fragment(run_every=REFRESH_INTERVAL_S)
    def draw_live_job() -> None:
        try:
            current_job = jobs.get_job(job.id)
        except EarshotError:  # It ended and was removed in another tab.
            st.rerun()
        if not current_job.is_active:
            st.rerun()
        _draw_job(current_job, draw_details)

    draw_live_job()


def _draw_job(job: Job, draw_details: Callable[[Job], None] | None) -> None:
    label, colour = STATE_BADGES[job.state]
    with st.container(border=True, key=f"job-{job.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(
                f"**{markdown_and_errors.escape_markdown(job.title)}**",
                width="stretch",
            )
            st.badge(describe_job_queue_position(job) or label, color=colour)
        if job.is_active:
            _draw_job_progress_bar(job)
        if job.error:
            markdown_and_errors.show_error(job.error)
        draw_alignment_of_cancelled_training(job)
        if draw_details is not None:
            draw_details(job)
        with st.container(horizontal=True, vertical_alignment="center"):
            if not workspace.is_workspace_read_only():
                _draw_job_controls(job)
            draw_job_log(job)


def _draw_job_controls(job: Job) -> None:
    if job.is_active:
        _draw_job_cancel_controls(job)
    elif job.state in ("failed", "cancelled"):
        draw_job_resume_button(job)


def draw_job_resume_button(job: Job) -> None:
    """Draw the button that starts an ended job's command again."""
    st.button(
        "Resume",
        key=f"resume-{job.id}",
        icon=":material/play_arrow:",
        on_click=_resume_job,
        args=(job,),
        help=f"Finished work is kept. {markdown_and_errors.escape_markdown(job.shell_command)}",
    )


def draw_alignment_of_cancelled_training(job: Job) -> None:
    """Draw the alignment that a cancelled training has saved."""
    if job.state == "cancelled" and "saved as" in job.progress.note:
        note = markdown_and_errors.escape_markdown(job.progress.note)
        st.caption(f":material/save: {note[:1].upper()}{note[1:]}.")


def draw_job_log(job: Job) -> None:
    """Draw the end of a job's log in an expander; nothing for visitors of a read-only dashboard.

    A log names files of the owner's machine, and the owner's programs.
    """
    if workspace.is_workspace_read_only():
        return
    with st.expander("Log", key=f"log-{job.id}", type="compact"):
        st.code(job.read_log_tail(60).strip() or "The log is empty.", language=None, height=180)


def _draw_job_cancel_controls(job: Job) -> None:
    """Draw the button that stops a job; it asks first unless the command saves its result."""
    stop_label = STOP_BUTTON_LABELS.get(job.argv[0]) if job.state == "running" else None
    is_confirming = session_keys.IS_CONFIRMING_CANCEL.derive_scoped_key(job.id).get_value()
    if stop_label or job.is_cancel_requested or not is_confirming:
        st.button(
            stop_label or "Cancel",
            key=f"cancel-{job.id}",
            icon=":material/stop_circle:",
            on_click=_cancel_job_in_thread if stop_label else _set_cancel_confirmation,
            args=(job,),
            disabled=job.is_cancel_requested,
            help="Finished work is kept.",
        )
        return
    st.markdown("Stop this job? Finished work is kept; start the job again to continue.")
    st.button(
        "Stop job",
        key=f"stop-{job.id}",
        icon=":material/stop_circle:",
        on_click=_cancel_job_in_thread,
        args=(job,),
        type="primary",
    )
    st.button(
        "Keep running",
        key=f"keep-{job.id}",
        on_click=_set_cancel_confirmation,
        args=(job, False),
    )


def _set_cancel_confirmation(job: Job, is_confirming: bool = True) -> None:
    session_keys.IS_CONFIRMING_CANCEL.derive_scoped_key(job.id).set_value(is_confirming)


def describe_job_queue_position(job: Job) -> str:
    """Return "Next in the queue" or "Number 2 in the queue"; "" if the job is not queued."""
    if job.queue_position is None:
        return ""
    if job.queue_position == 1:
        return "Next in the queue"
    return f"Number {job.queue_position} in the queue"


def _cancel_job_in_thread(job: Job) -> None:
    """Cancel a job in a thread, so that the page need not wait for the job's current item."""
    _set_cancel_confirmation(job, False)
    options = {"request_grace_s": GRACEFUL_STOP_S} if job.argv[0] in STOP_BUTTON_LABELS else {}
    threading.Thread(
        target=job.cancel, kwargs=options, name=f"cancel {job.id}", daemon=True
    ).start()


def _resume_job(job: Job) -> None:
    with markdown_and_errors.catch_and_show_errors():
        jobs.restart_job(job.id)


def _draw_job_progress_bar(job: Job) -> None:
    progress = job.progress
    note = markdown_and_errors.escape_markdown(progress.note)
    if job.state == "queued":
        st.progress(0.0, text=note or "Starts when the jobs before it have ended.")
        return
    st.progress(progress.finished_fraction, text=_describe_job_progress(job))
    finished_steps = " ".join(
        f":material/check: {markdown_and_errors.escape_markdown(step.step)}"
        for step in progress.steps
        if step.total and step.done >= step.total and step.step != progress.step
    )
    cluster_status = _describe_cluster(progress)
    # Progress without a note of its own has the status as its note, for terminals.
    parts = (finished_steps, "" if progress.note == str(progress.cluster) else note, cluster_status)
    if any(parts):
        st.caption(" · ".join(part for part in parts if part))


def _describe_cluster(progress: JobProgress) -> str:
    """Return the cores, nodes, speed and latest failure of a job on a cluster; "" without one."""
    cluster = progress.cluster
    if cluster is None:
        return ""
    parts = [f":material/lan: {cluster}"]
    if progress.rate:
        parts.append(f"{progress.rate:.3g} per second")
    if cluster.last_failure:
        failure = markdown_and_errors.escape_markdown(cluster.last_failure)
        parts.append(f"last failure: {failure}")
    return " · ".join(parts)


def _describe_job_progress(job: Job) -> str:
    """Return the current step, its finished items, and the remaining time if it is known."""
    progress = job.progress
    text = markdown_and_errors.escape_markdown(progress.step) or "Starting …"
    if progress.total:
        text += f": {progress.done:,} of {progress.total:,}"
    if job.is_cancel_requested:
        return f"{text} · stopping after this item"
    if progress.is_stalled:
        return f"{text} · no progress for {markdown_and_errors.format_duration(progress.idle_s)}"
    if progress.total and progress.done >= progress.total:
        return f"{text} · preparing the next step"
    if progress.remaining_range_s:
        remaining_text = markdown_and_errors.format_duration_range(*progress.remaining_range_s)
        return f"{text} · {remaining_text} left"
    if progress.remaining_s:  # A job of an older version.
        return f"{text} · {markdown_and_errors.format_duration(progress.remaining_s)} left"
    return text


@st.fragment(run_every=2.0)
def draw_active_jobs() -> None:
    """Draw the active jobs in a few lines; when the last one ends, draw the page again."""
    active_jobs = [job for job in jobs.list_jobs() if job.is_active]
    if not active_jobs:
        st.rerun()
    for job in reversed(active_jobs):
        status = describe_job_queue_position(job) or STATE_BADGES[job.state][0].lower()
        st.progress(
            job.progress.finished_fraction,
            text=f"{markdown_and_errors.escape_markdown(job.title)} · {status}",
        )
    st.page_link("pages/jobs/page.py", label="All jobs", icon=":material/list:")
