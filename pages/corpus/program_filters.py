"""The filters of a corpus's programs: words, templates, roles, states, and values of parameters."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.corpus import Corpus
from core.corpus.filtering import Span
from pages.components import cache

STATES = {"ok": "With a clip", "failed": "Failed", "pending": "Not rendered yet"}
KEEP = {"persist_state": "session", "label_visibility": "collapsed"}
PARAMETERS = "filter:parameters"  # in the session: those that are filtered by


def choose(corpus: Corpus) -> dict[str, Any]:
    """Draw the filters; return them as `core.corpus.filtering.matching` takes them."""
    titles, facets = cache.titles(), cache.facets(corpus)
    words, templates, roles, states, more = st.columns([5, 4, 3, 3, 2.4], gap="small")
    with words:
        text = st.text_input(
            "Words",
            key="filter:text",
            placeholder="Words, or amp>0.5",
            icon=":material/search:",
            help="In the name, the code or the error. `synth=saw` and `amp>0.5` compare"
            " parameters.",
            **KEEP,
        )
    with templates:
        template = st.multiselect(
            "Template",
            facets["template"],
            key="filter:templates",
            placeholder="Template",
            format_func=lambda each: titles.get(each, each) or "none",
            **KEEP,
        )
    with roles:
        role = st.multiselect(
            "Role",
            facets["role"],
            key="filter:roles",
            placeholder="Role",
            format_func=lambda each: each or "none",
            **KEEP,
        )
    with states:
        state = st.multiselect(
            "State",
            [each for each in STATES if each in facets["state"]],
            key="filter:states",
            placeholder="State",
            format_func=STATES.get,
            **KEEP,
        )
    with more:
        values = parameters(cache.domains(corpus))
    return {
        "text": text or "",
        "states": state,
        "templates": template,
        "roles": role,
        "parameters": values,
    }


def parameters(domains: dict[str, Span | list[str]]) -> dict[str, Span | list[str]]:
    """Draw the choice of parameters, and of each the values to keep."""
    found: dict[str, Span | list[str]] = {}
    number = len(st.session_state.get(PARAMETERS, []))
    with st.popover(
        f"Parameters ({number})" if number else "Parameters",
        icon=":material/tune:",
        width="stretch",
        disabled=not domains,
        key="filter-parameters",
    ):
        chosen = st.multiselect(
            "Parameters", list(domains), key=PARAMETERS, placeholder="Choose parameters", **KEEP
        )
        for name in chosen:
            domain, key, label = domains[name], f"filter:of:{name}", name.replace("_", " ")
            if not isinstance(domain, Span):
                some = st.multiselect(label, domain, key=key, placeholder="Any value")
                found |= {name: some or domain}
            elif domain.low < domain.high:
                found[name] = Span(*st.slider(label, *domain, tuple(domain), key=key))
            else:
                st.caption(f"{label} is always {domain.low:g}.")
                found[name] = domain
    return found


def clear() -> None:
    """Take all filters away; for callbacks."""
    for name in ("states", "templates", "roles", "parameters"):
        st.session_state[f"filter:{name}"] = []
    st.session_state["filter:text"] = ""
