"""Candidates of a language model on page Suggest, where an endpoint is set."""

from __future__ import annotations

import os
from dataclasses import replace

import streamlit as st

from core import workspace
from pages.components import markdown_and_errors, session_keys
from pages.suggest.suggestion_state import SuggestionState


def draw_language_model_panel(current: SuggestionState) -> SuggestionState:
    """Draw the button that asks the language model; return the state with its candidates.

    Nothing is drawn where `EARSHOT_LLM_URL` is not set, or the dashboard is read-only: then a
    visitor must not spend the owner's money.
    """
    from core.suggest.chat_client import URL_VARIABLE, read_chat_settings
    from core.suggest.language_model_candidates import write_candidates_by_language_model

    if not os.environ.get(URL_VARIABLE) or workspace.is_workspace_read_only():
        return current
    with st.container(horizontal=True, vertical_alignment="center"):
        is_asked = st.button(
            "Ask the language model",
            icon=":material/smart_toy:",
            key="suggest-language-model",
            help="Its programs compete with the edits. The code is sent to the endpoint that"
            f" {URL_VARIABLE} names.",
        )
        if is_asked:
            with (
                markdown_and_errors.catch_and_show_errors(),
                st.spinner("The language model writes programs …"),
            ):
                written = write_candidates_by_language_model(
                    read_chat_settings(), current.tree.current.source
                )
                current = replace(
                    current,
                    written=tuple(written.candidates),
                    written_words=written.format_usage_and_cost(),
                )
                session_keys.SUGGESTION_STATE.set_value(current)
        if current.written_words:
            st.caption(markdown_and_errors.escape_markdown(current.written_words))
    return current
