"""Jobs: what runs, what waits, what has ended and why, and how to go on."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core import jobs, workspace
from core.corpus import list_corpora
from core.jobs import Job
from core.jobs.worker import in_terminal
from pages.components import layout, job_panel, selection, formatting

SHOWN = 10
# Where what a command made is looked at; any other leads to Home, which shows the corpora.
LEADS = {
    "train": ("pages/train/page.py", "See the alignment"),
    "map": ("pages/map/page.py", "See the map"),
    "build": ("pages/map/page.py", "See the corpus"),
    "embed": ("pages/train/page.py", "Train on it"),
}


def page() -> None:
    st.title("Jobs")
    st.caption(
        "Long work runs in processes of its own, one at a time: this page, its tab and the"
        " dashboard may be closed meanwhile. `./run jobs` shows the same in a terminal."
    )
    with formatting.errors():
        known = jobs.jobs()
        active = [each for each in reversed(known) if each.active]
        terminal()
        for each in active:
            job_panel.panel(each)
        if not active:
            st.info("Nothing runs, and nothing waits.", icon=":material/check_circle:")
        ended = [each for each in known if not each.active]
        if ended:
            past(ended)


def terminal() -> None:
    """Say what has the turn without being a job."""
    other = in_terminal()
    if other is not None:
        st.info(
            f"In a terminal runs {formatting.plain(other[1])} (process {other[0]}). What waits begins"
            " after it.",
            icon=":material/terminal:",
        )


def past(ended: list[Job]) -> None:
    """Draw the jobs that have ended, the newest first."""
    st.subheader("Ended")
    everything = len(ended) > SHOWN and st.toggle(f"Show all {len(ended)}", key="all-jobs")
    for each in ended if everything else ended[:SHOWN]:
        row(each)
    if workspace.read_only():
        return
    st.button(
        "Remove all that have ended",
        type="tertiary",
        icon=":material/delete_sweep:",
        on_click=remove,
        args=ended,
        help="Forgets them and their logs. What they made stays.",
    )


def row(each: Job) -> None:
    """Draw one ended job: what, how it ended, why, and what can be done about it."""
    word, colour = job_panel.STATES[each.state]
    with st.container(border=True, key=f"ended-{each.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{formatting.plain(each.title)}**", width="stretch")
            st.caption(" · ".join(filter(None, (when(each), took(each)))), width="content")
            st.badge(word, color=colour)
        if each.error:
            formatting.show_error(each.error)
        if each.state != "done":
            st.code(each.command, language="bash", wrap_lines=True)
        with st.container(horizontal=True, vertical_alignment="center"):
            actions(each)
            with st.expander("Log", key=f"log-{each.id}", type="compact"):
                st.code(each.log_tail(60).strip() or "It said nothing.", language=None, height=180)


def actions(each: Job) -> None:
    """Draw the ways on from an ended job."""
    if each.state == "done":
        page_name, label = LEADS.get(each.argv[0], ("pages/home/page.py", "See the corpora"))
        corpus = next((word for word in each.argv[1:] if word in list_corpora()), None)
        if corpus and st.button(label, key=f"see-{each.id}", icon=":material/arrow_forward:"):
            selection.go(page_name, corpus)
    if workspace.read_only():
        return
    if each.state != "done":
        st.button(
            "Go on",
            key=f"again-{each.id}",
            icon=":material/play_arrow:",
            on_click=job_panel.go_on,
            args=(each,),
            help="What is finished is kept.",
        )
    st.button(
        "Remove",
        key=f"remove-{each.id}",
        icon=":material/delete:",
        on_click=remove,
        args=(each,),
        help="Forgets the job and its log. What it made stays.",
    )


def remove(*ended: Job) -> None:
    for each in ended:
        with formatting.errors():
            jobs.remove(each.id)


def when(each: Job) -> str:
    """When it ended, in UTC, which is what a server knows."""
    ended = pd.Timestamp(each.ended or each.created, unit="s", tz="UTC")
    return f"{ended:%Y-%m-%d %H:%M} UTC"


def took(each: Job) -> str:
    return f"took {formatting.duration(each.seconds)}" if each.seconds is not None else ""


layout.show(page)
