"""What is around every page: logo, what runs, and the rule of one sound at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from core import jobs, workspace
from core.sonicpi.sandbox import check_sandbox, is_sandbox_disabled
from pages.components import selection, audio_player, formatting, prefetch
from pages.components.job_panel import draw_active_jobs

ASSETS_DIR = Path(__file__).parent
LOGO_PATH = str(ASSETS_DIR / "logo.svg")
# Pages that show their jobs themselves, larger.
PAGES_SHOWING_JOBS = ("Home", "Train", "Jobs")


def draw_page_header() -> None:
    """Draw what stands above the page; its style is there already (styled.py)."""
    st.logo(LOGO_PATH, size="large")
    if workspace.is_read_only():
        st.caption(
            ":material/visibility: **Read-only.** Look and listen; nothing can be changed here."
        )
    _warn_about_sandbox()


def _warn_about_sandbox() -> None:
    """Say on every page when programs would run without their sandbox, or not at all."""
    ok, why = check_sandbox()
    if ok:
        return
    if is_sandbox_disabled():
        st.warning(
            f"Programs run without a sandbox: render only those you trust. {formatting.escape_markdown(why)}",
            icon=":material/lock_open:",
        )
    else:
        st.error(f"Programs are not rendered. {formatting.escape_markdown(why)}", icon=":material/lock:")


def run_page(draw_page: Callable[[], None]) -> None:
    """Run a page inside the frame: the last line of each file in `pages/`.

    A server that has just started takes the files in a folder `pages/` for the
    navigation itself, until `st.navigation` is called. So a tab that is still open
    on an inner page, or a link to one, would get that file without app.py.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()
    selection.record_page_visit(Path(draw_page.__code__.co_filename).stem)
    draw_page()


def draw_sidebar_footer(page_title: str) -> None:
    """Draw what stands beside the page, once the page has said what it needs there.

    Parameters
    ----------
    page_title : str
        The page's.
    """
    with st.sidebar:
        if page_title not in PAGES_SHOWING_JOBS and any(job.is_active for job in jobs.list_jobs()):
            draw_active_jobs()
        audio_player.load_player_script()
        selection.track_url_history()
    prefetch.start_prefetch()
