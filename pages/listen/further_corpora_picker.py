"""Choice of further corpora that a search on Listen covers."""

from __future__ import annotations

import streamlit as st

from core.corpus import AlignmentRecord, Corpus, list_corpora
from core.errors import EarshotError
from core.search.alignment_choice_for_other_corpora import choose_alignment_that_searches_all
from core.search.corpus_encoder_records import has_embeddings_of_alignment
from pages.components import corpus_and_alignment_picker, markdown_and_errors, session_keys
from pages.components.corpus_and_alignment_picker import Selection


def draw_further_corpora_picker(selected: Selection) -> tuple[Selection, list[Corpus]]:
    """Draw the choice of further corpora, if the alignment can search any.

    Returns
    -------
    Selection
        The selected corpus, with kernel ridge where a chosen corpus lacks simulations for the
        selected alignment; a caption says so.
    list of Corpus
        The chosen ones.
    """
    corpora = list_searchable_corpora(selected.corpus, selected.alignment)
    if not corpora:
        return selected, []
    chosen_names = st.multiselect(
        "Search these corpora too",
        list(corpora),
        key=session_keys.FURTHER_CORPORA.name,
        placeholder="Search other corpora too",
        label_visibility="collapsed",
        persist_state="session",
        help="Corpora that are embedded by the encoders of this alignment.",
    )
    chosen = [corpora[name] for name in chosen_names if name in corpora]
    alignment = choose_alignment_that_searches_all([selected.corpus, *chosen], selected.alignment)
    if alignment.path != selected.alignment.path:
        label = corpus_and_alignment_picker.format_alignment_label(alignment)
        st.caption(
            markdown_and_errors.escape_markdown(
                f"Searched by {label}: clips lack the simulations that joint kernel ridge needs."
            )
        )
        selected = Selection(selected.corpus, alignment)
    return selected, chosen


def list_searchable_corpora(corpus: Corpus, alignment: AlignmentRecord) -> dict[str, Corpus]:
    """Return the other corpora that the encoders of an alignment have embedded, by name."""
    searchable = {}
    for name in list_corpora():
        if name == corpus.name:
            continue
        try:
            other = Corpus.open(name)
            used = choose_alignment_that_searches_all([corpus, other], alignment)
            if has_embeddings_of_alignment(other, used):
                searchable[name] = other
        except EarshotError:  # Home shows what is damaged.
            continue
    return searchable
