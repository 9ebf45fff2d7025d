"""The filters of a corpus's programs: words, templates, roles, states, and values of parameters."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.corpus import Corpus
from core.corpus.filtering import ValueRange
from pages.components import cache

STATE_LABELS = {"ok": "With a clip", "failed": "Failed", "pending": "Not rendered yet"}
WIDGET_OPTIONS = {"persist_state": "session", "label_visibility": "collapsed"}
FILTERED_PARAMETERS_KEY = "filter:parameters"  # in the session: those that are filtered by


def choose_program_filters(corpus: Corpus) -> dict[str, Any]:
    """Draw the filters; return them as `core.corpus.filtering.filter_programs` takes them."""
    titles, facets = cache.load_template_titles(), cache.load_filter_options(corpus)
    words, templates, roles, states, more = st.columns([5, 4, 3, 3, 2.4], gap="small")
    with words:
        text = st.text_input(
            "Words",
            key="filter:text",
            placeholder="Words, or amp>0.5",
            icon=":material/search:",
            help="In the name, the code or the error. `synth=saw` and `amp>0.5` compare"
            " parameters.",
            **WIDGET_OPTIONS,
        )
    with templates:
        template = st.multiselect(
            "Template",
            facets["template"],
            key="filter:templates",
            placeholder="Template",
            format_func=lambda each: titles.get(each, each) or "none",
            **WIDGET_OPTIONS,
        )
    with roles:
        role = st.multiselect(
            "Role",
            facets["role"],
            key="filter:roles",
            placeholder="Role",
            format_func=lambda each: each or "none",
            **WIDGET_OPTIONS,
        )
    with states:
        state = st.multiselect(
            "State",
            [each for each in STATE_LABELS if each in facets["state"]],
            key="filter:states",
            placeholder="State",
            format_func=STATE_LABELS.get,
            **WIDGET_OPTIONS,
        )
    with more:
        values = choose_parameter_filters(cache.load_parameter_domains(corpus))
    return {
        "text": text or "",
        "states": state,
        "templates": template,
        "roles": role,
        "parameters": values,
    }


def choose_parameter_filters(domains: dict[str, ValueRange | list[str]]) -> dict[str, ValueRange | list[str]]:
    """Draw the choice of parameters, and of each the values to keep."""
    found: dict[str, ValueRange | list[str]] = {}
    number = len(st.session_state.get(FILTERED_PARAMETERS_KEY, []))
    with st.popover(
        f"Parameters ({number})" if number else "Parameters",
        icon=":material/tune:",
        width="stretch",
        disabled=not domains,
        key="filter-parameters",
    ):
        chosen = st.multiselect(
            "Parameters", list(domains), key=FILTERED_PARAMETERS_KEY, placeholder="Choose parameters", **WIDGET_OPTIONS
        )
        for name in chosen:
            domain, key, label = domains[name], f"filter:of:{name}", name.replace("_", " ")
            if not isinstance(domain, ValueRange):
                some = st.multiselect(label, domain, key=key, placeholder="Any value")
                found |= {name: some or domain}
            elif domain.low < domain.high:
                found[name] = ValueRange(*st.slider(label, *domain, tuple(domain), key=key))
            else:
                st.caption(f"{label} is always {domain.low:g}.")
                found[name] = domain
    return found


def clear_filters() -> None:
    """Take all filters away; for callbacks."""
    for name in ("states", "templates", "roles", "parameters"):
        st.session_state[f"filter:{name}"] = []
    st.session_state["filter:text"] = ""
