"""What is around every page: logo, style, what runs, and the rule of one sound at a time."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core import jobs
from pages.parts import warm
from pages.parts.job import running_list

HERE = Path(__file__).parent
ICON = str(HERE / "logo.svg")
# Pages that show their jobs themselves, larger.
SHOW_JOBS = ("Home", "Train")

_sound = st.components.v2.component(
    "earshot_sound", js=(HERE / "sound.js").read_text(encoding="utf-8")
)


def begin() -> None:
    """Draw what stands above the page."""
    st.logo(ICON, size="large")
    st.html(HERE / "style.css")


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
        with st.container(key="sound"):
            _sound(key="sound_rules")
    warm.begin()
