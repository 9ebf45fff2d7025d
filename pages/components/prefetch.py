"""Load what the first search would wait for, while somebody is still reading."""

from __future__ import annotations

import gc
import logging
import threading

import streamlit as st

from core.corpus import Corpus, list_corpora
from core.errors import EarshotError


def start_prefetch() -> None:
    """Start loading in the background, once a server and again after the first training."""
    for name in list_corpora():
        try:
            aligned = Corpus.open(name).load_newest_alignment() is not None
        except EarshotError:  # damaged: the pages say so
            continue
        if aligned:
            _start_prefetch_thread(name)
            return
    _start_prefetch_thread(None)


@st.cache_resource(show_spinner=False)
def _start_prefetch_thread(corpus_name: str | None) -> threading.Thread:
    thread = threading.Thread(target=_prefetch_search, args=(corpus_name,), name="warm", daemon=True)
    thread.start()
    return thread


def _prefetch_search(corpus_name: str | None) -> None:
    from core import programs

    try:
        for template in programs.list_templates():
            template.list_parameters()
        # Bring torch and scikit-learn, which the pages Train and Listen need.
        from core.search import aligned_corpus, query, confidence  # noqa: F401

        if corpus_name is not None:
            aligned = aligned_corpus.open_aligned_corpus(Corpus.open(corpus_name))
            query.find_neighbours(aligned, "play 60", k=1)
    except EarshotError as error:
        # The page that needs it will say so to whoever asks.
        logging.getLogger(__name__).info("not loaded ahead: %s", error)
    # What is loaded by now stays: no collection needs to look at it again.
    gc.collect()
    gc.freeze()
