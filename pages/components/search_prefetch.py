"""Background loading of what the first search needs: templates, torch and a corpus's indices."""

from __future__ import annotations

import gc
import logging
import threading

import streamlit as st

from core import programs
from core.corpus import Corpus, list_corpora
from core.errors import EarshotError


def start_search_prefetch() -> None:
    """Start loading, once per server and again after the first training."""
    for name in list_corpora():
        try:
            has_alignment = bool(Corpus.open(name).list_alignment_ids())
        except EarshotError:  # The pages show the error.
            continue
        if has_alignment:
            _start_prefetch_thread(name)
            return
    _start_prefetch_thread(None)


@st.cache_resource(show_spinner=False)
def _start_prefetch_thread(corpus_name: str | None) -> threading.Thread:
    thread = threading.Thread(
        target=_prefetch_search, args=(corpus_name,), name="prefetch", daemon=True
    )
    thread.start()
    return thread


def _prefetch_search(corpus_name: str | None) -> None:
    try:
        for template in programs.list_templates():
            template.list_template_parameters()
        # Loading torch and scikit-learn, which Train and Listen need, is the purpose here.
        from core.search import nearest_neighbour_queries, search_confidence  # noqa: F401 (loads what confidence imports)
        from core.search.aligned_corpus import open_aligned_corpus

        if corpus_name is not None:
            nearest_neighbour_queries.find_neighbours(
                open_aligned_corpus(Corpus.open(corpus_name)), "play 60", k=1
            )
    except EarshotError as error:
        # The page that needs it shows the error.
        logging.getLogger(__name__).info("not loaded in advance: %s", error)
    # The loaded modules stay, so that no garbage collection needs to look at them again.
    gc.collect()
    gc.freeze()
