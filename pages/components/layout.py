"""What is around every page: logo, what runs, and the rule of one sound at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from core import jobs, workspace
from core.sonicpi.sandbox import sandbox_state, unsandboxed
from pages.components import selection, audio_player, formatting, prefetch
from pages.components.job_panel import running_list

HERE = Path(__file__).parent
LOGO = str(HERE / "logo.svg")
# Pages that show their jobs themselves, larger.
SHOW_JOBS = ("Home", "Train", "Jobs")


def begin() -> None:
    """Draw what stands above the page; its style is there already (styled.py)."""
    st.logo(LOGO, size="large")
    if workspace.read_only():
        st.caption(
            ":material/visibility: **Read-only.** Look and listen; nothing can be changed here."
        )
    _sandbox()


def _sandbox() -> None:
    """Say on every page when programs would run without their sandbox, or not at all."""
    ok, why = sandbox_state()
    if ok:
        return
    if unsandboxed():
        st.warning(
            f"Programs run without a sandbox: render only those you trust. {formatting.plain(why)}",
            icon=":material/lock_open:",
        )
    else:
        st.error(f"Programs are not rendered. {formatting.plain(why)}", icon=":material/lock:")


def show(page: Callable[[], None]) -> None:
    """Run a page inside the frame: the last line of each file in `pages/`.

    A server that has just started takes the files in a folder `pages/` for the
    navigation itself, until `st.navigation` is called. So a tab that is still open
    on an inner page, or a link to one, would get that file without app.py.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()
    selection.arrive(Path(page.__code__.co_filename).stem)
    page()


def end(title: str) -> None:
    """Draw what stands beside the page, once the page has said what it needs there.

    Parameters
    ----------
    title : str
        The page's.
    """
    with st.sidebar:
        if title not in SHOW_JOBS and any(job.active for job in jobs.jobs()):
            running_list()
        audio_player.rules()
        selection.entries()
    prefetch.begin()
