"""Parts around every page: logo, notices, active jobs and the scripts that pages share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from core import jobs, workspace
from core.sonicpi.sandbox import check_sandbox, is_sandbox_disabled
from pages.components import (
    audio_player,
    corpus_and_alignment_picker,
    job_panel,
    markdown_and_errors,
    search_prefetch,
)

LOGO_PATH = str(Path(__file__).parent / "logo.svg")
# These pages draw the active jobs themselves.
PAGES_SHOWING_JOBS = ("Home", "Train", "Jobs")
# theme_choice.js reads and sets it in the browser: a choice needs no run of the page.
THEME_SELECT_HTML = """<label class="theme-choice">Theme <select data-theme-choice>
<option value="system">System</option>
<option value="light">Light</option>
<option value="dark">Dark</option>
</select></label>"""


def draw_page_header() -> None:
    """Draw the logo and the notices above a page."""
    st.logo(LOGO_PATH, size="large")
    if workspace.is_workspace_read_only():
        st.caption(":material/visibility: **Read-only:** nothing can be changed here.")
    _warn_if_sandbox_is_missing()


def _warn_if_sandbox_is_missing() -> None:
    """Warn on every page if programs would run without a sandbox, or not at all."""
    is_available, reason = check_sandbox()
    if is_available:
        return
    if is_sandbox_disabled():
        st.warning(
            "Programs run without a sandbox: render only programs that you trust."
            f" {markdown_and_errors.escape_markdown(reason)}",
            icon=":material/lock_open:",
        )
    else:
        st.error(
            f"Programs are not rendered. {markdown_and_errors.escape_markdown(reason)}",
            icon=":material/lock:",
        )


def run_page(draw_page: Callable[[], None]) -> None:
    """Run a page; the last line of each `pages/NAME/page.py`."""
    corpus_and_alignment_picker.record_and_check_page_visit(
        Path(draw_page.__code__.co_filename).parent.name
    )
    draw_page()


def draw_sidebar_footer(page_title: str) -> None:
    """Draw the end of the sidebar, below the widgets of the page.

    Parameters
    ----------
    page_title : str
        Title of the page in the navigation.
    """
    with st.sidebar:
        if page_title not in PAGES_SHOWING_JOBS and any(job.is_active for job in jobs.list_jobs()):
            job_panel.draw_active_jobs()
        st.html(THEME_SELECT_HTML)
        audio_player.add_audio_player_script_to_page()
        corpus_and_alignment_picker.make_browser_back_undo_choices()
    search_prefetch.start_search_prefetch()
