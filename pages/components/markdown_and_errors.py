"""Text of pages: escaped Markdown, error messages, durations, sizes and counts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from core.errors import EarshotError
from core.jobs import JobError
from core.text_formatting import format_bytes, format_duration, format_duration_range, pluralize

__all__ = [
    "catch_and_show_errors",
    "escape_markdown",
    "format_bytes",
    "pluralize",
    "format_duration",
    "format_duration_range",
    "format_playback_time",
    "show_error",
    "show_partial_reading_notice",
    "show_why_snippet_is_silent",
]
MAX_TEXT_CHARS = 600
_MARKDOWN_PATTERN = re.compile(r"([!-/:-@\[-`{-~])")


def escape_markdown(text: object, max_chars: int | None = MAX_TEXT_CHARS) -> str:
    """Return text on one line that Markdown shows as it is.

    Error messages quote programs, file names and URLs. None of these may become a link, a heading
    or a formula.

    Parameters
    ----------
    text : object
        Converted to str.
    max_chars : int, optional
        Longer text is cut; None keeps it whole.
    """
    line = " ".join(str(text).split())
    if max_chars is not None and len(line) > max_chars:
        line = f"{line[:max_chars]} …"
    return _MARKDOWN_PATTERN.sub(r"\\\1", line)


def show_error(error: EarshotError | JobError) -> None:
    """Draw an error: its place, what happened, and the remedy."""
    where = f"{escape_markdown(error.where)}: " if error.where else ""
    remedy = f"\n\n{escape_markdown(error.remedy)}" if error.remedy else ""
    st.error(f"{where}{escape_markdown(error.message)}{remedy}", icon=":material/error:")


def show_why_snippet_is_silent(message: str) -> None:
    """Show why nothing is predicted for a snippet, in place of its neighbours."""
    st.info(escape_markdown(message), icon=":material/volume_off:")


def show_partial_reading_notice(message: str) -> None:
    """Show which part of a snippet was read, above its neighbours; nothing for ""."""
    if message:
        st.warning(escape_markdown(message), icon=":material/warning:")


@contextmanager
def catch_and_show_errors() -> Iterator[None]:
    """Show an EarshotError of the block instead of raising it."""
    try:
        yield
    except EarshotError as error:
        show_error(error)


def format_playback_time(seconds: float) -> str:
    """Format a position in a clip: "0:18"."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
