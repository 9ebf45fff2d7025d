"""A parameter of a template as a control: drawn at random, narrowed, or fixed."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.programs import ChoiceSubset, ParameterSpec, NumberRange, Template
from core.programs.parameters import LIST_KINDS, NUMBER_KINDS, format_ruby_value
from pages.components import formatting

RANDOM_MODE, FIXED_MODE, RANGE_MODE = "random", "fix", "range"
MAX_VALUE_CHARS = 24  # figures of a value that is shown beside its name
WIDGET_OPTIONS = {"persist_state": "session", "label_visibility": "collapsed"}


def read_fixed_values(template: Template, specs: list[ParameterSpec]) -> dict[str, Any]:
    """What isn't left wholly to chance, by parameter: a value, a `Range` or a `OneOf`."""
    found = {}
    for spec in specs:
        way = st.session_state.get(_build_state_key(template, spec, "way"), RANDOM_MODE)
        given = st.session_state.get(_build_state_key(template, spec, way))
        if way == FIXED_MODE and given not in (None, ""):
            found[spec.name] = given
        elif way == RANGE_MODE and given:
            found[spec.name] = NumberRange(*given) if spec.kind in NUMBER_KINDS else ChoiceSubset(tuple(given))
    return found


def reset_parameters(template: Template, specs: list[ParameterSpec]) -> None:
    """Leave every parameter to chance; for callbacks."""
    for spec in specs:
        st.session_state[_build_state_key(template, spec, "way")] = RANDOM_MODE


def draw_parameter_control(template: Template, spec: ParameterSpec, drawn_value: Any) -> None:
    """Draw a parameter: its name and value, how it comes about, and what that needs.

    Parameters
    ----------
    drawn_value : object
        The value that the shown variant has; None when it doesn't draw it.
    """
    ways = [RANDOM_MODE, FIXED_MODE] if spec.kind in (*LIST_KINDS, "chance") else [RANDOM_MODE, FIXED_MODE, RANGE_MODE]
    key = _build_state_key(template, spec, "way")
    shown = "" if drawn_value is None else format_ruby_value(drawn_value)
    label = spec.name.replace("_", " ")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(
            f"{formatting.escape_markdown(label)} &ensp;:gray[{formatting.escape_markdown(_truncate_text(shown))}]",
            width="stretch",
        )
        way = st.segmented_control(
            f"How {label} comes about",
            ways,
            key=key,
            required=True,
            **({} if key in st.session_state else {"default": RANDOM_MODE}),
            format_func=lambda each: NUMBER_MODE_LABELS[each] if spec.kind in NUMBER_KINDS else CHOICE_MODE_LABELS[each],
            on_change=_initialize_mode_value,
            args=(template, spec, drawn_value),
            **WIDGET_OPTIONS,
        )
    if way == FIXED_MODE:
        _draw_fixed_input(template, spec, label)
    elif way == RANGE_MODE:
        _draw_range_input(template, spec, label)


NUMBER_MODE_LABELS = {RANDOM_MODE: "Random", FIXED_MODE: "Fix", RANGE_MODE: "Range"}
CHOICE_MODE_LABELS = {**NUMBER_MODE_LABELS, RANGE_MODE: "Some"}


def _initialize_mode_value(template: Template, spec: ParameterSpec, drawn_value: Any) -> None:
    """Begin with what is there: the value that is drawn now, or the whole range."""
    way = st.session_state[_build_state_key(template, spec, "way")]
    key = _build_state_key(template, spec, way)
    if key in st.session_state or way == RANDOM_MODE:
        return
    if way == RANGE_MODE and spec.kind in NUMBER_KINDS:
        st.session_state[key] = _get_number_type(spec)(spec.lo), _get_number_type(spec)(spec.hi)
    elif way == RANGE_MODE:
        st.session_state[key] = list(spec.choices)
    elif drawn_value is not None:
        st.session_state[key] = format_ruby_value(drawn_value) if spec.kind in LIST_KINDS else drawn_value


def _draw_fixed_input(template: Template, spec: ParameterSpec, label: str) -> None:
    key, label = _build_state_key(template, spec, FIXED_MODE), f"Value of {label}"
    if spec.kind in ("pick", "chance"):
        st.selectbox(label, spec.choices, index=None, format_func=format_ruby_value, key=key, **WIDGET_OPTIONS)
    elif spec.kind in NUMBER_KINDS:
        kind = _get_number_type(spec)
        st.number_input(
            label,
            kind(spec.lo),
            kind(spec.hi),
            value=None,
            step=_get_input_step(spec),
            key=key,
            format="%d" if kind is int else "%g",
            placeholder=f"{spec.lo:g} to {spec.hi:g}",
            **WIDGET_OPTIONS,
        )
    else:
        st.text_input(label, value=None, key=key, placeholder=_describe_list_values(spec), **WIDGET_OPTIONS)


def _draw_range_input(template: Template, spec: ParameterSpec, label: str) -> None:
    key = _build_state_key(template, spec, RANGE_MODE)
    if spec.kind in NUMBER_KINDS:
        kind = _get_number_type(spec)
        st.slider(
            f"Range of {label}",
            kind(spec.lo),
            kind(spec.hi),
            step=_get_input_step(spec),
            key=key,
            format="%d" if kind is int else "%g",
            **WIDGET_OPTIONS,
        )
    else:
        st.multiselect(
            f"Choices of {label}",
            spec.choices,
            key=key,
            format_func=format_ruby_value,
            placeholder="All of them",
            **WIDGET_OPTIONS,
        )


def _get_number_type(spec: ParameterSpec) -> type:
    return int if spec.kind == "integer" else float


def _get_input_step(spec: ParameterSpec) -> float:
    if spec.kind == "integer":
        return spec.step
    if spec.kind == "uniform":
        return 10.0**-spec.digits
    return 10.0 ** min(-2, -spec.digits)


def _truncate_text(text: str) -> str:
    return text if len(text) <= MAX_VALUE_CHARS else f"{text[: MAX_VALUE_CHARS - 1]}…"


def _build_state_key(template: Template, spec: ParameterSpec, state_name: str) -> str:
    """Where the session keeps how a parameter comes about, and what is given for that."""
    return f"{state_name}:{template.id}:{spec.name}"


def _describe_list_values(spec: ParameterSpec) -> str:
    """What a list may hold, in words."""
    of = f"from {format_ruby_value(spec.choices)}" if spec.choices else f"from {spec.lo:g} to {spec.hi:g}"
    if spec.kind == "rhythm":
        return f"Values {of} that sum to {spec.hi:g}, with commas between"
    return f"{spec.count} values {of}, with commas between"
