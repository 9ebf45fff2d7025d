"""Message that a page shows instead of a traceback when it fails unexpectedly."""

from __future__ import annotations

import logging

import streamlit as st

from core.errors import EarshotError
from pages.components import markdown_and_errors


def show_unexpected_error(error: Exception) -> bool:
    """Draw an error that no page caught; the traceback goes to the terminal of `./run`.

    Returns
    -------
    bool
        True: Streamlit need not draw the error itself.
    """
    if isinstance(error, EarshotError):
        markdown_and_errors.show_error(error)
        return True
    logging.getLogger("earshot").error("a page failed", exc_info=error)
    st.error(
        "Something went wrong in Earshot. Your work is saved.\n\n"
        "Reload the page. If it happens again, report the terminal output of ./run.",
        icon=":material/error:",
    )
    return True
