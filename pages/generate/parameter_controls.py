"""Controls of a template's parameters: sampled at random, restricted, or fixed."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.programs import ChoiceSubset, NumberRange, ParameterSpec, Template
from core.programs.template_parameters import LIST_KINDS, NUMBER_KINDS, format_ruby_value
from pages.components import markdown_and_errors, session_keys

RANDOM_MODE, FIXED_MODE, RANGE_MODE = "random", "fixed", "range"
NUMBER_MODE_LABELS = {RANDOM_MODE: "Random", FIXED_MODE: "Fixed", RANGE_MODE: "Range"}
CHOICE_MODE_LABELS = {**NUMBER_MODE_LABELS, RANGE_MODE: "Some"}
MAX_VALUE_CHARS = 24  # Of the value beside a parameter's name.


def read_chosen_parameter_values(template: Template, specs: list[ParameterSpec]) -> dict[str, Any]:
    """Return the parameters that are not sampled freely.

    Returns
    -------
    dict
        By parameter: a value, a `NumberRange` or a `ChoiceSubset`.
    """
    fixed_values: dict[str, Any] = {}
    for spec in specs:
        mode = _get_sampling_mode_key(template, spec).get_value()
        value = _get_sampling_value_key(template, spec, mode).get_value()
        if mode == FIXED_MODE and value not in (None, ""):
            fixed_values[spec.name] = value
        elif mode == RANGE_MODE and value:
            is_number = spec.kind in NUMBER_KINDS
            fixed_values[spec.name] = (
                NumberRange(*value) if is_number else ChoiceSubset(tuple(value))
            )
    return fixed_values


def reset_parameter_sampling(template: Template, specs: list[ParameterSpec]) -> None:
    """Sample every parameter at random; for callbacks."""
    for spec in specs:
        _get_sampling_mode_key(template, spec).set_value(RANDOM_MODE)


def draw_parameter_control(template: Template, spec: ParameterSpec, value: Any) -> None:
    """Draw a parameter's name, value and sampling, and the input that the sampling needs.

    Parameters
    ----------
    template : Template
    spec : ParameterSpec
    value : object
        The parameter's value in the shown variant; None if that variant does not use it.
    """
    has_range = spec.kind not in (*LIST_KINDS, "chance")
    modes = [RANDOM_MODE, FIXED_MODE, *([RANGE_MODE] if has_range else [])]
    mode_labels = NUMBER_MODE_LABELS if spec.kind in NUMBER_KINDS else CHOICE_MODE_LABELS
    mode_key = _get_sampling_mode_key(template, spec)
    label = spec.name.replace("_", " ")
    value_text = "" if value is None else _truncate_text(format_ruby_value(value))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(
            f"{markdown_and_errors.escape_markdown(label)}"
            f" &ensp;:gray[{markdown_and_errors.escape_markdown(value_text)}]",
            width="stretch",
        )
        mode = st.segmented_control(
            f"Sampling of {label}",
            modes,
            # Streamlit warns about a default beside a value in the session.
            default=None if mode_key.is_set() else RANDOM_MODE,
            required=True,
            key=mode_key.name,
            format_func=lambda option: mode_labels[option],
            on_change=_initialize_value_of_sampling_mode,
            args=(template, spec, value),
            persist_state="session",
            label_visibility="collapsed",
        )
    if mode == FIXED_MODE:
        _draw_fixed_value_input(template, spec, label)
    elif mode == RANGE_MODE:
        _draw_value_range_input(template, spec, label)


def _initialize_value_of_sampling_mode(template: Template, spec: ParameterSpec, value: Any) -> None:
    """Start a mode with the shown value or the full range, unless it was used before."""
    mode = _get_sampling_mode_key(template, spec).get_value()
    value_key = _get_sampling_value_key(template, spec, mode)
    if value_key.is_set() or mode == RANDOM_MODE:
        return
    if mode == RANGE_MODE and spec.kind in NUMBER_KINDS:
        value_key.set_value(_get_parameter_limits(spec))
    elif mode == RANGE_MODE:
        value_key.set_value(list(spec.choices))
    elif value is not None:
        value_key.set_value(format_ruby_value(value) if spec.kind in LIST_KINDS else value)


def _draw_fixed_value_input(template: Template, spec: ParameterSpec, label: str) -> None:
    key = _get_sampling_value_key(template, spec, FIXED_MODE).name
    label = f"Value of {label}"
    if spec.kind in ("pick", "chance"):
        st.selectbox(
            label,
            spec.choices,
            index=None,
            format_func=format_ruby_value,
            key=key,
            persist_state="session",
            label_visibility="collapsed",
        )
    elif spec.kind in NUMBER_KINDS:
        low, high = _get_parameter_limits(spec)
        st.number_input(
            label,
            low,
            high,
            value=None,
            step=_get_number_input_step(spec),
            key=key,
            format="%d" if spec.kind == "integer" else "%g",
            placeholder=f"{spec.lo:g} to {spec.hi:g}",
            persist_state="session",
            label_visibility="collapsed",
        )
    else:
        st.text_input(
            label,
            value=None,
            key=key,
            placeholder=_describe_allowed_list_values(spec),
            persist_state="session",
            label_visibility="collapsed",
        )


def _draw_value_range_input(template: Template, spec: ParameterSpec, label: str) -> None:
    key = _get_sampling_value_key(template, spec, RANGE_MODE).name
    if spec.kind in NUMBER_KINDS:
        low, high = _get_parameter_limits(spec)
        st.slider(
            f"Range of {label}",
            low,
            high,
            step=_get_number_input_step(spec),
            key=key,
            format="%d" if spec.kind == "integer" else "%g",
            persist_state="session",
            label_visibility="collapsed",
        )
    else:
        st.multiselect(
            f"Choices of {label}",
            spec.choices,
            key=key,
            format_func=format_ruby_value,
            placeholder="All",
            persist_state="session",
            label_visibility="collapsed",
        )


def _get_parameter_limits(spec: ParameterSpec) -> tuple[float, float]:
    """Return a number's limits, as int for integers: a widget returns what it is given."""
    if spec.lo is None or spec.hi is None:
        raise ValueError(f"{spec.name} is not a number")
    if spec.kind == "integer":
        return int(spec.lo), int(spec.hi)
    return float(spec.lo), float(spec.hi)


def _get_number_input_step(spec: ParameterSpec) -> float:
    if spec.kind == "integer":
        return spec.step
    if spec.kind == "uniform":
        return 10.0**-spec.digits
    return 10.0 ** min(-2, -spec.digits)


def _truncate_text(text: str) -> str:
    return text if len(text) <= MAX_VALUE_CHARS else f"{text[: MAX_VALUE_CHARS - 1]}…"


def _get_sampling_mode_key(template: Template, spec: ParameterSpec) -> session_keys.SessionKey[str]:
    return session_keys.SAMPLING_MODE.derive_scoped_key(template.id, spec.name)


def _get_sampling_value_key(
    template: Template, spec: ParameterSpec, mode: str
) -> session_keys.SessionKey[Any]:
    return session_keys.SAMPLING_VALUE.derive_scoped_key(mode, template.id, spec.name)


def _describe_allowed_list_values(spec: ParameterSpec) -> str:
    """Return which values a list may have."""
    if spec.choices:
        domain = f"from {format_ruby_value(spec.choices)}"
    else:
        domain = f"from {spec.lo:g} to {spec.hi:g}"
    if spec.kind == "rhythm":
        return f"Values {domain} that sum to {spec.hi:g}, separated by commas"
    return f"{spec.count} values {domain}, separated by commas"
