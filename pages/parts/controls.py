"""A parameter of a template as a control that may stay empty."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.programs import ParameterSpec, Template
from core.programs.parameters import ruby


def key_of(template: Template, spec: ParameterSpec) -> str:
    """The key under which a parameter's fixed value is kept; None or "" while it is random."""
    return f"fixed:{template.id}:{spec.name}"


def fixed_values(template: Template, specs: list[ParameterSpec]) -> dict[str, Any]:
    """The values that are fixed, by parameter."""
    found = {spec.name: st.session_state.get(key_of(template, spec)) for spec in specs}
    return {name: value for name, value in found.items() if value not in (None, "")}


def control(template: Template, spec: ParameterSpec, drawn: Any) -> None:
    """Draw a parameter's control.

    Parameters
    ----------
    drawn : object
        The value that the shown variant has; None when it doesn't draw it.
    """
    key = key_of(template, spec)
    label = spec.name.replace("_", " ")
    shown = "random" if drawn is None else ruby(drawn)
    kept = {"key": key, "persist_state": "session", "placeholder": shown}
    if spec.kind in ("pick", "chance"):
        st.selectbox(label, spec.choices, index=None, format_func=ruby, **kept)
    elif spec.kind == "integer":
        st.number_input(
            label, int(spec.lo), int(spec.hi), value=None, step=spec.step,
            help=f"{spec.lo:g} to {spec.hi:g}", **kept,
        )  # fmt: skip
    elif spec.kind in ("uniform", "log_uniform"):
        step = 10.0**-spec.digits if spec.kind == "uniform" else 0.01
        st.number_input(
            label, float(spec.lo), float(spec.hi), value=None, step=step, format="%g",
            help=f"{spec.lo:g} to {spec.hi:g}", **kept,
        )  # fmt: skip
    else:
        st.text_input(label, value=None, help=_members(spec), **kept)


def _members(spec: ParameterSpec) -> str:
    """What a list may hold, in words."""
    of = f"from {ruby(spec.choices)}" if spec.choices else f"from {spec.lo:g} to {spec.hi:g}"
    if spec.kind == "rhythm":
        return f"Values {of} that sum to {spec.hi:g}, with commas between."
    return f"{spec.count} values {of}, with commas between."
