"""Controls that both forms of the page Generate share: the corpus and the number of programs."""

from __future__ import annotations

import streamlit as st

from pages.components.session_keys import SessionKey


def draw_corpus_and_program_count_controls(
    corpus_names: list[str], corpus_key: SessionKey[str | None], count_key: SessionKey[int]
) -> tuple[str | None, int]:
    """Draw the choice of a corpus and a number of programs; return both.

    Parameters
    ----------
    corpus_names : list of str
        Names of the corpora to choose from.
    corpus_key, count_key : SessionKey
        Entries of the session that hold the values.

    Returns
    -------
    corpus_name : str or None
        Name of an existing or a new corpus; None before one is chosen.
    program_count : int
        At least 1.
    """
    corpus_name = st.selectbox(
        "Corpus",
        corpus_names,
        key=corpus_key.name,
        index=0 if corpus_names else None,
        accept_new_options=True,
        placeholder="A new name",
        persist_state="session",
        help="Choose one to add to, or type a new name.",
    )
    program_count = st.number_input(
        "Programs",
        1,
        100_000,
        count_key.default,
        key=count_key.name,
        persist_state="session",
        width=130,
        help="Number of programs from this seed in the corpus; existing ones stay.",
    )
    return corpus_name, int(program_count)
