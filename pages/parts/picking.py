"""The picked program: in the address, so that it can be shared and Back leads back; and in the
session, so that another page and the way from there find it again."""

from __future__ import annotations

import streamlit as st

PICKED = "program"
LAST = "last-page"  # the page whose script ran to its end last; `frame.end` notes it


def program(page: str) -> str | None:
    """The picked program's id, on a page of that title; None while there is none.

    An address without one means none, unless the page was just come to: a page switch
    leaves the address behind.
    """
    if PICKED not in st.query_params and PICKED in st.session_state:
        if st.session_state.get(LAST) == page:
            del st.session_state[PICKED]
        else:
            st.query_params[PICKED] = st.session_state[PICKED]
    found = st.query_params.get(PICKED)
    if found is not None:
        st.session_state[PICKED] = found
    return found


def pick(program_id: str) -> None:
    """Pick a program; for callbacks."""
    st.query_params[PICKED] = st.session_state[PICKED] = program_id


def close() -> None:
    """Pick none; for callbacks."""
    st.query_params.pop(PICKED, None)
    st.session_state.pop(PICKED, None)
