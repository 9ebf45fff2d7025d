"""Filters of a corpus's programs: text, templates, roles, states, warnings and parameters."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core.corpus import Corpus
from core.corpus.program_filtering import ValueRange
from pages.components import page_cache, session_keys

STATE_LABELS = {"ok": "With a clip", "failed": "Failed", "pending": "Not rendered yet"}
WARNING_LABELS = {
    "runtime": "Error in a thread",
    "no_sleep": "Loop without sleep",
    "syntax": "Syntax error in a thread",
    "clipped": "Too loud",
    "ignored": "No effect here",
    "unknown_synth": "Unknown synth",
    "missing_sample": "Missing sample",
    "out_of_range": "Inaudible note",
    "skipped": "Skipped sound",
    "waiting": "Waits for a cue",
    "warning": "Other",
}
ParameterFilters = dict[str, ValueRange | list[str]]


@dataclass(frozen=True)
class ProgramFilters:
    """The filters' values, as `core.corpus.program_filtering.filter_programs` takes them."""

    query: str
    states: list[str]
    warning_kinds: list[str]
    templates: list[str]
    roles: list[str]
    parameters: ParameterFilters


def draw_program_filters(corpus: Corpus) -> ProgramFilters:
    """Draw the filters and return their values."""
    options = page_cache.load_program_filter_options(corpus)
    columns = st.columns([4.4, 3.4, 2.8, 2.8, 2.8, 2.4], gap="small")
    with columns[0]:
        query = st.text_input(
            "Words",
            key=session_keys.FILTER_TEXT.name,
            placeholder="Words, or amp>0.5",
            icon=":material/search:",
            help="Searches name, code, error and warnings. `synth=saw` and `amp>0.5` compare"
            " parameters, `forecast_loudness>-20` a forecast.",
            persist_state="session",
            label_visibility="collapsed",
        )
    with columns[1]:
        templates = _draw_column_value_filter(
            "Template",
            options["template"],
            session_keys.FILTER_TEMPLATES,
            page_cache.load_template_titles(),
        )
    with columns[2]:
        roles = _draw_column_value_filter("Role", options["role"], session_keys.FILTER_ROLES, {})
    with columns[3]:
        existing_states = [name for name in STATE_LABELS if name in options["state"]]
        states = _draw_column_value_filter(
            "State", existing_states, session_keys.FILTER_STATES, STATE_LABELS
        )
    with columns[4]:
        warning_kinds = _draw_column_value_filter(
            "Warning", options["warning"], session_keys.FILTER_WARNINGS, WARNING_LABELS
        )
    with columns[5]:
        parameters = draw_parameter_filters(page_cache.load_parameter_domains_of_corpus(corpus))
    return ProgramFilters(query or "", states, warning_kinds, templates, roles, parameters)


def _draw_column_value_filter(
    label: str, options: list[str], key: session_keys.SessionKey[list[str]], titles: dict[str, str]
) -> list[str]:
    return st.multiselect(
        label,
        options,
        key=key.name,
        placeholder=label,
        format_func=lambda option: titles.get(option, option) or "none",
        persist_state="session",
        label_visibility="collapsed",
    )


def draw_parameter_filters(domains: ParameterFilters) -> ParameterFilters:
    """Draw the choice of parameters and of their values.

    Parameters
    ----------
    domains : dict
        Values of each parameter over all programs.

    Returns
    -------
    dict
        Accepted values of each chosen parameter.
    """
    filters: ParameterFilters = {}
    chosen_count = len(session_keys.FILTER_PARAMETERS.get_value())
    with st.popover(
        f"Parameters ({chosen_count})" if chosen_count else "Parameters",
        icon=":material/tune:",
        width="stretch",
        disabled=not domains,
        key="filter-parameters",
    ):
        chosen = st.multiselect(
            "Parameters",
            list(domains),
            key=session_keys.FILTER_PARAMETERS.name,
            placeholder="Choose parameters",
            persist_state="session",
            label_visibility="collapsed",
        )
        for name in chosen:
            filters[name] = _draw_parameter_value_filter(name, domains[name])
    return filters


def _draw_parameter_value_filter(
    name: str, domain: ValueRange | list[str]
) -> ValueRange | list[str]:
    key, label = session_keys.FILTER_VALUE.derive_scoped_key(name).name, name.replace("_", " ")
    if not isinstance(domain, ValueRange):
        values = st.multiselect(label, domain, key=key, placeholder="Any value")
        return values or domain
    if domain.low < domain.high:
        full_range = (domain.low, domain.high)
        return ValueRange(*st.slider(label, domain.low, domain.high, full_range, key=key))
    st.caption(f"{label} is always {domain.low:g}.")
    return domain


def clear_program_filters() -> None:
    """Remove all filters; for callbacks."""
    for key in (
        session_keys.FILTER_STATES,
        session_keys.FILTER_WARNINGS,
        session_keys.FILTER_TEMPLATES,
        session_keys.FILTER_ROLES,
        session_keys.FILTER_PARAMETERS,
    ):
        key.set_value([])
    session_keys.FILTER_TEXT.set_value("")
