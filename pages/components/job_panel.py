"""A job on a page: how far it is, what went wrong, and how to end it."""

from __future__ import annotations

import threading
from typing import Callable

import streamlit as st

from core import jobs, workspace
from core.jobs import Job
from pages.components import formatting

EVERY_S = 1.0
STATES = {
    "queued": ("Waiting for its turn", "gray"),
    "running": ("Running", "blue"),
    "done": ("Done", "green"),
    "failed": ("Failed", "red"),
    "cancelled": ("Cancelled", "orange"),
}

# What ends a job whose work so far is worth keeping, and the seconds that it gets for that.
STOP = {"train": "Stop and keep the best"}
KEEPING_S = 60.0


def latest(*argv: str) -> Job | None:
    """The newest job whose command begins with `argv`."""
    return next((job for job in jobs.jobs() if job.argv[: len(argv)] == argv), None)


def panel(job: Job, more: Callable[[Job], None] | None = None) -> None:
    """Draw a job; while it is active, draw it again every second.

    When it ends, the whole page is drawn again, so that it can lead on.

    Parameters
    ----------
    job : Job
    more : callable, optional
        Draws what this kind of job has to show besides.
    """
    if not job.active:
        _draw(job, more)
        return

    @st.fragment(run_every=EVERY_S)
    def live() -> None:
        now = jobs.job(job.id)
        if not now.active:
            st.rerun()
        _draw(now, more)

    live()


def _draw(job: Job, more: Callable[[Job], None] | None) -> None:
    word, colour = STATES[job.state]
    with st.container(border=True, key=f"job-{job.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{formatting.plain(job.title)}**", width="stretch")
            st.badge(place(job) or word, color=colour)
        if job.active:
            _progress(job)
        if job.error:
            formatting.show_error(job.error)
        if more is not None:
            more(job)
        with st.container(horizontal=True, vertical_alignment="center"):
            if workspace.read_only():
                pass
            elif job.active:
                _ending(job)
            elif job.state in ("failed", "cancelled"):
                st.button(
                    "Go on",
                    key=f"again-{job.id}",
                    icon=":material/play_arrow:",
                    on_click=go_on,
                    args=(job,),
                    help=f"What is finished is kept. {formatting.plain(job.command)}",
                )
            with st.expander("Log", key=f"log-{job.id}", type="compact"):
                st.code(job.log_tail(60).strip() or "Nothing yet.", language=None, height=180)


def _ending(job: Job) -> None:
    """Draw the way to end a job; what is not kept is asked about first."""
    asking = f"asking-{job.id}"
    word = STOP.get(job.argv[0]) if job.state == "running" else None
    if word or job.cancel_asked or not st.session_state.get(asking):
        st.button(
            word or "Cancel",
            key=f"cancel-{job.id}",
            icon=":material/stop_circle:",
            on_click=cancel if word else _ask,
            args=(job,),
            disabled=job.cancel_asked,
            help="What is finished is kept.",
        )
        return
    st.markdown("End it? What is finished is kept, the rest goes on when you start it again.")
    st.button(
        "End it",
        key=f"end-{job.id}",
        icon=":material/stop_circle:",
        on_click=cancel,
        args=(job,),
        type="primary",
    )
    st.button("Let it run", key=f"let-{job.id}", on_click=_ask, args=(job, False))


def _ask(job: Job, ask: bool = True) -> None:
    st.session_state[f"asking-{job.id}"] = ask


def place(job: Job) -> str:
    """Where a job that waits stands: "Next in the queue", "Place 2 in the queue"; else ""."""
    if job.place is None:
        return ""
    return "Next in the queue" if job.place == 1 else f"Place {job.place} in the queue"


def cancel(job: Job) -> None:
    """End a job without keeping the page waiting: it may have a unit to finish."""
    _ask(job, False)
    asked_s = {"asked_s": KEEPING_S} if job.argv[0] in STOP else {}
    threading.Thread(
        target=job.cancel, kwargs=asked_s, name=f"cancel {job.id}", daemon=True
    ).start()


def go_on(job: Job) -> None:
    """Start an ended job's command once more."""
    with formatting.errors():
        jobs.again(job.id)


def _progress(job: Job) -> None:
    now = job.progress
    if job.state == "queued":
        st.progress(
            0.0, text=formatting.plain(now.note) or "It begins when those before it have ended."
        )
        return
    st.progress(now.fraction, text=_how_far(job))
    through = [step.step for step in now.steps if step.total and step.done >= step.total]
    done = "".join(
        f":material/check: {formatting.plain(step)} " for step in through if step != now.step
    )
    note = formatting.plain(now.note)
    if done or note:
        st.caption(" · ".join(part for part in (done.strip(), note) if part))


def _how_far(job: Job) -> str:
    """Step, finished units, and what is known of the time that it will still take."""
    now = job.progress
    text = formatting.plain(now.step) or "Starting …"
    if now.total:
        text += f": {now.done:,} of {now.total:,}"
    if job.cancel_asked:
        return f"{text} · ending after this one"
    if now.stalled:
        return f"{text} · nothing finished for {formatting.duration(now.idle_s)}"
    if now.total and now.done >= now.total:
        return f"{text} · what comes next is being prepared"
    if now.remaining_s:
        return f"{text} · {formatting.duration(now.remaining_s)} left"
    return text


@st.fragment(run_every=2.0)
def running_list() -> None:
    """Draw what runs, in few lines; nothing runs: draw the page again, which may go on now."""
    active = [job for job in jobs.jobs() if job.active]
    if not active:
        st.rerun()
    for job in reversed(active):
        now = job.progress
        state = place(job) or STATES[job.state][0].lower()
        st.progress(now.fraction, text=f"{formatting.plain(job.title)} · {state}")
    st.page_link("pages/jobs/page.py", label="All jobs", icon=":material/list:")
