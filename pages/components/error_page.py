"""What a page shows when Earshot itself is at fault: never a traceback."""

from __future__ import annotations

import logging

import streamlit as st

from core.errors import EarshotError
from pages.components import formatting


def show_unexpected_error(error: Exception) -> bool:
    """Draw an error that no page caught; return whether that was done.

    A traceback goes to the terminal, where `./run` was started.
    """
    if isinstance(error, EarshotError):
        formatting.show_error(error)
        return True
    logging.getLogger("earshot").error("a page failed", exc_info=error)
    st.error(
        "Something went wrong in Earshot itself. What you made is safe on disk.\n\n"
        "Load the page again. If it happens again, what the terminal says that runs ./run"
        " belongs into a report.",
        icon=":material/error:",
    )
    return True
