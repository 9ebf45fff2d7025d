"""A job on a page: how far it is, what went wrong, and how to end it."""

from __future__ import annotations

import threading
from typing import Callable

import streamlit as st

from core import jobs, workspace
from core.jobs import Job
from pages.components import formatting

REFRESH_INTERVAL_S = 1.0
STATE_BADGES = {
    "queued": ("Waiting for its turn", "gray"),
    "running": ("Running", "blue"),
    "done": ("Done", "green"),
    "failed": ("Failed", "red"),
    "cancelled": ("Cancelled", "orange"),
}

# What ends a job whose work so far is worth keeping, and the seconds that it gets for that.
STOP_BUTTON_LABELS = {"train": "Stop and keep the best"}
GRACEFUL_STOP_S = 60.0


def find_latest_job(*argv: str) -> Job | None:
    """The newest job whose command begins with `argv`."""
    return next((job for job in jobs.list_jobs() if job.argv[: len(argv)] == argv), None)


def draw_job_panel(job: Job, draw_details: Callable[[Job], None] | None = None) -> None:
    """Draw a job; while it is active, draw it again every second.

    When it ends, the whole page is drawn again, so that it can lead on.

    Parameters
    ----------
    job : Job
    draw_details : callable, optional
        Draws what this kind of job has to show besides.
    """
    if not job.is_active:
        _draw_job(job, draw_details)
        return

    @st.fragment(run_every=REFRESH_INTERVAL_S)
    def draw_live_job() -> None:
        now = jobs.get_job(job.id)
        if not now.is_active:
            st.rerun()
        _draw_job(now, draw_details)

    draw_live_job()


def _draw_job(job: Job, draw_details: Callable[[Job], None] | None) -> None:
    word, colour = STATE_BADGES[job.state]
    with st.container(border=True, key=f"job-{job.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{formatting.escape_markdown(job.title)}**", width="stretch")
            st.badge(describe_queue_position(job) or word, color=colour)
        if job.is_active:
            _draw_progress_bar(job)
        if job.error:
            formatting.show_error(job.error)
        if draw_details is not None:
            draw_details(job)
        with st.container(horizontal=True, vertical_alignment="center"):
            if workspace.is_read_only():
                pass
            elif job.is_active:
                _draw_cancel_controls(job)
            elif job.state in ("failed", "cancelled"):
                st.button(
                    "Go on",
                    key=f"again-{job.id}",
                    icon=":material/play_arrow:",
                    on_click=resume_job,
                    args=(job,),
                    help=f"What is finished is kept. {formatting.escape_markdown(job.shell_command)}",
                )
            with st.expander("Log", key=f"log-{job.id}", type="compact"):
                st.code(job.read_log_tail(60).strip() or "Nothing yet.", language=None, height=180)


def _draw_cancel_controls(job: Job) -> None:
    """Draw the way to end a job; what is not kept is asked about first."""
    asking = f"asking-{job.id}"
    word = STOP_BUTTON_LABELS.get(job.argv[0]) if job.state == "running" else None
    if word or job.is_cancel_requested or not st.session_state.get(asking):
        st.button(
            word or "Cancel",
            key=f"cancel-{job.id}",
            icon=":material/stop_circle:",
            on_click=cancel_job if word else _set_cancel_confirmation,
            args=(job,),
            disabled=job.is_cancel_requested,
            help="What is finished is kept.",
        )
        return
    st.markdown("End it? What is finished is kept, the rest goes on when you start it again.")
    st.button(
        "End it",
        key=f"end-{job.id}",
        icon=":material/stop_circle:",
        on_click=cancel_job,
        args=(job,),
        type="primary",
    )
    st.button("Let it run", key=f"let-{job.id}", on_click=_set_cancel_confirmation, args=(job, False))


def _set_cancel_confirmation(job: Job, is_confirming: bool = True) -> None:
    st.session_state[f"asking-{job.id}"] = is_confirming


def describe_queue_position(job: Job) -> str:
    """Where a job that waits stands: "Next in the queue", "Place 2 in the queue"; else ""."""
    if job.queue_position is None:
        return ""
    return "Next in the queue" if job.queue_position == 1 else f"Place {job.queue_position} in the queue"


def cancel_job(job: Job) -> None:
    """End a job without keeping the page waiting: it may have a unit to finish."""
    _set_cancel_confirmation(job, False)
    asked_s = {"asked_s": GRACEFUL_STOP_S} if job.argv[0] in STOP_BUTTON_LABELS else {}
    threading.Thread(
        target=job.cancel, kwargs=asked_s, name=f"cancel {job.id}", daemon=True
    ).start()


def resume_job(job: Job) -> None:
    """Start an ended job's command once more."""
    with formatting.catch_and_show_errors():
        jobs.restart_job(job.id)


def _draw_progress_bar(job: Job) -> None:
    now = job.progress
    if job.state == "queued":
        st.progress(
            0.0, text=formatting.escape_markdown(now.note) or "It begins when those before it have ended."
        )
        return
    st.progress(now.fraction, text=_describe_progress(job))
    through = [step.step for step in now.steps if step.total and step.done >= step.total]
    done = "".join(
        f":material/check: {formatting.escape_markdown(step)} " for step in through if step != now.step
    )
    note = formatting.escape_markdown(now.note)
    if done or note:
        st.caption(" · ".join(part for part in (done.strip(), note) if part))


def _describe_progress(job: Job) -> str:
    """Step, finished units, and what is known of the time that it will still take."""
    now = job.progress
    text = formatting.escape_markdown(now.step) or "Starting …"
    if now.total:
        text += f": {now.done:,} of {now.total:,}"
    if job.is_cancel_requested:
        return f"{text} · ending after this one"
    if now.is_stalled:
        return f"{text} · nothing finished for {formatting.format_duration(now.idle_s)}"
    if now.total and now.done >= now.total:
        return f"{text} · what comes next is being prepared"
    if now.remaining_s:
        return f"{text} · {formatting.format_duration(now.remaining_s)} left"
    return text


@st.fragment(run_every=2.0)
def draw_active_jobs() -> None:
    """Draw what runs, in few lines; nothing runs: draw the page again, which may go on now."""
    active = [job for job in jobs.list_jobs() if job.is_active]
    if not active:
        st.rerun()
    for job in reversed(active):
        now = job.progress
        state = describe_queue_position(job) or STATE_BADGES[job.state][0].lower()
        st.progress(now.fraction, text=f"{formatting.escape_markdown(job.title)} · {state}")
    st.page_link("pages/jobs/page.py", label="All jobs", icon=":material/list:")
