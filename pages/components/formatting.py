"""Messages on a page: text from elsewhere stays text, and errors say what to do."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import Iterator

import streamlit as st

from core.errors import EarshotError

LONGEST = 600
_MARKUP = re.compile(r"([!-/:-@\[-`{-~])")


def plain(text: str, longest: int | None = LONGEST) -> str:
    """Return `text` so that Markdown shows it as it is, on one line; None: however long it is.

    Error messages quote programs, file names and addresses, none of which may
    turn into links, headings or formulae.
    """
    text = " ".join(str(text).split())
    if longest is not None and len(text) > longest:
        text = f"{text[:longest]} …"
    return _MARKUP.sub(r"\\\1", text)


def show_error(error: EarshotError) -> None:
    """Draw what happened, where, and what to do about it."""
    where = f"{plain(error.where)}: " if error.where else ""
    remedy = f"\n\n{plain(error.remedy)}" if error.remedy else ""
    st.error(f"{where}{plain(error.message)}{remedy}", icon=":material/error:")


@contextmanager
def errors() -> Iterator[None]:
    """Show an EarshotError of the block instead of raising it."""
    try:
        yield
    except EarshotError as error:
        show_error(error)


def duration(seconds: float | None) -> str:
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


def size(bytes_: float) -> str:
    """Return a number of bytes in words: "140 MB", "1.2 GB"."""
    return f"{bytes_ / 1e9:.1f} GB" if bytes_ >= 1e9 else f"{max(1, round(bytes_ / 1e6))} MB"


def count(number: int, one: str, many: str | None = None) -> str:
    """Return "1 program", "216 programs"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
