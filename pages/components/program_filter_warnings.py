"""Notice about a query for programs that cannot match as it was meant."""

from __future__ import annotations

import streamlit as st

from core.corpus import Corpus
from core.corpus.program_filtering import find_query_problems, list_number_columns
from pages.components import markdown_and_errors, page_cache


def draw_filter_query_problems(corpus: Corpus, query: str) -> None:
    """Draw which parts of the query cannot match as they were meant."""
    if query:
        parameter_names = [
            *page_cache.load_parameter_domains_of_corpus(corpus),
            *list_number_columns(page_cache.load_programs_with_forecast(corpus)),
        ]
        for problem in find_query_problems(query, parameter_names):
            st.warning(
                markdown_and_errors.escape_markdown(problem),
                icon=":material/filter_alt_off:",
            )
