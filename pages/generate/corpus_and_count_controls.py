"""Controls that both forms of the page Generate share: the corpus and the number of programs."""

from __future__ import annotations

import streamlit as st

from pages.components.session_keys import SessionKey

NEW_CORPUS = "\N{HEAVY PLUS SIGN}"  # No corpus can have this name.
NEW_CORPUS_LABEL = "New corpus"


def read_corpus_choice(corpus_key: SessionKey[str | None]) -> str | None:
    """Return the chosen corpus, or the name that was typed for a new one; None for neither."""
    chosen = corpus_key.get_value()
    if chosen == NEW_CORPUS:
        return (_get_new_name_key(corpus_key).get_value() or "").strip() or None
    return chosen


def _get_new_name_key(corpus_key: SessionKey[str | None]) -> SessionKey[str | None]:
    return corpus_key.derive_scoped_key("new")


def _move_unknown_name_to_new_corpus(
    corpus_key: SessionKey[str | None], options: list[str]
) -> None:
    """Make a chosen corpus that does not exist, perhaps a deleted one, the name of a new one."""
    chosen = corpus_key.get_value()
    if chosen and chosen not in options:
        _get_new_name_key(corpus_key).set_value(chosen)
        corpus_key.set_value(NEW_CORPUS)


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
    options = [*corpus_names, NEW_CORPUS]
    _move_unknown_name_to_new_corpus(corpus_key, options)
    st.selectbox(
        "Corpus",
        options,
        key=corpus_key.name,
        # Streamlit warns about an index beside a value in the session.
        index=0,
        format_func=lambda option: NEW_CORPUS_LABEL if option == NEW_CORPUS else option,
        persist_state="session",
        help="Add to a corpus, or create a new one.",
    )
    if corpus_key.get_value() == NEW_CORPUS:
        st.text_input(
            "Name of the new corpus",
            key=_get_new_name_key(corpus_key).name,
            placeholder="my-corpus",
            persist_state="session",
        )
    corpus_name = read_corpus_choice(corpus_key)
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
