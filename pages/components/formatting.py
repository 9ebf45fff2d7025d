"""Messages on a page: text from elsewhere stays text, and errors say what to do."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import Iterator

import streamlit as st

from core.errors import EarshotError

MAX_TEXT_CHARS = 600
_MARKDOWN_PATTERN = re.compile(r"([!-/:-@\[-`{-~])")


def escape_markdown(text: str, max_chars: int | None = MAX_TEXT_CHARS) -> str:
    """Return `text` so that Markdown shows it as it is, on one line; None: however long it is.

    Error messages quote programs, file names and addresses, none of which may
    turn into links, headings or formulae.
    """
    text = " ".join(str(text).split())
    if max_chars is not None and len(text) > max_chars:
        text = f"{text[:max_chars]} …"
    return _MARKDOWN_PATTERN.sub(r"\\\1", text)


def show_error(error: EarshotError) -> None:
    """Draw what happened, where, and what to do about it."""
    where = f"{escape_markdown(error.where)}: " if error.where else ""
    remedy = f"\n\n{escape_markdown(error.remedy)}" if error.remedy else ""
    st.error(f"{where}{escape_markdown(error.message)}{remedy}", icon=":material/error:")


@contextmanager
def catch_and_show_errors() -> Iterator[None]:
    """Show an EarshotError of the block instead of raising it."""
    try:
        yield
    except EarshotError as error:
        show_error(error)


def format_duration(seconds: float | None) -> str:
    """Return seconds in words: "about 20 s", "about 3 min"."""
    if seconds is None:
        return ""
    if seconds < 10:
        return "a few seconds"
    if seconds < 90:
        return f"about {round(seconds / 10) * 10:.0f} s"
    if seconds < 5400:
        return f"about {round(seconds / 60):.0f} min"
    return f"about {seconds / 3600:.1f} h"


def format_bytes(byte_count: float) -> str:
    """Return a number of bytes in words: "140 MB", "1.2 GB"."""
    return f"{byte_count / 1e9:.1f} GB" if byte_count >= 1e9 else f"{max(1, round(byte_count / 1e6))} MB"


def format_count(number: int, singular: str, plural: str | None = None) -> str:
    """Return "1 program", "216 programs"."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"
