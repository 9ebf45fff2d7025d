"""Open another page by a button, whatever the address of this page holds."""

from __future__ import annotations

from typing import NoReturn

import streamlit as st

from pages.components import session_keys


def switch_to_page(page_path: str) -> NoReturn:
    """Open another page.

    Parameters
    ----------
    page_path : str
        Such as "pages/listen/page.py".
    """
    corpus_name = session_keys.CORPUS.get_value()
    if corpus_name and not session_keys.CORPUS_OF_OPENED_PAGE.is_set():
        # A switch from a fragment would lose the choice with the address.
        session_keys.CORPUS_OF_OPENED_PAGE.set_value(corpus_name)
    # Without `query_params`, Streamlit refuses to leave a page whose address holds the value of a
    # widget that is bound to it, such as `?corpus=mine` or `?colour=Role`.
    st.switch_page(page_path, query_params={})
