"""Choice of further corpora that a search on Listen covers."""

from __future__ import annotations

import streamlit as st

from core.corpus import AlignmentRecord, Corpus, list_corpora
from core.errors import EarshotError
from core.search.corpus_encoder_records import has_embeddings_of_alignment
from pages.components import session_keys
from pages.components.corpus_and_alignment_picker import Selection


def draw_further_corpora_picker(selected: Selection) -> list[Corpus]:
    """Draw the choice of further corpora, if the alignment can search any; return those chosen."""
    corpora = list_searchable_corpora(selected.corpus, selected.alignment)
    if not corpora:
        return []
    chosen_names = st.multiselect(
        "Search these corpora too",
        list(corpora),
        key=session_keys.FURTHER_CORPORA.name,
        placeholder="Search other corpora too",
        label_visibility="collapsed",
        persist_state="session",
        help="Corpora that are embedded by the encoders of this alignment.",
    )
    return [corpora[name] for name in chosen_names if name in corpora]


def list_searchable_corpora(corpus: Corpus, alignment: AlignmentRecord) -> dict[str, Corpus]:
    """Return the other corpora that the encoders of an alignment have embedded, by name."""
    searchable = {}
    for name in list_corpora():
        if name == corpus.name:
            continue
        try:
            other = Corpus.open(name)
            if has_embeddings_of_alignment(other, alignment):
                searchable[name] = other
        except EarshotError:  # Home shows what is damaged.
            continue
    return searchable
